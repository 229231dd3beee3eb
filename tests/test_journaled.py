"""Every step: the kill switch as it stands now, the whole answer in evidence, and no write in plan mode."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playbooks import stopping
from playbooks.journaled import Keeping, Work, perform
from playbooks.steps import containment
from responders import kill_switch, snapshots
from responders.cloud import Cloud
from responders.errors import RefusedError, TransientError
from responders.evidence import EvidenceStore
from responders.evidence_folder import EvidenceFolder
from tests.a_rehearsed_incident import order as plain_order
from tests.azure_fake import FakeAzure, Say
from tests.snapshot import snapshot

FOLDER = "incidents/inc-20260101-0123456789ab"
SHIPPED = Path(__file__).parent.parent / "policy.toml"


def order(mode: str) -> Any:
    return plain_order(mode)


@pytest.fixture
def store(
    tmp_path: Path, azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> EvidenceStore:
    """The product's settings name this store; calls go to the fake Azure."""

    async def connected(_hand: str) -> Cloud:
        return cloud

    for name in ("FIREBREAK_TENANT_ID", "FIREBREAK_LOG_WORKSPACE_ID"):
        monkeypatch.setenv(name, "00000000-0000-0000-0000-000000000001")
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path))
    monkeypatch.setattr(Cloud, "connect", connected)
    return EvidenceFolder(tmp_path)


async def pulled(_work: Work) -> Any:
    change = {"object": "x", "before": "on", "after": "off"}
    return {"status": "done", "detail": "pulled", "items": [{"id": 1}], "changes": [change]}


async def test_the_whole_answer_is_evidence_and_durable_gets_the_sentence(
    store: EvidenceStore,
) -> None:
    answer = await perform("lever", order("contain"), pulled, keeping=Keeping("levers/lever"))

    assert answer == {"status": "done", "detail": "pulled"}
    assert store.get_json(f"{FOLDER}/levers/lever-1.json")["items"] == [{"id": 1}]


async def test_what_a_person_has_to_do_goes_with_an_answer_that_leaves_it_open(
    store: EvidenceStore,
) -> None:
    async def refused(_work: Work) -> Any:
        raise RefusedError("403")

    keeping = Keeping("levers/lever", if_open={"by_hand": ["az …"]})
    answer = await perform("lever", order("contain"), refused, keeping=keeping)

    assert answer == {"status": "refused", "detail": "403", "by_hand": ["az …"]}
    assert store.get_json(f"{FOLDER}/levers/lever-1.json") == answer


async def test_every_run_of_a_step_is_kept(store: EvidenceStore) -> None:
    for _ in range(2):
        await perform("lever", order("contain"), pulled, keeping=Keeping("levers/lever"))

    assert len(store.list(f"{FOLDER}/levers")) == 2


@pytest.mark.parametrize("pulled_by", ["setting", "policy", "broken policy"])
async def test_the_kill_switch_holds_a_running_incident_too(
    store: EvidenceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pulled_by: str
) -> None:
    text = {
        "policy": SHIPPED.read_text().replace("acting = true ", "acting = false "),
        "broken policy": "[guards",
    }.get(pulled_by, SHIPPED.read_text())
    (tmp_path / "policy.toml").write_text(text)
    monkeypatch.setenv("FIREBREAK_POLICY", str(tmp_path / "policy.toml"))
    if pulled_by == "setting":
        monkeypatch.setenv("FIREBREAK_ACTING", "false")
    answer = await perform("lever", order("contain"), pulled, acts=True)

    assert answer["status"] == "refused"
    assert "kill switch" in answer["detail"]


async def test_a_misspelt_kill_switch_lets_nothing_through(
    store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREBREAK_ACTING", "flase")

    with pytest.raises(RefusedError, match="FIREBREAK_ACTING"):
        await perform("lever", order("contain"), pulled, acts=True)


async def test_what_does_not_act_goes_on_when_the_kill_switch_is_pulled(
    store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREBREAK_ACTING", "false")

    assert (await perform("sweep", order("contain"), pulled))["status"] == "done"
    assert (await perform("lever", order("plan"), pulled, acts=True))["status"] == "done"


async def test_in_plan_mode_the_http_layer_refuses_a_step_that_writes(
    store: EvidenceStore, azure: FakeAzure
) -> None:
    azure.on("PATCH", "/v1.0/servicePrincipals/1", Say(204))

    async def write(work: Work) -> Any:
        await work.cloud.graph.patch("/servicePrincipals/1", {"accountEnabled": False})
        return {"status": "done", "detail": "written"}

    planned = await perform("lever", order("plan"), write)
    assert planned["status"] == "refused"
    assert "plan mode" in planned["detail"]
    assert azure.seen == []
    assert (await perform("lever", order("contain"), write))["status"] == "done"


def test_without_a_reason_nothing_is_stopped(store: EvidenceStore) -> None:
    assert stopping.stopped_by(store) is None


async def test_the_switch_of_the_store_stops_the_next_step_and_says_who_pulled_it_and_why(
    store: EvidenceStore,
) -> None:
    turned(store, acting=False)
    answer = await perform("lever", order("contain"), pulled, acts=True)

    assert answer["status"] == "refused"
    assert "rosa" in answer["detail"]
    assert "wrong identity" in answer["detail"]

    turned(store, acting=True)
    assert (await perform("lever", order("contain"), pulled, acts=True))["status"] == "done"


async def test_a_step_that_is_under_way_writes_nothing_more_once_the_switch_is_pulled(
    store: EvidenceStore, azure: FakeAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure.on("PATCH", "/v1.0/servicePrincipals/1", Say(204))
    azure.on("PATCH", "/v1.0/servicePrincipals/1", Say(204))
    monkeypatch.setattr(stopping, "LOOK_S", 0.01)

    async def two_writes(work: Work) -> Any:
        await work.cloud.graph.patch("/servicePrincipals/1", {"accountEnabled": False})
        turned(store, acting=False)
        await asyncio.sleep(0.2)
        await work.cloud.graph.patch("/servicePrincipals/1", {"accountEnabled": False})
        return {"status": "done", "detail": "both"}

    answer = await perform("lever", order("contain"), two_writes, acts=True)

    assert answer["status"] == "refused"
    assert "pulled by rosa" in answer["detail"]
    assert len(azure.seen) == 1


async def test_a_switch_that_cannot_be_read_now_is_asked_again_and_nothing_acts_meanwhile(
    store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(_store: EvidenceStore) -> kill_switch.Switch:
        raise TransientError("the storage is busy")

    monkeypatch.setattr(kill_switch, "read", unread)
    answer = await perform("lever", order("contain"), pulled, acts=True)

    assert (answer["status"], answer["retry"]) == ("failed", True)


async def test_a_switch_that_holds_no_sense_is_off(store: EvidenceStore) -> None:
    store.claim("kill-switch.json", b'{"acting": "yes"}')

    answer = await perform("lever", order("contain"), pulled, acts=True)
    assert answer["status"] == "refused"


def turned(store: EvidenceStore, *, acting: bool) -> kill_switch.Switch:
    by: kill_switch.TurnedBy = {"object_id": "o", "name": "rosa"}
    at = "2026-11-26T23:00:00+00:00"
    return kill_switch.turn(
        store, {"acting": acting, "reason": "wrong identity", "by": by, "at": at}
    )


async def test_once_a_person_has_ended_the_incident_only_what_closes_it_is_carried_out(
    store: EvidenceStore,
) -> None:
    store.put_json(f"{FOLDER}/cancelled.json", {"reason": "enough"})

    assert (await perform("lever", order("contain"), pulled, acts=True))["status"] == "refused"
    assert "cancelled" in (await perform("sweep", order("contain"), pulled))["detail"]
    assert (await perform("write_report", order("contain"), pulled))["status"] == "done"


async def test_a_restore_after_the_end_of_a_cancelled_incident_acts(store: EvidenceStore) -> None:
    store.put_json(f"{FOLDER}/cancelled.json", {"reason": "enough"})
    later: Any = {**order("contain"), "holder": "inc-20260101-0123456789ab-restore-1"}

    assert (await perform("lever", later, pulled, acts=True))["status"] == "done"


async def test_of_two_snapshots_at_once_the_first_that_is_written_stands(
    store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan that is left for a containment may still be taking its own."""
    first = snapshot(grants=[])

    async def taken(*_: Any, **__: Any) -> Any:
        store.put_json(f"{FOLDER}/snapshot.json", first)
        return snapshot(grants=[], taken_at="2026-01-01T00:00:09.000+00:00")

    monkeypatch.setattr(snapshots, "take", taken)
    step = containment.take_snapshot._function._func

    answer = await step(order("contain"))

    assert answer["status"] == "done"
    assert store.get_json(f"{FOLDER}/snapshot.json") == first
