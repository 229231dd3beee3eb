"""Containment held while the incident waits for something else: every lever is read back again and again.

What somebody undoes meanwhile is undone again or told, as policy.toml [watch] says.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import azure.durable_functions as df

from playbooks import breaking, containment
from playbooks.levers import FIRST
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.settling import until_done
from playbooks.steps import containment as acts

bp = df.Blueprint()
_CHECKS_AT_ONCE = 40  # in one orchestration: its history is replayed at every turn
# One answer that is late must not be told as a breach.
BELIEVED_WITHIN = timedelta(minutes=10)
_AGAIN = 5  # containments of one incident: whoever undoes more than that has to be met by a person


@dataclass(frozen=True, slots=True)
class Wait:
    """What the incident waits for."""

    phase: str
    until: datetime | None  # None: the residual deadline
    beyond: bool = False  # whether it may be later than that deadline


class Ear(Protocol):
    """Somebody who may call while an incident waits, and what is done then."""

    @property
    def call(self) -> Any:
        """The task that a call ends; None while nobody is listened to."""

    def answer(self, outcome: str) -> Generator[Any, Any, str]:
        """Do what the call asks for. Returns the incident's outcome after it."""


def hold(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    outcome: str,
    wait: Wait,
    ears: Sequence[Ear] = (),
) -> Generator[Any, Any, str]:
    """Stay until then. Whoever undoes a lever meanwhile is met as the policy says; returns the outcome after it.

    Whoever calls meanwhile is answered while the checks go on.
    """
    while True:
        progress.enter(wait.phase)
        watched: Order = {**order, "facts": {"open": progress.open}}
        hearing = _Hearing(context, progress, wait.phase, ears, outcome)
        # Containing again puts the deadline off.
        answer = yield from _hold(
            hearing, watched, _end(progress, wait), checking=is_watched(order, progress, outcome)
        )
        outcome = hearing.outcome
        if answer["holds"]:
            return outcome
        outcome = yield from met(context, order, progress, outcome, answer)


def met(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    outcome: str,
    found: Json,
) -> Generator[Any, Any, str]:
    """A lever was found undone: tell, contain again where policy and patience allow. Returns the outcome after it."""
    patient = len(progress.reversals) + 1 < _AGAIN
    contain = order["policy"]["watch"]["on_reversal"] == "contain" and patient
    now = yield from _undone(context, order, progress, found, contain=contain)
    return _worse(outcome, now)


class _Hearing:
    """Waits for one task at a time, and answers whoever calls meanwhile."""

    def __init__(
        self,
        context: df.DurableOrchestrationContext,
        progress: Progress,
        phase: str,
        ears: Sequence[Ear],
        outcome: str,
    ) -> None:
        self.context, self.outcome = context, outcome
        self._progress, self._phase, self._ears = progress, phase, ears

    def until_ended(self, task: Any) -> Generator[Any, Any, Any]:
        """What the task ended with; a lost sub-orchestration's result is the exception that it was lost with."""
        while not task.is_completed:
            calls = [(one, one.call) for one in self._ears if one.call is not None]
            yield self.context.task_any([task, *(call for _, call in calls)])
            for ear, call in calls:
                if call.is_completed:
                    self.outcome = yield from ear.answer(self.outcome)
                    self._progress.enter(self._phase)
        return task.result


def _end(progress: Progress, wait: Wait) -> datetime:
    known = [one for one in (wait.until, progress.deadline) if one is not None]
    return wait.until if wait.beyond and wait.until is not None else min(known)


def is_watched(order: Order, progress: Progress, outcome: str) -> bool:
    """Until people were told that it is theirs now."""
    count = len(progress.reversals)
    again = order["policy"]["watch"]["on_reversal"] == "contain" and count < _AGAIN
    return outcome != "held" and (count == 0 or again)


def _worse(outcome: str, now: str) -> str:
    """A recovery stands through a containment that was repeated, what that one left open is said; a failure counts."""
    if "not_contained" in {outcome, now}:
        return now
    if now == "partly_contained":
        lesser = {"contained": "partly_contained", "recovered": "partly_recovered"}
        return lesser.get(outcome, outcome)
    return outcome


def _hold(
    hearing: _Hearing, order: Order, until: datetime, *, checking: bool
) -> Generator[Any, Any, Json]:
    """Checks until that moment, in orchestrations of their own, so that no history grows long."""
    context = hearing.context
    if not checking:  # people know, and it is theirs now
        if context.current_utc_datetime < until:
            timer = context.create_timer(until)
            try:
                yield from hearing.until_ended(timer)
            finally:
                if not timer.is_completed:  # the incident ends earlier, and must not wait for it
                    timer.cancel()
        return {"holds": True, "detail": "not checked"}
    while context.current_utc_datetime < until:
        facts = {**order["facts"], "until": until.isoformat()}
        checks = context.call_sub_orchestrator(
            hold_containment, {**order, "facts": facts}, expected_type=dict
        )
        answer = yield from hearing.until_ended(checks)
        if not isinstance(answer, dict):
            answer = {"holds": False, "detail": f"the watch broke: {type(answer).__name__}"}
        if not answer["holds"] or answer["reached"]:
            return answer
    return {"holds": True, "detail": "held"}


@bp.orchestration_trigger(context_name="context")
@breaking.told
def hold_containment(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Read every lever back at the rhythm of the policy; ends at the first that does not hold, or in time."""
    order: Order = context.get_input(expected_type=dict)
    until = datetime.fromisoformat(order["facts"]["until"])
    every = timedelta(minutes=order["policy"]["watch"]["check_every_minutes"])
    reached = False
    for _ in range(_CHECKS_AT_ONCE):
        wake = min(context.current_utc_datetime + every, until)
        yield context.create_timer(wake)
        proof = yield from until_done(context, acts.verify_containment, order, BELIEVED_WITHIN)
        if proof["status"] != "done":
            return {"holds": False, "detail": proof["detail"]}
        given = sorted({*proof.get("open", [])} - {*order["facts"].get("open", [])})
        if given:  # it held, and now somebody gave it an owner, a permission, a group, a machine
            return {"holds": False, "detail": f"given since: {'; '.join(given)}"}
        reached = context.current_utc_datetime >= until
        if reached:
            break
    return {"holds": True, "reached": reached, "detail": "held"}


def _undone(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    answer: Json,
    *,
    contain: bool,
) -> Generator[Any, Any, str]:
    """A lever does not hold any more: tell, and contain again where policy and patience allow."""
    found = str(answer["detail"])
    count = len(progress.reversals) + 1
    progress.note(reversals=[*progress.reversals, found])
    facts = {"Found": found, "Now": "containing again" if contain else "a person has to look"}
    yield from progress.tell("reversed", facts, key=f"reversed-{count}")
    if not contain:
        return "not_contained"
    kind = order["incident"]["principal"]["kind"]
    first = [(one, order) for one in FIRST[kind]]
    outcome = yield from containment.pull(context, order, progress, first=first)
    if outcome != "not_contained":
        lines = [f"Remains: {one}" for one in progress.remaining]
        told = {**progress.clock, "lines": lines}
        yield from progress.tell("contained_again", told, key=f"again-{count}")
    return str(outcome)
