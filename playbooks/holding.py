"""Containment held while the incident waits for something else: every lever is read back again and again.

What somebody undoes meanwhile is undone again or told, as policy.toml [watch] says.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import containment
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


def hold(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    outcome: str,
    wait: Wait,
) -> Generator[Any, Any, str]:
    """Stay until then. Whoever undoes a lever meanwhile is met as the policy says; returns the outcome after it."""
    while True:
        progress.enter(wait.phase)
        watched: Order = {**order, "facts": {"open": progress.open}}
        # Containing again puts the deadline off.
        answer = yield from _hold(
            context, watched, _end(progress, wait), checking=_is_watched(order, progress, outcome)
        )
        if answer["holds"]:
            return outcome
        patient = len(progress.reversals) + 1 < _AGAIN
        contain = order["policy"]["watch"]["on_reversal"] == "contain" and patient
        outcome = _worse(
            outcome, (yield from _undone(context, order, progress, answer, contain=contain))
        )


def _end(progress: Progress, wait: Wait) -> datetime:
    known = [one for one in (wait.until, progress.deadline) if one is not None]
    return wait.until if wait.beyond and wait.until is not None else min(known)


def _is_watched(order: Order, progress: Progress, outcome: str) -> bool:
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
    context: df.DurableOrchestrationContext, order: Order, until: datetime, *, checking: bool
) -> Generator[Any, Any, Json]:
    """Checks until that moment, in orchestrations of their own, so that no history grows long."""
    if not checking:  # people know, and it is theirs now
        if context.current_utc_datetime < until:
            yield context.create_timer(until)
        return {"holds": True, "detail": "not checked"}
    while context.current_utc_datetime < until:
        facts = {**order["facts"], "until": until.isoformat()}
        try:
            answer: Json = yield context.call_sub_orchestrator(
                hold_containment, {**order, "facts": facts}, expected_type=dict
            )
        except Exception as error:  # noqa: BLE001 - a failed sub-orchestration is a bare Exception
            answer = {"holds": False, "detail": f"the watch broke: {type(error).__name__}"}
        if not answer["holds"] or answer["reached"]:
            return answer
    return {"holds": True, "detail": "held"}


@bp.orchestration_trigger(context_name="context")
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
