"""Each channel is told on its own: what one has taken it is not given again, and what one refuses stops no other."""

from pathlib import Path
from typing import Any

import pytest

from playbooks import channels
from playbooks.notices import NOTICES
from playbooks.steps import telling
from responders.cloud import Cloud
from responders.evidence_folder import EvidenceFolder
from responders.journal import Journal
from tests.arm_caller import as_firebreak
from tests.sandbox_fixture import RunningSandbox
from tests.test_compromised_identity import order as plain_order

INCIDENT = "inc-20260101-0123456789ab"
OTHER = "egt-firebreak-incidents"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvidenceFolder:
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path))
    return EvidenceFolder(tmp_path)


async def tell(notice: str = "contained", mode: str = "contain", **more: Any) -> dict[str, Any]:
    function: Any = telling.tell_people
    order = {**plain_order(mode), "notice": notice, "facts": {"lines": ["a line"]}, **more}
    answer: dict[str, Any] = await function._function._func(order)
    return answer


def posted(sandbox: RunningSandbox) -> tuple[int, list[dict[str, Any]]]:
    """Cards in the channel, events on the topic."""
    state = sandbox.control("GET", "state")
    return len(state["teams"]), state["topics"].get("incidents", [])


def fault(sandbox: RunningSandbox, service: str, status: int, **more: Any) -> None:
    said = {"service": service, "method": "POST", "status": status, "times": 1, **more}
    sandbox.control("POST", "faults", said)


async def test_a_notice_reaches_every_channel_once(
    sandbox_cloud: Cloud, sandbox: RunningSandbox, store: EvidenceFolder
) -> None:
    answers = [await tell(), await tell()]

    assert [one["status"] for one in answers] == ["done", "nothing_to_do"]
    cards, (event,) = posted(sandbox)
    assert cards == 1
    assert event["eventType"] == "Firebreak.Incident.Contained"
    assert event["subject"] == INCIDENT
    kept = store.get_json(f"incidents/{INCIDENT}/notices/contained/events.json")
    assert (kept["id"], kept["data"]) == (event["id"], event["data"])
    steps = Journal(store, INCIDENT).steps()
    assert {one["target"]: one["status"] for one in steps} == {
        "contained/teams": "nothing_to_do",
        "contained/events": "nothing_to_do",
    }


@pytest.mark.parametrize("mode", ["plan", "contain"])
@pytest.mark.parametrize(("down", "up"), [("eventgrid", "teams"), ("teams", "eventgrid")])
async def test_a_channel_that_is_throttled_is_told_later_and_the_other_one_now(
    mode: str, down: str, up: str, sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    fault(sandbox, down, 429, retry_after="7")
    answer = await tell("planned", mode)

    names = {"eventgrid": "events", "teams": "teams"}
    assert (answer["status"], answer["retry"], answer["after_s"]) == ("failed", True, 7)
    assert answer["channels"][names[up]]["status"] == "done"
    assert answer["channels"][names[down]]["retry"] is True
    later = await tell("planned", mode, channel=names[down])
    assert later["status"] == "done"
    cards, events = posted(sandbox)
    assert (cards, len(events)) == (1, 1)


async def test_without_the_role_the_event_is_refused_with_what_to_do_and_the_card_is_posted(
    sandbox_cloud: Cloud, sandbox: RunningSandbox, store: EvidenceFolder
) -> None:
    own = sandbox.seed["firebreak"]["object_id"]
    for one in sandbox.control("GET", "state")["roleAssignments"]:
        properties = one["properties"]
        if properties["principalId"] == own and properties["scope"].endswith(OTHER):
            assert as_firebreak(sandbox)("DELETE", one["id"]).status_code == 200
    answer = await tell()

    assert answer["status"] == "refused"
    assert "EventGrid Data Sender" in answer["channels"]["events"]["detail"]
    assert posted(sandbox) == (1, [])
    told = channels.told(Journal(store, INCIDENT).steps())
    assert told["teams"] == {"told": 1, "not_told": []}
    assert [one["notice"] for one in told["events"]["not_told"]] == ["contained"]


async def test_the_last_try_is_said_to_be_the_last(
    sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    fault(sandbox, "teams", 503)
    answer = await tell(channel="teams", last_try=True)

    assert answer["status"] == "failed"
    assert "retry" not in answer
    assert "given up after half a day" in answer["detail"]


async def test_where_no_channel_is_set_up_that_is_said(
    sandbox_cloud: Cloud, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sandbox_cloud.close()
    monkeypatch.setenv("FIREBREAK_TEAMS_WEBHOOK_URL", "")
    monkeypatch.delenv("FIREBREAK_EVENT_GRID_TOPIC")
    answer = await tell()
    await (await Cloud.connect()).close()

    assert answer["status"] == "refused"
    assert "nobody told" in answer["detail"]
    assert posted(sandbox) == (0, [])


async def test_every_notice_but_the_question_can_be_told_without_a_plan(
    sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    notices = sorted(NOTICES.keys() - {"asking"})
    answers = [await tell(one, channel="events") for one in notices]

    assert {one["status"] for one in answers} == {"done"}
    _, events = posted(sandbox)
    assert [one["data"]["notice"] for one in events] == notices
