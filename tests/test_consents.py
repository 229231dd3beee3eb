"""Several people's answers to one plan, on the real Durable executor: each is heard once, and none is lost."""

from typing import Any

import pytest

from playbooks import compromised_identity as playbook
from tests.a_rehearsed_incident import ANSWERS, PLAN_HASH, PLANNED, order, phases
from tests.rehearsal import START, Rehearsal, hours, rehearse

Json = dict[str, Any]
WEIGHTY = {**PLANNED, "irreversible": 2}


def said(person: str, decision: str = "grant", **more: Any) -> Json:
    about = {"plan_hash": PLAN_HASH, "confirmed": ["risk-1"], "decision": decision}
    return {**about, "approver": {"object_id": person, "name": person}, **more}


class People:
    """Answer one after the other, each to the wait that stands, as the API tells it."""

    def __init__(self, *answers: Json) -> None:
        self.answers = list(answers)
        self.events: list[str] = []

    def __call__(self, status: Json) -> tuple[str, Json] | None:
        asked = status["consent"] or {}
        if status["phase"] != "awaiting_consent" or "decision" in asked or not self.answers:
            return None
        if asked["heard"] != len(self.events) or asked["event"] is None:
            return None  # the one before is being read
        self.events.append(asked["event"])
        return asked["event"], self.answers.pop(0)


def play(people: Any, plan: Json = WEIGHTY, by: str = "", **answers: Any) -> Rehearsal:
    payload = order("respond")
    if by:
        payload["incident"]["signal"]["asked_by"] = {"object_id": by, "name": by}
    steps = {**ANSWERS, "draw_plan": plan, **answers}
    return rehearse(playbook.compromised_identity, payload, steps, people)


def decision(done: Rehearsal) -> Json:
    (kept,) = [to["facts"] for name, to in done.orders if name == "record_consent"]
    return dict(kept)


def test_what_nothing_brings_back_waits_for_a_second_person() -> None:
    people = People(said("ines"), said("yuri"))
    done = play(people)

    assert decision(done)["granted"]
    assert [one["approver"]["name"] for one in decision(done)["approvals"]] == ["ines", "yuri"]
    assert done.timeline.count("read_answers") == 2
    assert done.outcome["outcome"] == "recovered"
    partly: list[Json] = [
        dict(one["consent"])
        for one in done.statuses
        if one["phase"] == "awaiting_consent" and one["consent"].get("heard") == 1
    ]
    assert [one["needs"] for one in partly if "decision" not in one][:1] == [2]


def test_every_wait_has_a_name_of_its_own_and_the_next_one_is_told() -> None:
    people = People(said("ines"), said("yuri"))
    play(people)

    assert people.events == [f"consent-{PLAN_HASH[:16]}-{number}" for number in (1, 2)]


def test_one_person_is_enough_where_everything_comes_back() -> None:
    done = play(People(said("ines")), plan=PLANNED)

    assert decision(done)["granted"]


def test_one_person_twice_is_one_person() -> None:
    done = play(People(said("ines"), said("ines"), said("ines")))

    assert decision(done)["decision"] == "none"
    assert decision(done)["reason"] == "too few agreed in time: ines"
    assert "evict_clusters" not in done.timeline


def test_a_no_ends_it_although_somebody_agreed() -> None:
    done = play(People(said("ines"), said("rosa", "deny"), said("yuri")))

    assert (decision(done)["decision"], decision(done)["granted"]) == ("deny", False)
    assert decision(done)["approver"]["name"] == "rosa"
    assert len(decision(done)["approvals"]) == 1
    assert "evict_clusters" not in done.timeline


def test_who_opened_the_incident_does_not_agree_alone() -> None:
    done = play(People(said("rosa")), plan=PLANNED, by="rosa")

    assert not decision(done)["granted"]
    assert done.statuses[-1]["requesters"] == [{"object_id": "rosa", "name": "rosa"}]
    assert decision(play(People(said("rosa"), said("ines")), by="rosa"))["granted"]


def test_an_answer_that_durable_lost_counts_when_the_time_is_over() -> None:
    """The host died between keeping the answer and telling of it: nobody has to answer again."""
    kept = [{**said(one), "reason": "r", "chosen": [], "at": START.isoformat()} for one in "ab"]
    done = play(lambda _status: None, read_answers={"status": "done", "answers": kept})

    assert decision(done)["granted"]
    assert done.timeline.count("read_answers") == 1


def test_answers_that_can_not_be_read_are_nobodys() -> None:
    unread = {"status": "failed", "detail": "the store does not answer"}
    done = play(People(said("ines"), said("yuri")), read_answers=unread)

    assert decision(done)["decision"] == "none"
    assert "evict_clusters" not in done.timeline


def test_however_often_somebody_calls_the_history_stays_short() -> None:
    done = play(People(*[said("ines")] * 200))

    assert done.timeline.count("read_answers") == 41  # forty, and once when the time is over
    assert not decision(done)["granted"]


@pytest.mark.parametrize("answered", [(), (said("ines"),)])
def test_silence_is_a_no_after_the_minutes_of_the_policy(answered: tuple[Json, ...]) -> None:
    done = play(People(*answered))

    assert decision(done)["decision"] == "none"
    assert "preflight" not in phases(done)
    asked = next(one for one in done.statuses if one["phase"] == "awaiting_consent")
    assert asked["consent"]["expires_at"] == (START + hours(1)).isoformat(timespec="seconds")


def test_the_card_says_how_many_and_what_silence_means() -> None:
    done = play(People())
    (card,) = [
        to["facts"]
        for name, to in done.orders
        if name == "tell_people" and to["notice"] == "asking"
    ]

    assert card["People who have to agree"] == 2
    assert card["Without an answer"].startswith("Silence is a no")
