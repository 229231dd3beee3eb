"""A recovery that is half done waits for a person, and goes on as often as it takes."""

from typing import Any

import pytest

from playbooks import compromised_identity as playbook
from tests.a_rehearsed_incident import (
    ANSWERS,
    CLUSTERS,
    FAILED,
    OTHER_HASH,
    PLANNED,
    but,
    consent,
    group,
    moved,
    phases,
    resumes,
    run,
    told,
    waiting,
)
from tests.rehearsal import START, Rehearsal, hours, rehearse


def once(**answers: dict[str, Any]) -> Any:
    """These answers the first time a group of these clusters is asked, then all are done."""
    left = dict(answers)

    def answer(order: dict[str, Any]) -> dict[str, Any]:
        now = {name: left.pop(name) for name in list(left) if name in _keys(order)}
        return group(order, **now)

    return answer


def _keys(order: dict[str, Any]) -> set[str]:
    return {one["name"].replace("-", "_") for one in order["clusters"]}


@pytest.mark.parametrize("phase", ["watching", "awaiting_resume"])
def test_a_recovery_that_is_half_done_goes_on_when_a_person_says_so(phase: str) -> None:
    answers = {**ANSWERS, "rewire_wave": once(aks_2=FAILED)}
    done = rehearse(playbook.compromised_identity, waiting(), answers, resumes(phase))

    assert moved(done) == [["aks-1"], ["aks-2", "aks-3"], ["aks-2"]]
    assert moved(done, "preflight_clusters") == [["aks-1", "aks-2", "aks-3"], ["aks-2"]]
    assert moved(done, "evict_clusters") == [["aks-1", "aks-2", "aks-3"]], "evicted once"
    assert done.timeline.count("record_resume") == 1
    assert done.outcome["outcome"] == "recovered"
    assert not done.outcome["resumable"]
    assert "recovered" in told(done)
    written = [one["facts"]["name"] for name, one in done.orders if name == "write_report"]
    assert "report-resumed-1" in written


ONE_AWAY = [
    {"ref": CLUSTERS[0], "acts": True, "reason": ""},
    {"ref": CLUSTERS[1], "acts": False, "reason": "unreachable: timeout"},
]
AMENDED = {
    **PLANNED,
    "plan_hash": OTHER_HASH,
    "clusters": [{**one, "acts": True, "reason": ""} for one in ONE_AWAY],
    "number": 2,
    "changed": ["aks-2: can be reached now"],
}


def resumed_with(decision: str) -> Rehearsal:
    """A cluster was unreachable when the plan was drawn; it answers, and a person says go on."""
    first = resumes("watching")

    def on_status(status: dict[str, Any]) -> tuple[str, Any] | None:
        asked = status["consent"] or {}
        again = asked.get("plan_hash") == OTHER_HASH and asked.get("heard") == 0
        if status["phase"] == "awaiting_consent" and again and "decision" not in asked:
            given = {"decision": decision, "plan_hash": OTHER_HASH, "confirmed": ["risk-1"]}
            return asked["event"], given
        return first(status)

    answers = {"draw_plan": {**PLANNED, "clusters": ONE_AWAY}, "amend_plan": AMENDED}
    return run("respond", answers, on_status)


def test_a_cluster_that_the_plan_could_not_see_is_asked_for_anew_and_then_moved() -> None:
    done = resumed_with("grant")

    assert moved(done, "resurvey_clusters") == [["aks-2"]]
    assert moved(done) == [["aks-1"], ["aks-2"]]
    assert done.outcome["outcome"] == "recovered"
    cards = [one["notice_key"] for name, one in done.orders if name == "tell_people"]
    assert "asking-2" in cards
    kept = [one.get("plan_number", 1) for name, one in done.orders if name == "record_consent"]
    assert kept == [1, 2]


def test_a_plan_that_was_drawn_anew_and_not_agreed_to_moves_nothing_more() -> None:
    done = resumed_with("deny")

    assert moved(done) == [["aks-1"]]
    assert done.outcome["outcome"] == "partly_recovered"
    assert "no other one was agreed to" in done.outcome["clusters"]["aks-2"]["detail"]


def test_a_plan_that_can_not_be_drawn_anew_is_no_reason_to_act() -> None:
    refused = {"status": "refused", "detail": "stolen tokens would be shut out another way now"}
    answers = {"draw_plan": {**PLANNED, "clusters": ONE_AWAY}, "amend_plan": refused}
    done = run("respond", answers, resumes("watching"))

    assert moved(done) == [["aks-1"]]
    assert "another way" in done.outcome["clusters"]["aks-2"]["detail"]


def test_what_nobody_chose_is_said_once_and_as_it_is_after_the_last_answer() -> None:
    said = iter([["# not chosen: sg-1", "# not chosen: az x"], ["# not chosen: sg-2"]])
    answers = {
        **ANSWERS,
        "rewire_wave": once(aks_2={**FAILED, "by_hand": ["kubectl x"]}),
        "give_permissions": lambda _o: {"status": "done", "detail": "", "not_chosen": next(said)},
    }
    done = rehearse(playbook.compromised_identity, waiting(), answers, resumes("watching"))

    assert done.outcome["outcome"] == "recovered"
    assert done.outcome["by_hand"] == ["kubectl x", "# not chosen: sg-2"]
    reports = [one["facts"] for name, one in done.orders if name == "write_report"]
    assert "# not chosen: sg-1" in reports[0]["by_hand"]


def test_it_can_be_resumed_as_often_as_it_takes() -> None:
    answers = iter([FAILED, FAILED])

    def wave(order: dict[str, Any]) -> dict[str, Any]:
        if [one["name"] for one in order["clusters"]] == ["aks-1"]:
            return {"answers": [next(answers, {"status": "done", "detail": ""})]}
        return group(order)

    done = run("respond", {"rewire_wave": wave}, resumes("watching", "watching"))

    assert moved(done) == [["aks-1"], ["aks-1"], ["aks-1"], ["aks-2", "aks-3"]]
    assert done.outcome["outcome"] == "recovered"


def test_a_recovery_that_nobody_resumes_waits_as_long_as_the_policy_says() -> None:
    answers = {**ANSWERS, "rewire_wave": but(aks_2=FAILED)}
    done = rehearse(playbook.compromised_identity, waiting(14), answers, consent("grant"))

    entered = phases(done)
    assert entered[entered.index("watching") + 1] == "awaiting_resume"
    assert entered[-1] == "closed"
    assert done.ended_at - START >= hours(24 * 14)
    assert done.outcome["outcome"] == "partly_recovered"
    assert not done.outcome["resumable"]
    assert len(done.timeline) < 200


def test_what_is_recovered_waits_for_nobody() -> None:
    done = run("respond", events=consent("grant"))

    assert "awaiting_resume" not in phases(done)
    assert done.ended_at - START < hours(26)


def test_containment_is_still_checked_while_only_a_resume_is_waited_for() -> None:
    proofs = iter(["done"] * 3)  # through containment, the watch, and one check after it

    def verify(_order: Any) -> dict[str, Any]:
        return {"status": next(proofs, "failed"), "detail": "accountEnabled is true"}

    answers = {**ANSWERS, "rewire_wave": but(aks_2=FAILED), "verify_containment": verify}
    payload = waiting(attempts=1)
    done = rehearse(playbook.compromised_identity, payload, answers, consent("grant"))

    assert "reversed" in told(done)
    assert done.outcome["outcome"] == "not_contained"


def test_nothing_is_rebuilt_beside_an_identity_that_is_open() -> None:
    broken = {"holds": False, "detail": "accountEnabled is true"}
    unproven = iter([{"status": "done", "detail": ""}])
    answers = {
        **ANSWERS,
        "rewire_wave": but(aks_2=FAILED),
        "hold_containment": broken,
        "verify_containment": lambda _o: next(
            unproven, {"status": "failed", "detail": "a token was issued"}
        ),
    }
    payload = waiting(attempts=1)
    done = rehearse(playbook.compromised_identity, payload, answers, resumes("awaiting_resume"))

    assert "record_resume" in done.timeline
    assert moved(done) == [["aks-1"], ["aks-2", "aks-3"]]
    assert "not_resumed" in told(done)
