"""A second signal asks a running incident for more: plan, contain, respond, whenever it comes, and never back."""

from collections.abc import Callable
from typing import Any

import pytest

from playbooks import compromised_identity as playbook
from playbooks import deepening, watching
from tests.a_rehearsed_incident import ANSWERS, LEVERS, consent, order, phases, run
from tests.rehearsal import START, Rehearsal, hours, rehearse

Status = dict[str, Any]


class Calls:
    """Whoever asks for more: the claim as `read_depth` and `release_principal` read it, and the event that wakes."""

    def __init__(self, when: Callable[[Status], bool], mode: str, source: str = "sentinel") -> None:
        self.when, self.mode, self.source = when, mode, source
        self.raised: list[dict[str, Any]] = []
        self.wakes = True

    def ask(self) -> None:
        """Into the claim."""
        one = {"mode": self.mode, "at": "now", "key": "k", "source": self.source, "title": "more"}
        self.raised = [one]

    def __call__(self, status: Status) -> tuple[str, Any] | None:
        if self.raised or not self.when(status):
            return None
        self.ask()
        return (deepening.deepen_event(1), {"at": "now"}) if self.wakes else None

    def read(self, order: dict[str, Any]) -> dict[str, Any]:
        """As the steps do it: what goes beyond what the incident does by now."""
        doing = order["incident"]["mode"], order["incident"]["signal"]["source"]
        if not self.raised or doing == self._wanted(order):
            return {"status": "nothing_to_do", "detail": ""}
        mode, source = self._wanted(order)
        said = {"status": "done", "detail": "", "raised": self.raised}
        return {**said, "mode": mode, "source": source}

    def _wanted(self, order: dict[str, Any]) -> tuple[str, str]:
        own = order["incident"]["signal"]["source"]
        return self.mode, "responder" if self.source == "responder" else own

    def answers(self, **more: Any) -> dict[str, Any]:
        """The steps that read the claim."""
        return {"read_depth": self.read, "release_principal": self.read, **more}


def modes(done: Rehearsal, step: str) -> list[str]:
    """How deep the incident went by the word of each order to this step."""
    return [to["incident"]["mode"] for name, to in done.orders if name == step]


def in_phase(name: str) -> Callable[[Status], bool]:
    return lambda status: bool(status["phase"] == name)


@pytest.mark.parametrize("phase", ["guarding", "planning", "collecting_evidence"])
def test_a_plan_becomes_a_containment_at_any_moment(phase: str) -> None:
    calls = Calls(in_phase(phase), "contain")
    done = run("plan", calls.answers(), calls)

    assert done.outcome["outcome"] == "contained"
    assert set(done.timeline) >= LEVERS
    assert modes(done, "disable_service_principal")[-1] == "contain"
    assert modes(done, "check_guards") == ["plan", "contain"]
    assert done.outcome["mode"] == "contain"
    assert [one["source"] for one in done.outcome["deepened"]] == ["sentinel"]
    assert "awaiting_consent" not in phases(done)
    assert done.alive == []


def test_what_is_asked_for_at_the_very_end_is_found_when_the_principal_is_given_free() -> None:
    calls = Calls(lambda _status: False, "contain")

    def release(order: dict[str, Any]) -> dict[str, Any]:
        if order["incident"]["mode"] == "plan":
            calls.ask()  # a moment before
        return calls.read(order)

    done = run("plan", calls.answers(release_principal=release))

    assert done.outcome["outcome"] == "contained"
    assert modes(done, "release_principal") == ["plan", "contain"]
    written = [to["facts"]["name"] for name, to in done.orders if name == "write_report"]
    assert written == ["report", "report-2", "report-closed-2"]
    told = [to["notice_key"] for name, to in done.orders if name == "tell_people"]
    assert len(told) == len(set(told)), "a card that was handed over is not handed over again"


def test_a_plan_that_is_left_is_begun_within_the_same_moment() -> None:
    calls = Calls(in_phase("planning"), "contain")
    done = run("plan", calls.answers(), calls)

    begun = done.timeline.index("disable_service_principal", done.timeline.index("read_depth"))
    assert done.timeline[begun - 1] == "check_guards"


@pytest.mark.parametrize("phase", ["containing", "verifying_containment", "collecting_evidence"])
def test_a_containment_under_way_goes_on_to_ask(phase: str) -> None:
    calls = Calls(in_phase(phase), "respond")
    agrees = consent("grant")
    done = run("contain", calls.answers(), lambda status: calls(status) or agrees(status))

    assert done.outcome["outcome"] == "recovered"
    assert modes(done, "check_guards") == ["contain"]
    assert modes(done, "create_identity") == ["respond"]
    assert done.alive == []


@pytest.mark.parametrize(("decision", "outcome"), [("grant", "recovered"), ("deny", "contained")])
def test_a_contained_incident_that_is_watched_asks_and_rebuilds(
    decision: str, outcome: str
) -> None:
    calls = Calls(in_phase("watching"), "respond", "responder")
    agrees = consent(decision)
    done = run("contain", calls.answers(), lambda status: calls(status) or agrees(status))

    assert done.outcome["outcome"] == outcome
    assert modes(done, "check_guards") == ["contain"], "it is contained already"
    written = [to["facts"]["name"] for name, to in done.orders if name == "write_report"]
    assert written == ["report", "report-2", "report-closed-2"]
    assert done.alive == []


def test_a_recovery_of_a_deepened_incident_can_be_resumed() -> None:
    calls = Calls(in_phase("watching"), "respond")
    agrees = consent("grant")
    failed = {"status": "failed", "detail": "no answer"}

    def moves(order: dict[str, Any]) -> dict[str, Any]:
        names = [one["name"] for one in order["clusters"]]
        return {
            "answers": [failed if name == "aks-3" else ANSWERS["take_snapshot"] for name in names]
        }

    done = run(
        "contain",
        calls.answers(rewire_wave=moves),
        lambda status: calls(status) or agrees(status),
    )

    assert done.outcome["outcome"] == "partly_recovered"
    assert "awaiting_resume" in phases(done)


def test_a_held_incident_goes_on_when_a_responder_asks_for_more_and_not_for_an_alert() -> None:
    many = {"status": "done", "detail": "", "removals": 501}
    for source, outcome in (("responder", "contained"), ("sentinel", "not_contained")):
        calls = Calls(in_phase("held"), "respond", source)
        agrees = consent("deny")
        done = run(
            "contain",
            calls.answers(take_snapshot=many),
            lambda status, calls=calls, agrees=agrees: calls(status) or agrees(status),
        )
        assert done.outcome["outcome"] == outcome


def test_a_responder_who_called_before_it_was_held_is_heard() -> None:
    many = {"status": "done", "detail": "", "removals": 501}
    calls = Calls(in_phase("containing"), "contain", "responder")
    done = run("contain", calls.answers(take_snapshot=many), calls)

    assert set(done.timeline) >= LEVERS
    assert done.outcome["outcome"] == "contained"


def test_what_is_refused_stays_open_for_a_while_and_asks_its_guards_again_for_a_responder() -> None:
    def guard(order: dict[str, Any]) -> dict[str, Any]:
        if order["incident"]["signal"]["source"] == "responder":
            return {"status": "done", "detail": ""}
        return {"status": "refused", "detail": "shared by 12 clusters"}

    alone = run("contain", {"check_guards": guard})
    assert alone.outcome["outcome"] == "refused"
    assert alone.ended_at == START + hours(1)

    calls = Calls(in_phase("refused"), "contain", "responder")
    called = run("contain", calls.answers(check_guards=guard), calls)
    assert called.outcome["outcome"] == "contained"
    assert called.alive == []


def test_a_signal_that_joins_what_was_refused_has_the_guards_asked_again() -> None:
    asked = iter(["refused", "refused"])

    def guard(_order: dict[str, Any]) -> dict[str, Any]:
        return {"status": next(asked), "detail": "kill switch"}

    said = iter([True])

    def joins(status: Status) -> tuple[str, Any] | None:
        return (watching.JOINED, {}) if status["phase"] == "refused" and next(said, False) else None

    once = run("contain", {"check_guards": guard}, joins)
    assert once.outcome["outcome"] == "refused"
    assert once.timeline.count("check_guards") == 2
    notices = [to["notice"] for name, to in once.orders if name == "tell_people"]
    assert notices == ["refused"], "one card, however many signals"

    asked, said = iter(["refused", "done", "done"]), iter([True])
    allowed = run("contain", {"check_guards": guard}, joins)
    assert allowed.outcome["outcome"] == "contained"
    assert allowed.alive == []


def test_nobody_deepens_an_incident_by_an_event_alone() -> None:
    nothing = {"status": "nothing_to_do", "detail": ""}

    def event(status: Status) -> tuple[str, Any] | None:
        return (deepening.deepen_event(1), {}) if status["phase"] == "planning" else None

    done = run("plan", {"read_depth": nothing}, event)

    assert done.outcome["outcome"] == "planned"
    assert "create_identity" not in done.timeline


def test_after_a_restore_an_alert_of_before_deepens_nothing() -> None:
    done = rehearse(
        playbook.compromised_identity,
        order("contain"),
        {**ANSWERS, "restore_identity": {"outcome": "restored", "detail": ""}},
        lambda status: (
            ("restore-called", {"restore_id": "restore-1"})
            if status["phase"] == "watching"
            else None
        ),
    )

    (released,) = [to["facts"] for name, to in done.orders if name == "release_principal"]
    assert released["hears"] == "responders"
