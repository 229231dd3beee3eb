"""Each channel is told on its own: what one has taken it is not given again, and what one refuses stops no other."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from playbooks import channels
from playbooks.notices import NOTICES
from playbooks.steps import telling
from responders.cloud import Cloud
from responders.evidence_folder import EvidenceFolder
from responders.journal import Journal
from tests.a_rehearsed_incident import order as plain_order
from tests.arm_caller import as_firebreak
from tests.sandbox_fixture import RunningSandbox

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


SENTINEL = str(uuid.UUID(int=0x51))


def detected(sandbox: RunningSandbox, name: str = SENTINEL) -> str:
    """An incident of Sentinel; its ARM id."""
    detection = {"title": "odd sign-ins", "entities": [], "incident_name": name}
    sandbox.control("POST", "detections", detection)
    made = sandbox.control("GET", "state")["sentinelIncidents"]
    return str(next(one["id"] for one in made if one["name"] == name))


async def tell_sentinel(sentinel: str, notice: str = "contained", mode: str = "contain") -> Any:
    """A notice of an incident that this Sentinel incident opened."""
    order = plain_order(mode)
    order["incident"]["signal"] |= {"source": "sentinel", "sentinel_incident": sentinel}
    return await tell(notice, mode, incident=order["incident"])


def comments(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return list(sandbox.control("GET", "state")["sentinelComments"])


@pytest.mark.parametrize("mode", ["plan", "contain"])
async def test_the_sentinel_incident_gets_each_notice_once(
    mode: str, sandbox_cloud: Cloud, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    sentinel = detected(sandbox)
    answers = [await tell_sentinel(sentinel, mode=mode), await tell_sentinel(sentinel, mode=mode)]

    assert [one["channels"]["sentinel"]["status"] for one in answers] == ["done", "nothing_to_do"]
    (comment,) = comments(sandbox)
    assert comment["id"].lower().startswith(f"{sentinel}/comments/".lower())
    assert "Contained" in comment["properties"]["message"]
    # A marker that was not written any more before a crash: the comment is written over, not beside.
    (tmp_path / f"incidents/{INCIDENT}/notices/contained/sentinel.json").unlink()
    assert (await tell_sentinel(sentinel, mode=mode))["status"] == "done"
    assert len(comments(sandbox)) == 1


async def test_a_sentinel_signal_that_joined_has_its_incident_commented_as_well(
    sandbox_cloud: Cloud, sandbox: RunningSandbox, store: EvidenceFolder
) -> None:
    joined = detected(sandbox, str(uuid.UUID(int=0x52)))
    store.put_json(f"incidents/{INCIDENT}/signals/1.json", {"sentinel_incident": joined})
    store.put_json(f"incidents/{INCIDENT}/signals/2.json", {"title": "none of Sentinel's"})
    await tell_sentinel(detected(sandbox))

    assert len(comments(sandbox)) == 2


async def test_a_sentinel_incident_that_is_gone_keeps_the_comment_from_no_other(
    sandbox_cloud: Cloud, sandbox: RunningSandbox, store: EvidenceFolder
) -> None:
    there = detected(sandbox)
    store.put_json(f"incidents/{INCIDENT}/signals/1.json", {"sentinel_incident": there})
    answer = await tell_sentinel(there.replace(SENTINEL, str(uuid.UUID(int=9))))

    assert answer["channels"]["sentinel"]["status"] == "refused"
    assert "not there" in answer["channels"]["sentinel"]["detail"]
    assert answer["channels"]["teams"]["status"] == "done"
    assert len(comments(sandbox)) == 1


async def test_a_throttled_sentinel_is_told_later(
    sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    sentinel = detected(sandbox)
    said = {"service": "arm", "method": "PUT", "status": 429, "retry_after": "60", "times": 1}
    sandbox.control("POST", "faults", said)
    answer = await tell_sentinel(sentinel)

    assert answer["channels"]["sentinel"]["retry"] is True
    assert comments(sandbox) == []


async def test_policy_can_say_that_sentinel_is_not_told(
    sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    order = plain_order("contain")
    order["incident"]["signal"]["sentinel_incident"] = detected(sandbox)
    off = {**order["policy"], "notices": {"sentinel_comments": False}}
    answer = await tell(incident=order["incident"], policy=off)

    assert "sentinel" not in answer["channels"]
    assert comments(sandbox) == []


@pytest.mark.parametrize(
    ("limit", "passes_s"),
    [
        ("teams_messages_30s", 30),
        ("teams_messages_hour", 3600),
        ("teams_messages_2h", 7200),
        ("teams_messages_day", 86_400),
    ],
)
async def test_a_channel_that_has_had_enough_for_now_gets_the_card_once_that_has_passed(
    limit: str, passes_s: int, sandbox_cloud: Cloud, sandbox: RunningSandbox, store: EvidenceFolder
) -> None:
    sandbox.control("POST", "limits", {limit: 1})
    answers = [await tell("opened", channel="teams"), await tell("contained", channel="teams")]

    assert [one["status"] for one in answers] == ["done", "failed"]
    assert answers[1]["retry"] is True
    assert "429 in its body" in answers[1]["detail"]
    (waits,) = channels.told(Journal(store, INCIDENT).steps())["teams"]["not_told"]
    assert (waits["notice"], waits["status"]) == ("contained", "failed")

    sandbox.control("POST", "clock", {"advance_seconds": passes_s})
    assert (await tell("contained", channel="teams"))["status"] == "done"
    assert channels.told(Journal(store, INCIDENT).steps())["teams"] == {"told": 2, "not_told": []}
    assert posted(sandbox)[0] == 2
