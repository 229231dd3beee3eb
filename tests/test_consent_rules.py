"""Whose yes counts: so many different people, in time, to exactly this plan; who had it done is not enough alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from playbooks import consent_rules, irreversible
from playbooks.consent_rules import Terms, judge, may_count, silence
from tests.test_plans import survey

ASKED_AT = datetime(2026, 1, 1, 3, tzinfo=UTC)
EXPIRES = ASKED_AT + timedelta(hours=1)


def terms(needs: int = 2, *, requesters: tuple[str, ...] = (), may: bool = False) -> Terms:
    return Terms(
        "h", frozenset({"risk"}), frozenset({"a", "b"}), needs, frozenset(requesters), may, EXPIRES
    )


def said(person: str, decision: str = "grant", minute: int = 1, **more: Any) -> dict[str, Any]:
    at = (ASKED_AT + timedelta(minutes=minute)).isoformat()
    fits = {"plan_hash": "h", "confirmed": ["risk"], "chosen": [], "reason": "read"}
    return {**fits, "decision": decision, "approver": name(person), "at": at, **more}


def name(person: str) -> dict[str, str]:
    return {"object_id": person, "name": person.capitalize()}


def granted(*answers: dict[str, Any], asked: Terms | None = None) -> bool | None:
    decided = judge(answers, asked or terms())
    return None if decided is None else decided["granted"]


def test_two_people_are_two_people() -> None:
    assert granted(said("ines")) is None
    assert granted(said("ines"), said("ines", minute=2)) is None
    assert granted(said("ines"), said("yuri", minute=2)) is True


def test_who_agreed_is_told_in_the_order_in_which_they_did() -> None:
    decided = judge([said("yuri", minute=9), said("ines")], terms())
    assert decided is not None
    assert [one["approver"]["object_id"] for one in decided["approvals"]] == ["ines", "yuri"]
    assert (decided["approver"]["object_id"], decided["needs"]) == ("yuri", 2)


def test_one_no_ends_it_whoever_says_it_and_however_many_agreed_before() -> None:
    no = said("rosa", "deny", minute=2)
    assert granted(said("ines"), no, said("yuri", minute=3)) is False
    assert granted(no, asked=terms(requesters=("rosa",))) is False


def test_a_no_after_the_decision_comes_too_late() -> None:
    assert granted(said("ines"), said("yuri"), said("rosa", "deny", minute=3)) is True


@pytest.mark.parametrize(
    "wrong",
    [
        {"plan_hash": "another"},
        {"confirmed": []},
        {"chosen": ["c"]},
        {"decision": "GRANT"},
        {"minute": 61},
    ],
)
def test_a_yes_that_does_not_fit_is_none(wrong: dict[str, Any]) -> None:
    assert granted(said("ines"), said("yuri", **wrong)) is None


@pytest.mark.parametrize("wrong", [{"plan_hash": "another"}, {"minute": 61}])
def test_a_no_to_something_else_is_none(wrong: dict[str, Any]) -> None:
    assert granted(said("ines", "deny", **wrong)) is None


@pytest.mark.parametrize(
    ("needs", "may", "people", "outcome"),
    [
        (1, False, ["rosa"], None),
        (1, False, ["rosa", "ines"], True),
        (1, True, ["rosa"], True),
        (2, False, ["rosa", "ines"], True),  # of the two, one did not ask for it
        (2, True, ["rosa", "ines"], True),
        (2, False, ["rosa"], None),
    ],
)
def test_who_asked_for_it_is_not_enough(
    needs: int, may: bool, people: list[str], outcome: bool | None
) -> None:
    asked = terms(needs, requesters=("rosa",), may=may)
    assert granted(*(said(one) for one in people), asked=asked) is outcome


def test_two_who_both_asked_for_it_are_not_enough() -> None:
    asked = terms(2, requesters=("rosa", "nora"))
    assert granted(said("rosa"), said("nora"), asked=asked) is None
    assert granted(said("rosa"), said("nora"), said("ines", minute=2), asked=asked) is True


def test_a_yes_that_can_never_count_is_known_before_it_is_kept() -> None:
    assert not may_count("rosa", terms(1, requesters=("rosa",)))
    assert may_count("rosa", terms(2, requesters=("rosa",)))
    assert may_count("rosa", terms(1, requesters=("rosa",), may=True))
    assert may_count("ines", terms(1, requesters=("rosa",)))


def test_what_comes_back_is_what_all_of_them_chose() -> None:
    decided = judge([said("ines", chosen=["a", "b"]), said("yuri", chosen=["b"])], terms())
    assert decided is not None
    assert decided["chosen"] == ["b"]


def test_silence_says_who_had_agreed() -> None:
    assert silence([], terms())["reason"] == "nobody answered in time"
    some = silence([said("ines")], terms())
    assert some["reason"] == "too few agreed in time: Ines"
    assert (some["granted"], len(some["approvals"])) == (False, 1)


def test_only_what_nothing_brings_back_takes_more_than_one() -> None:
    rule = {"people_for_irreversible": 2, "requester_may_approve": False}
    plan = {"plan_hash": "h", "confirmations": [], "choices": []}
    for count, needs in ((0, 1), (3, 2)):
        asked = consent_rules.terms(
            {**plan, "irreversible": count}, {"consent": rule}, [name("rosa")], EXPIRES
        )
        assert (asked.needs, asked.requesters) == (needs, frozenset({"rosa"}))


def part(kind: str, *, acts: bool = True) -> Any:
    workload = {"kind": kind, "namespace": "shop", "name": "loader"}
    return {"survey": {**survey("aks-1"), "workloads": [workload]}, "acts": acts}


@pytest.mark.parametrize(
    ("kind", "method", "sentences"),
    [
        ("Deployment", "new_subject", 0),
        ("CronJob", "wait_out", 0),
        ("Pod", "new_subject", 1),
        ("Job", "new_subject", 1),
        ("Deployment", "rotate_keys", 1),
        ("Pod", "rotate_keys", 2),
        ("Deployment", "accept_risk", 1),
    ],
)
def test_what_nothing_brings_back_is_named_act_by_act(
    kind: str, method: Any, sentences: int
) -> None:
    chosen: Any = {"method": method}
    found = irreversible.of(chosen, [part(kind)])
    assert len(found) == sentences
    assert irreversible.of(chosen, [part(kind, acts=False)]) == (
        found if method == "accept_risk" else []
    )
