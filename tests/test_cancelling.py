"""A person ends an incident in whatever phase it is: nothing new is begun, what was begun ends, people are told."""

from typing import Any

import pytest

from playbooks import compromised_identity as playbook
from playbooks.orders import CANCEL
from playbooks.restoring import RESTORE
from playbooks.stopping import CLOSING
from tests.a_rehearsed_incident import (
    ANSWERS,
    LEVERS,
    PLAN_HASH,
    but,
    consent,
    order,
    waiting,
)
from tests.in_process import activities
from tests.rehearsal import START, Rehearsal, hours, rehearse

CALL = {
    "by": {"object_id": "o-1", "name": "rosa"},
    "reason": "a test that ran away",
    "at": "2026-01-01T00:00:00+00:00",
    "phase": "watching",
}
MANY = {"take_snapshot": {"status": "done", "detail": "", "removals": 501}}
STUCK = {"rewire_wave": but(aks_2={"status": "failed", "detail": "403"})}


class Answers(dict[str, Any]):
    """The steps' answers, and which steps were begun after somebody had ended the incident."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(answers)
        self.said = False
        self.begun: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        if self.said:
            self.begun.append(name)
        return super().get(name, default)


def cancelled_in(
    phase: str, payload: dict[str, Any], answers: dict[str, Any] | None = None
) -> tuple[Rehearsal, Answers]:
    """Grants what it asks for, and ends it when this phase begins."""
    replies = Answers({**ANSWERS, **(answers or {})})
    grants = consent("grant", confirmed=["risk-1"], chosen=[])

    def events(status: dict[str, Any]) -> tuple[str, Any] | None:
        if status["phase"] == phase and not replies.said:
            replies.said = True
            return CANCEL, CALL
        found: tuple[str, Any] | None = None if replies.said else grants(status)
        return found

    done = rehearse(playbook.compromised_identity, payload, replies, events)
    assert replies.said, f"{phase} never came"
    return done, replies


@pytest.mark.parametrize(
    ("phase", "mode", "answers"),
    [
        ("planning", "plan", {}),
        ("guarding", "contain", {}),
        ("containing", "contain", {}),
        ("verifying_containment", "contain", {}),
        ("collecting_evidence", "contain", {}),
        ("reporting", "contain", {}),
        ("watching", "contain", {}),
        ("held", "contain", MANY),
        ("awaiting_consent", "respond", {}),
        ("preflight", "respond", {}),
        ("evicting", "respond", {}),
        ("rebuilding", "respond", {}),
        ("rewiring", "respond", {}),
        ("rechecking", "respond", {}),
        ("awaiting_resume", "waiting", STUCK),
    ],
)
def test_in_every_phase_nothing_new_is_begun_and_it_ends_told_and_given_free(
    phase: str, mode: str, answers: dict[str, Any]
) -> None:
    payload = waiting() if mode == "waiting" else order(mode)
    done, replies = cancelled_in(phase, payload, answers)

    in_flight = replies.begun[: replies.begun.index("record_cancel")]
    after = replies.begun[len(in_flight) :]
    assert after == [
        "record_cancel",
        "write_report",
        "tell_people",
        "seal_evidence",
        "release_principal",
    ]
    assert len(set(in_flight)) <= len(LEVERS), "what was asked for in the very turn of the word"
    assert (done.outcome["outcome"], done.outcome["phase"]) == ("cancelled", "closed")
    assert done.outcome["cancelled"]["by"]["name"] == "rosa"
    assert done.alive == [], "Durable completes no instance while a timer runs"
    assert [one["notice"] for name, one in done.orders if name == "tell_people"][-1] == "cancelled"


def test_what_is_under_way_ends_before_the_report_is_written() -> None:
    done, replies = cancelled_in("containing", order("contain"))

    begun = ["check_guards", "disable_service_principal", "take_snapshot"]
    assert done.timeline[:5] == [*begun, "tell_later", "record_cancel"]
    assert [one for one in done.answered if one[0] in begun[1:]] == [
        (name, 4) for name in begun[1:]
    ]
    assert not LEVERS & set(done.timeline)
    assert replies.begun[:2] == begun[1:]


def test_a_watch_ends_at_once_and_not_with_its_next_check() -> None:
    done, _ = cancelled_in("watching", order("contain"))

    assert done.ended_at == START
    assert not {"collect_successor_sign_ins"} & set(done.timeline)
    assert done.timeline.count("collect_logs") == 1


def test_a_plan_that_waits_for_consent_is_neither_granted_nor_denied() -> None:
    done, _ = cancelled_in("awaiting_consent", order("respond"))

    assert "record_consent" not in done.timeline
    assert done.outcome["consent"]["plan_hash"] == PLAN_HASH
    assert "decision" not in done.outcome["consent"]


def test_a_pause_between_two_tries_is_not_waited_out() -> None:
    busy = {"status": "failed", "retry": True, "detail": "429"}
    done, _ = cancelled_in("guarding", order("contain"), {"check_guards": busy})

    assert done.ended_at - START < hours(0.01)
    assert done.timeline.count("check_guards") == 1
    assert done.alive == []


def test_what_is_half_done_is_said_with_its_commands_before_all_else() -> None:
    half = {
        "status": "done",
        "detail": "",
        "remaining": [
            "ended by rosa while it was rewiring: why",
            "move workloads of aks-1: not done",
        ],
        "by_hand": ["kubectl scale"],
    }
    done, _ = cancelled_in("rewiring", order("respond"), {"record_cancel": half})

    assert done.outcome["remaining"][:2] == half["remaining"]
    assert done.outcome["by_hand"] == ["kubectl scale"]
    assert not done.outcome["resumable"]
    (told,) = [one for name, one in done.orders if name == "tell_people"][-1:]
    assert f"Remains: {half['remaining'][0]}" in told["facts"]["lines"]


def test_a_step_that_the_host_lost_is_still_the_playbooks_to_judge() -> None:
    done = rehearse(
        playbook.compromised_identity,
        order("contain"),
        {**ANSWERS, "remove_secrets": {"lost": "worker died"}},
    )

    assert done.outcome["outcome"] != "cancelled"
    assert done.alive == []


def test_a_call_that_comes_twice_ends_it_once() -> None:
    sent = iter([1, 2])

    def events(status: dict[str, Any]) -> tuple[str, Any] | None:
        asked = status["phase"] in {"containing", "cancelling"} and next(sent, None)
        return (CANCEL, CALL) if asked else None

    with pytest.warns(UserWarning, match="duplicate Task completion"):
        done = rehearse(playbook.compromised_identity, order("contain"), ANSWERS, events)

    assert done.timeline.count("record_cancel") == 1


def test_what_closes_an_incident_is_a_step_that_there_is() -> None:
    assert set(activities()) >= CLOSING


def test_a_word_that_comes_while_it_is_restored_ends_it_as_cancelled() -> None:
    replies = Answers(
        {**ANSWERS, "restore_identity": {"outcome": "partly_restored", "detail": "d"}}
    )
    order_of_restore = {"restore_id": "restore-1", "plan_hash": "x", "chosen": []}

    def events(status: dict[str, Any]) -> tuple[str, Any] | None:
        if status["phase"] == "watching":
            return RESTORE, order_of_restore
        if status["phase"] == "restoring" and not replies.said:
            replies.said = True
            return CANCEL, CALL
        return None

    done = rehearse(playbook.compromised_identity, order("contain"), replies, events)

    assert done.timeline.count("restore_identity") == 1
    assert (done.outcome["outcome"], done.alive) == ("cancelled", [])
    assert done.timeline[-1] == "release_principal"
