"""What is about no incident is told by the same channels, on the same schedule, and once."""

from pathlib import Path
from typing import Any

import pytest

from playbooks import telling_later
from playbooks.notice_events import OPERATIONS, OPERATIONS_EVENTS
from responders.cloud import Cloud
from responders.evidence_folder import EvidenceFolder
from tests.rehearsal import rehearse
from tests.sandbox_fixture import RunningSandbox
from tests.test_ways_in import FakeClient
from triggers import announcements, intake, kill_switches
from triggers.formats import grid_events
from triggers.formats.grid_events import PassedBy

ROOT = Path(__file__).parent.parent
PULLED: Any = {
    "key": "kill-switch-7",
    "event": "KillSwitchPulled",
    "title": "Kill switch pulled: nothing acts",
    "mood": "bad",
    "do_now": "",
    "facts": [["By", "rosa"], ["Reason", "x\u202etxt ?sig=hunter2hunter2"]],
    "path": "/incidents",
    "at": "2026-01-01T00:00:00+00:00",
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvidenceFolder:
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path))
    found = EvidenceFolder(tmp_path)
    monkeypatch.setattr(intake, "store", lambda: found)
    return found


async def announce(**more: Any) -> Any:
    function: Any = announcements.announce
    return await function._function._func({"announcement": PULLED, "facts": {}, **more})


async def test_the_kill_switch_reaches_every_channel_once(
    sandbox_cloud: Cloud, sandbox: RunningSandbox, store: EvidenceFolder
) -> None:
    answers = [await announce(), await announce()]

    assert [one["status"] for one in answers] == ["done", "nothing_to_do"]
    state = sandbox.control("GET", "state")
    (event,) = state["topics"]["incidents"]
    assert (event["id"], event["eventType"]) == (
        "kill-switch-7",
        "Firebreak.Operations.KillSwitchPulled",
    )
    assert event["topic"].endswith("/operations")
    assert event["data"]["facts"]["By"] == "rosa"
    assert len(state["teams"]) == 1
    for told in (str(event), str(state["teams"])):
        assert "\u202e" not in told
    assert "hunter2" not in str(event)


async def test_a_channel_that_is_down_is_tried_alone_until_the_last_try(
    sandbox_cloud: Cloud, sandbox: RunningSandbox, store: EvidenceFolder
) -> None:
    sandbox.control("POST", "faults", {"service": "teams", "status": 503, "times": 2})
    first = await announce()
    last = await announce(channel="teams", last_try=True)

    assert (first["retry"], first["channels"]["events"]["status"]) == (True, "done")
    assert (last["status"], "retry" in last) == ("failed", False)
    assert len(sandbox.control("GET", "state")["topics"]["incidents"]) == 1


def test_it_is_told_on_the_schedule_of_every_notice() -> None:
    busy = {"status": "failed", "retry": True, "detail": "429"}
    joint = {**busy, "channels": {"teams": busy, "events": {"status": "done"}}}
    order = {"announcement": PULLED, "facts": {}}
    run = rehearse(telling_later.tell_later, order, {"announce": joint})
    assert run.timeline == ["announce", "tell_later"]
    (_, late) = run.orders[-1]
    assert (late["channel"], late["announcement"]) == ("teams", PULLED)

    answers: Any = iter([busy, busy, {"status": "done"}])
    run = rehearse(telling_later.tell_later, late, {"announce": lambda _order: next(answers)})
    assert run.timeline == ["announce"] * 3


async def test_each_turn_of_the_switch_is_begun_once(
    monkeypatch: pytest.MonkeyPatch, store: EvidenceFolder
) -> None:
    for name in ("FIREBREAK_TENANT_ID", "FIREBREAK_LOG_WORKSPACE_ID"):
        monkeypatch.setenv(name, "00000000-0000-0000-0000-000000000001")
    client: Any = FakeClient()
    by: Any = {"object_id": "o", "name": "rosa"}
    for number, acting in ((1, False), (1, False), (2, True)):
        switch: Any = {"number": number, "acting": acting, "reason": "r", "by": by, "at": "now"}
        await kill_switches._tell(switch, client)
    assert [one["event"] for one in client.told] == ["KillSwitchPulled", "KillSwitchReleased"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_firebreak_publishes_starts_nothing_and_is_on_the_page(name: str) -> None:
    event = {
        "id": "1",
        "topic": "/firebreak/t/operations",
        "subject": "1",
        "type": f"{OPERATIONS_EVENTS}{name}",
        "time": "2026-01-01T00:00:00Z",
        "data": {"hint": {"object_id": "11111111-1111-1111-1111-111111111111"}, "title": "x"},
    }
    assert isinstance(grid_events.parse(event), PassedBy)
    page = (ROOT / "docs" / "how-to" / "events.md").read_text()
    assert f"`{OPERATIONS_EVENTS}{name}`" in page


def test_every_type_that_is_announced_is_a_known_one() -> None:
    said = {
        name
        for path in (ROOT / "triggers").glob("*.py")
        for name in OPERATIONS
        if f'"{name}"' in path.read_text()
    }
    assert said == set(OPERATIONS)
