"""A rebuild that nobody agreed to: a person can have people asked anew, by another hash; nothing asks by itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from playbooks import compromised_identity as playbook
from playbooks import plan_files, plans
from playbooks.known_good import NOTHING
from playbooks.steps import amending, evidence
from responders.evidence_folder import EvidenceFolder
from tests import an_incident
from tests.a_rehearsed_incident import (
    ANSWERS,
    OTHER_HASH,
    PLAN_HASH,
    PLANNED,
    moved,
    told,
    waiting,
)
from tests.rehearsal import Rehearsal, hours, rehearse
from tests.test_ways_in import GOOD, OBJECT_ID, FakeClient, client, open_incident, settings
from triggers import intake

__all__ = ["client", "settings"]
Json = dict[str, Any]
ANEW = {**PLANNED, "plan_hash": OTHER_HASH, "number": 2}
ROSA = {"object_id": "rosa", "name": "rosa"}


class People:
    """Say this to each plan that they are asked about, or nothing; somebody has them asked anew in these phases."""

    def __init__(self, answers: dict[str, str], *phases: str) -> None:
        self.answers, self.phases = dict(answers), list(phases)

    def __call__(self, status: Json) -> tuple[str, Json] | None:
        asked = status["consent"] or {}
        if self.phases and status["resumable"] and status["phase"] == self.phases[0]:
            self.phases.pop(0)
            return status["resume"]["event"], {"reason": "now", "by": ROSA}
        if status["phase"] != "awaiting_consent" or "decision" in asked:
            return None
        decision = self.answers.pop(asked["plan_hash"], None)
        if decision is None:
            return None
        said = {"decision": decision, "plan_hash": asked["plan_hash"], "confirmed": ["risk-1"]}
        return asked["event"], {**said, "approver": {"object_id": "ines", "name": "ines"}}


def play(people: People, anew: Json = ANEW, **answers: Any) -> Rehearsal:
    steps = {**ANSWERS, "amend_plan": anew, **answers}
    return rehearse(playbook.compromised_identity, waiting(), steps, people)


def decisions(done: Rehearsal) -> list[str]:
    return [to["facts"]["decision"] for name, to in done.orders if name == "record_consent"]


@pytest.mark.parametrize("phase", ["watching", "awaiting_resume"])
def test_a_consent_that_lapsed_is_asked_for_anew_and_then_all_is_rebuilt(phase: str) -> None:
    done = play(People({OTHER_HASH: "grant"}, phase))

    assert decisions(done) == ["none", "grant"]
    assert done.outcome["outcome"] == "recovered"
    assert [len(one) for one in moved(done, "resurvey_clusters")] == [3], "all are asked once more"
    cards = [one["notice_key"] for name, one in done.orders if name == "tell_people"]
    assert "asking-2" in cards


def test_nobody_is_asked_twice_where_nobody_calls() -> None:
    done = play(People({}))

    assert decisions(done) == ["none"]
    assert "amend_plan" not in done.timeline
    shown = [one["resume"] for one in done.statuses if one["resumable"]]
    assert shown
    assert all(one["asks_anew"] for one in shown)
    assert not done.outcome["resumable"], "it is over in the end"


def test_after_a_no_it_can_be_asked_until_the_watch_is_over_and_does_not_wait_longer() -> None:
    silent, denied = play(People({})), play(People({PLAN_HASH: "deny"}))

    assert denied.ended_at < silent.ended_at - hours(24)
    until = {one["resume"]["until"] for one in denied.statuses if one["resumable"]}
    assert until == {denied.outcome["clock"]["residual until"]}
    again = play(People({PLAN_HASH: "deny", OTHER_HASH: "grant"}, "watching"))
    assert (decisions(again), again.outcome["outcome"]) == (["deny", "grant"], "recovered")


def test_silence_to_the_second_question_is_a_no_again_and_a_third_can_follow() -> None:
    done = play(People({}, "watching", "watching"))

    assert decisions(done) == ["none", "none", "none"]
    assert "create_identity" not in done.timeline
    assert "evict_clusters" not in done.timeline
    assert done.outcome["outcome"] == "contained"


def test_whoever_has_people_asked_anew_is_one_who_had_it_done() -> None:
    done = play(People({OTHER_HASH: "grant"}, "watching"))

    assert ROSA in done.outcome["requesters"]
    assert done.timeline.count("record_resume") == 1


def test_why_nobody_could_be_asked_is_told_and_it_can_be_tried_again() -> None:
    broken = {"status": "failed", "detail": "the evidence store does not answer"}
    done = play(People({}, "watching", "watching"), anew=broken)

    assert decisions(done) == ["none"]
    assert told(done).count("not_resumed") == 2


def test_the_same_plan_asked_anew_has_another_hash_so_that_no_old_answer_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    store, whole = EvidenceFolder(tmp_path), an_incident.plan(clusters=[], irreversible=[])
    order: Any = {
        "incident": {"incident_id": an_incident.INCIDENT},
        "policy": {},
        "facts": {"number": 1, "touched": [], "anew": True},
    }
    store.put_json(plan_files.plan_path(order["incident"]), {**whole, "graph": "aa"})
    store.put_json(f"incidents/{an_incident.INCIDENT}/snapshot.json", {})
    monkeypatch.setattr(plans, "draw", lambda *_: dict(whole))
    monkeypatch.setattr(evidence, "judged", lambda *_: None)

    first = amending._amend(store, order, NOTHING)
    second = amending._amend(store, order, NOTHING)

    assert (first["status"], first["number"], second["number"]) == ("done", 2, 3)
    before = plans.plan_hash(store.get_json(plan_files.plan_path(order["incident"])))
    assert len({before, first["plan_hash"], second["plan_hash"]}) == 3
    assert "changed" not in first
    order["facts"] = {"number": 1, "touched": []}
    assert amending._amend(store, order, NOTHING)["status"] == "nothing_to_do"


LAPSED: Json = {
    "phase": "watching",
    "resumable": True,
    "resume": {"event": "resume-1", "until": "2099-01-01T00:00:00+00:00", "asks_anew": True},
}


@pytest.mark.parametrize(
    ("mode", "told_to", "heard"),
    [
        ("respond", LAPSED, True),
        ("contain", LAPSED, False),
        ("plan", LAPSED, False),
        ("respond", {**LAPSED, "resume": {**LAPSED["resume"], "asks_anew": False}}, False),
        ("respond", {**LAPSED, "resumable": False}, False),
    ],
)
async def test_a_persons_call_to_respond_has_people_asked_anew(
    client: FakeClient, mode: str, told_to: Json, heard: bool
) -> None:
    first = await open_incident(client, {**GOOD, "mode": "respond"})
    incident_id = first[1]["incident_id"]
    client.statuses[incident_id] = SimpleNamespace(
        runtime_status=SimpleNamespace(name="Running"), custom_status=told_to
    )
    wanted = {"object_id": OBJECT_ID, "mode": mode, "reason": "the owner is awake now"}
    _, said = await open_incident(client, wanted)

    assert (said["incident_id"], said["joined"], len(client.started)) == (incident_id, True, 1)
    calls = [(one, by) for one, event, by in client.events if event == "resume-1"]
    assert bool(calls) is heard
    if heard:
        assert calls[0][0] == incident_id
        assert calls[0][1]["by"]["name"] == "rosa@contoso.example"
    assert intake.store().list(f"incidents/{incident_id}/signals")
