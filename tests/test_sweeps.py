"""Sweeps in the evidence: kept table by table, retried where time helps, and never empty where nothing was read."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from playbooks.journaled import Work
from playbooks.orders import Order
from playbooks.steps import findings, sweeps
from responders import log_sweeps
from responders.cloud import Cloud
from responders.collected import Collected
from responders.errors import RefusedError, TransientError
from responders.evidence_folder import EvidenceFolder
from responders.log_catalog import TABLES
from responders.log_sweeps import Scope
from tests.test_footprint import OBJECT, PRINCIPAL, sign_in

OPENED = datetime(2026, 8, 1, 12, tzinfo=UTC)
BASE = "incidents/inc-1"
USERNAME = "system:serviceaccount:shop:orders-api"
SIGN_INS = "AADServicePrincipalSignInLogs"


class Logs:
    """Stands in for the workspace: what each table says, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Scope, list[str]]] = []
        self.said: dict[str, Any] = {}  # rows, or an error

    async def sweep(
        self, _cloud: Cloud, scope: Scope, names: Iterable[str]
    ) -> dict[str, Collected | TransientError]:
        names = list(names)
        self.asked.append((scope, names))
        return {name: self._answer(scope, name) for name in names}

    def _answer(self, scope: Scope, name: str) -> Collected | TransientError:
        said = self.said.get(name, [])
        if isinstance(said, TransientError):
            return said
        if isinstance(said, RefusedError):
            return log_sweeps.uncollected(scope, TABLES[name], said)
        read = log_sweeps.uncollected(scope, TABLES[name], RefusedError("replaced below"))
        return {**read, "rows": said, "gaps": [], "collected": True, "complete": True}


class Ours:
    """A cloud that knows who we are, and nothing else."""

    async def own_object_ids(self) -> frozenset[str]:
        return frozenset({"us"})


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    made = Logs()
    monkeypatch.setattr(log_sweeps, "sweep", made.sweep)
    return made


@pytest.fixture
def store(tmp_path: Path) -> EvidenceFolder:
    return EvidenceFolder(tmp_path)


def order(sweep: str, **facts: Any) -> Order:
    incident: Any = {
        "incident_id": "inc-1",
        "principal": PRINCIPAL,
        "opened_at": OPENED.isoformat(),
        "window_start": (OPENED - timedelta(hours=1)).isoformat(),
    }
    policy = {"windows": {"evidence_hours": 24}}
    return {"incident": incident, "policy": policy, "facts": {"sweep": sweep, **facts}}


async def sweep(store: EvidenceFolder, name: str = "sweep-1", run: int = 1, **facts: Any) -> Any:
    cloud: Any = Ours()
    return await sweeps.collect_tables(Work(cloud, store, run), order(name, **facts))


async def test_every_table_is_kept_by_itself_with_what_was_asked(
    logs: Logs, store: EvidenceFolder
) -> None:
    logs.said[SIGN_INS] = [sign_in(1, "t1"), sign_in(2, "t2")]
    answer = await sweep(store)
    assert answer == {"status": "done", "detail": "sweep-1: 2 rows of 18/18 sources"}
    about = store.get_json(f"{BASE}/logs/sweep-1/{SIGN_INS}.json")
    assert (about["row_count"], about["rows"]["path"]) == (
        2,
        f"{BASE}/logs/sweep-1/{SIGN_INS}.jsonl",
    )
    assert OBJECT in about["query"]
    assert about["collector"].startswith("firebreak ")
    assert len(store.list(f"{BASE}/logs/sweep-1")) == 2 * len(TABLES)


async def test_what_was_not_read_is_a_gap_and_no_empty_file(
    logs: Logs, store: EvidenceFolder
) -> None:
    logs.said["AuditLogs"] = RefusedError("403")
    answer = await sweep(store)
    assert answer["detail"] == "sweep-1: 0 rows of 17/18 sources, 1 with gaps"
    assert not store.exists(f"{BASE}/logs/sweep-1/AuditLogs.jsonl")
    assert store.get_json(f"{BASE}/logs/sweep-1/AuditLogs.json")["rows"] is None
    incident = order("sweep-1")["incident"]
    assert any("AuditLogs: not collected: 403" in gap for gap in sweeps.gaps_of(store, incident))


async def test_a_busy_table_is_collected_by_the_next_run_and_the_others_stand(
    logs: Logs, store: EvidenceFolder
) -> None:
    logs.said["AuditLogs"] = TransientError("429")
    with pytest.raises(TransientError):
        await sweep(store)
    logs.said["AuditLogs"] = [{"TimeGenerated": "x"}]
    await sweep(store, run=2)
    assert [names for _, names in logs.asked] == [list(TABLES), ["AuditLogs"]]
    assert store.get_json(f"{BASE}/logs/sweep-1/AuditLogs.json")["row_count"] == 1


async def test_a_table_that_stays_busy_ends_as_a_gap(logs: Logs, store: EvidenceFolder) -> None:
    logs.said["AuditLogs"] = TransientError("429 busy")
    answer = await sweep(store, run=3)
    assert answer["status"] == "done"
    assert "429 busy" in store.get_json(f"{BASE}/logs/sweep-1/AuditLogs.json")["gaps"][0]


async def test_a_later_sweep_asks_for_what_arrived_since_where_the_earlier_one_had_it_all(
    logs: Logs, store: EvidenceFolder
) -> None:
    logs.said["AuditLogs"] = RefusedError("403")
    await sweep(store)
    await sweep(store, "sweep-2")
    (first, _), (second, _) = logs.asked
    assert first.arrived_after == {}
    assert second.arrived_after[SIGN_INS] == first.end - timedelta(minutes=5)
    assert "AuditLogs" not in second.arrived_after
    await sweep(store, "sweep-3")
    assert logs.asked[2][0].arrived_after[SIGN_INS] == second.end - timedelta(minutes=5)


async def test_a_username_that_was_learned_later_is_asked_for_from_the_beginning(
    logs: Logs, store: EvidenceFolder
) -> None:
    trusts = [{"subject": one} for one in (USERNAME, "repo:contoso/x:ref:main", None, "a'b")]
    store.put_json(f"{BASE}/snapshot.json", {"federated_credentials": trusts})
    await sweep(store)
    other = "system:serviceaccount:shop:other"
    store.put_json(f"{BASE}/clusters/aks.json", {"service_accounts": [{"subject": other}]})
    await sweep(store, "sweep-2")
    assert logs.asked[0][0].usernames == (USERNAME,)
    assert logs.asked[1][0].usernames == (USERNAME, other)
    assert logs.asked[1][0].arrived_after == {}


async def test_the_window_reaches_to_the_playbooks_now(logs: Logs, store: EvidenceFolder) -> None:
    later = datetime.now(UTC) + timedelta(days=2)
    await sweep(store, now=later.isoformat())
    assert logs.asked[0][0].end == later
    assert logs.asked[0][0].start == OPENED - timedelta(hours=24)


async def test_the_window_is_never_shorter_than_the_compromise(
    logs: Logs, store: EvidenceFolder
) -> None:
    """Else nobody could say what was planted in the part that was not asked for."""
    opened = order("sweep-1")["incident"]["window_start"]
    begun = datetime.fromisoformat(opened) - timedelta(hours=40)
    short = order("sweep-1")
    short["incident"]["window_start"] = begun.isoformat()
    assert sweeps._window(short)[0] == begun


async def test_rows_that_a_killed_run_left_stay_and_do_not_stand_in_the_way(
    logs: Logs, store: EvidenceFolder
) -> None:
    store.put_rows(f"{BASE}/logs/sweep-1/{SIGN_INS}.jsonl", [{"from": "the killed run"}])
    logs.said[SIGN_INS] = [{"from": "this run"}]
    await sweep(store)
    rows = sweeps.rows_of(store, order("sweep-1")["incident"])
    assert rows[SIGN_INS] == [{"from": "this run"}]
    assert len(store.list(f"{BASE}/logs/sweep-1")) == 2 * len(TABLES) + 1


async def test_findings_are_of_all_sweeps_and_tell_what_worked_after_containment(
    logs: Logs, store: EvidenceFolder
) -> None:
    logs.said[SIGN_INS] = [sign_in(1, "t1")]
    await sweep(store)
    logs.said[SIGN_INS] = [sign_in(1, "t1"), sign_in(40, "t2")]
    await sweep(store, "sweep-2")
    cloud: Any = Ours()
    contained = "2026-08-01T10:30:00+00:00"
    asked = order("sweep-2", contained=contained)
    answer = await findings.trace(Work(cloud, store, 1), asked)
    assert len(answer["after_containment"]) == 1
    kept = store.get_json(f"{BASE}/footprint-sweep-2.json")
    assert kept["credentials"][0]["succeeded"] == 2  # a row that both sweeps have counts once
