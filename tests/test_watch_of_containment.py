"""Containment is looked after while its identity is watched: what is undone is done again, what lags is asked again."""

from datetime import datetime, timedelta
from typing import Any

from playbooks import compromised_identity as playbook
from playbooks import containment, holding
from tests.a_rehearsed_incident import ANSWERS, POLICY, consent, order, run, told
from tests.rehearsal import START, Rehearsal, hours, rehearse

BROKEN = {"holds": False, "detail": "service principal is disabled: accountEnabled is true"}
HELD = {"holds": True, "reached": True, "detail": "held"}


def test_a_lever_that_somebody_undoes_during_the_watch_is_pulled_again_and_told() -> None:
    answers = iter([BROKEN])
    done = run("contain", {"hold_containment": lambda _o: next(answers, HELD)})

    assert done.timeline.count("disable_service_principal") == 2
    assert done.timeline.count("remove_federated_credentials") == 2
    assert told(done) == ["contained", "reversed", "contained_again", "closed"]
    assert done.outcome["outcome"] == "contained"
    assert done.outcome["reversals"] == [BROKEN["detail"]]


def test_where_policy_says_alert_a_reversal_is_told_and_nothing_is_touched() -> None:
    payload = order("contain")
    payload["policy"] = {**POLICY, "watch": {**POLICY["watch"], "on_reversal": "alert"}}
    done = rehearse(playbook.compromised_identity, payload, {**ANSWERS, "hold_containment": BROKEN})

    assert done.timeline.count("disable_service_principal") == 1
    assert told(done)[:2] == ["contained", "reversed"]
    assert done.timeline.count("hold_containment") == 1
    assert done.outcome["outcome"] == "not_contained"
    assert done.ended_at >= START + hours(24)


def test_whoever_undoes_containment_again_and_again_is_met_by_a_person() -> None:
    done = run("contain", {"hold_containment": BROKEN})

    assert done.timeline.count("disable_service_principal") == 5
    assert done.outcome["outcome"] == "not_contained"


def test_activity_after_containment_is_told() -> None:
    found = {"status": "done", "detail": "", "after_containment": ["sign-in from 203.0.113.9"]}
    done = run("contain", {"trace_footprint": found})

    assert told(done).count("active_after") == 2


def hold(verify: Any) -> Rehearsal:
    facts = {"until": (START + hours(24)).isoformat()}
    return rehearse(
        holding.hold_containment,
        {**order("contain"), "facts": facts},
        {"verify_containment": verify},
    )


def test_the_watch_reads_every_lever_back_at_the_rhythm_of_the_policy() -> None:
    done = hold({"status": "done", "detail": ""})

    assert done.timeline == ["verify_containment"] * 40
    assert done.ended_at == START + hours(10)
    assert done.outcome == {"holds": True, "reached": False, "detail": "held"}


def test_the_watch_ends_at_the_first_lever_that_stays_undone() -> None:
    done = hold({"status": "failed", "detail": "accountEnabled is true"})

    assert done.outcome == {"holds": False, "detail": "accountEnabled is true"}
    assert done.ended_at - START < hours(1)


def test_one_late_answer_during_the_watch_is_no_alarm() -> None:
    answers = iter(["done", "failed", "done"])
    done = hold(lambda _o: {"status": next(answers, "done"), "detail": ""})

    assert done.outcome["holds"]


def test_containment_that_does_not_hold_at_the_very_end_is_told() -> None:
    proofs = iter(["done"])

    def verify(_order: Any) -> dict[str, Any]:
        return {"status": next(proofs, "failed"), "detail": "accountEnabled is true"}

    done = run("contain", {"verify_containment": verify})

    assert done.outcome["outcome"] == "not_contained"
    assert told(done)[-2:] == ["reopened", "closed"]


LAGS = {
    "status": "done",
    "detail": "",
    "lags": True,
    "unasked": ["the token endpoint refuses: not asked: whether other trusts are refused"],
}


def contained_at(done: Rehearsal) -> datetime:
    return datetime.fromisoformat(done.outcome["clock"]["contained"])


def test_a_replica_that_lags_is_asked_again_before_contained_is_said() -> None:
    answers = iter([LAGS, LAGS])
    proven = {"status": "done", "detail": "", "unasked": []}
    done = run("contain", {"verify_containment": lambda _o: next(answers, proven)})

    assert done.outcome["outcome"] == "contained"
    assert done.outcome["unasked"] == []
    assert timedelta(seconds=2) <= contained_at(done) - START < timedelta(seconds=10)


def test_a_replica_that_lags_on_is_named_and_keeps_nobody_waiting() -> None:
    done = run("contain", {"verify_containment": LAGS})

    assert done.outcome["outcome"] == "contained"
    assert done.outcome["unasked"] == LAGS["unasked"]
    assert timedelta(seconds=30) < contained_at(done) - START < timedelta(seconds=70)


def test_a_lever_that_is_undone_while_a_replica_lags_is_waited_for_as_ever() -> None:
    undone = {"status": "failed", "detail": "1 left"}
    answers = iter([LAGS, *[undone] * 9])
    proven = {"status": "done", "detail": "", "unasked": []}
    done = run("contain", {"verify_containment": lambda _o: next(answers, proven)})

    assert done.outcome["outcome"] == "contained"
    assert contained_at(done) - START > timedelta(minutes=1)


def test_the_watch_does_not_ask_again_because_a_replica_lags() -> None:
    assert hold(LAGS).timeline == ["verify_containment"] * 40


def test_whoever_signs_in_as_the_new_identity_with_a_secret_is_said_to_people() -> None:
    strange = {"status": "done", "detail": "", "strange": ["somebody signed in with a secret"]}
    done = run("respond", {"collect_successor_sign_ins": strange}, consent("grant"))

    assert done.outcome["remaining"] == ["somebody signed in with a secret"]
    assert done.outcome["outcome"] == "recovered"


def test_a_trust_that_a_late_row_says_was_planted_takes_recovered_back() -> None:
    said = "Rebuilt, but made in the compromise window: trust t"
    found = {"status": "done", "detail": said, "late": [said], "by_hand": ["az rest DELETE t"]}
    done = run("respond", {"judge_rebuilt": found}, consent("grant"))

    assert told(done).count("rebuilt_in_window") == 1, "said once, not at each sweep"
    assert said in done.outcome["remaining"]
    assert "az rest DELETE t" in done.outcome["by_hand"]
    assert done.outcome["outcome"] == "partly_recovered"


def test_what_is_given_to_it_during_the_watch_does_not_hold() -> None:
    answers = iter([["nobody owns it: a"], ["nobody owns it: a", "nobody owns it: b"]])
    facts = {"until": (START + hours(24)).isoformat(), "open": ["nobody owns it: a"]}
    done = rehearse(
        holding.hold_containment,
        {**order("contain"), "facts": facts},
        {"verify_containment": lambda _o: {"status": "done", "detail": "", "open": next(answers)}},
    )

    assert done.outcome == {"holds": False, "detail": "given since: nobody owns it: b"}
    assert done.timeline == ["verify_containment"] * 2


def test_the_watch_knows_what_was_open_when_containment_was_proven() -> None:
    proof = {"status": "done", "detail": "", "open": ["no directory role: r"]}
    done = run("contain", {"verify_containment": proof})

    held = [one["facts"]["open"] for name, one in done.orders if name == "hold_containment"]
    assert held == [["no directory role: r"]] * 2


def test_what_a_repeated_containment_leaves_open_is_not_called_contained() -> None:
    broken = iter([BROKEN])
    proofs = iter([{"status": "done", "detail": ""}])
    left = {"status": "done", "detail": "", "remaining": ["nobody owns it: 1 left: b"]}
    answers = {
        "hold_containment": lambda _o: next(broken, HELD),
        "verify_containment": lambda _o: next(proofs, left),
    }
    done = run("contain", answers)

    assert done.outcome["outcome"] == "partly_contained"
    again = next(one for name, one in done.orders if one.get("notice") == "contained_again")
    assert again["facts"]["lines"] == ["Remains: nobody owns it: 1 left: b"]


def test_every_containment_that_fails_is_told_under_a_name_of_its_own() -> None:
    many = {"status": "done", "detail": "", "removals": 501}

    def call(status: dict[str, Any]) -> tuple[str, Any] | None:
        return (containment.CALLED, {}) if status["phase"] == "held" else None

    failed = {"status": "failed", "detail": "accountEnabled is true"}
    done = run("contain", {"take_snapshot": many, "verify_containment": failed}, call)

    keys = [
        one["notice_key"]
        for name, one in done.orders
        if name == "tell_people" and "accountEnabled is true" in one["facts"].get("lines", [])
    ]
    assert keys[0] == "not_contained-1"
    assert len(keys) == len(set(keys))
