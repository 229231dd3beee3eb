"""The time between containment and the moment when the last token issued before it has expired.

Every lever is read back again and again; logs are swept twice more. What somebody undoes meanwhile is undone again or
told, as policy.toml [watch] says.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import containment
from playbooks.levers import FIRST
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.settling import perform_one, settle, until_done
from playbooks.steps import containment as acts
from playbooks.steps import evidence

bp = df.Blueprint()
_CHECKS_AT_ONCE = 40  # in one orchestration: its history is replayed at every turn
_AGAIN = 5  # containments of one incident: whoever undoes more than that has to be met by a person
# One answer that is late must not be told as a breach.
_BELIEVED_WITHIN = timedelta(minutes=10)


def watch(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, outcome: str
) -> Generator[Any, Any, Json]:
    """Stay until the last token issued before containment has expired; sweep, check, then close."""
    if progress.deadline is None:
        return (yield from progress.close(outcome, ""))
    second = timedelta(minutes=order["policy"]["watch"]["second_sweep_minutes"])
    checking, again = outcome != "held", 1
    sweeps = (("sweep-2", context.current_utc_datetime + second), ("sweep-3", None))
    for sweep, moment in sweeps:
        progress.enter("watching")
        while True:
            until = min(moment or progress.deadline, progress.deadline)
            watched: Order = {**order, "facts": {"open": progress.open}}
            answer = yield from _hold(context, watched, until, checking=checking)
            if answer["holds"]:
                break
            again += 1
            checking = order["policy"]["watch"]["on_reversal"] == "contain" and again <= _AGAIN
            now = yield from _reversed(context, order, progress, answer, contain=checking)
            outcome = _worse(outcome, now)
            progress.enter("watching")
        yield from _sweep(context, order, progress, sweep)
    # Once more at the very end, whatever the rhythm of the checks was.
    proof = yield from until_done(context, acts.verify_containment, order, _BELIEVED_WITHIN)
    if proof["status"] != "done" and outcome != "held":  # that one never held, and people know
        yield from progress.tell("reopened", {"Found": proof["detail"]})
    if proof["status"] != "done" or outcome == "held":
        outcome = "not_contained"
    return (yield from progress.close(outcome, proof["detail"]))


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
        proof = yield from until_done(context, acts.verify_containment, order, _BELIEVED_WITHIN)
        if proof["status"] != "done":
            return {"holds": False, "detail": proof["detail"]}
        given = sorted({*proof.get("open", [])} - {*order["facts"].get("open", [])})
        if given:  # it held, and now somebody gave it an owner, a permission, a group, a machine
            return {"holds": False, "detail": f"given since: {'; '.join(given)}"}
        reached = context.current_utc_datetime >= until
        if reached:
            break
    return {"holds": True, "reached": reached, "detail": "held"}


def _reversed(
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


def _sweep(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, sweep: str
) -> Generator[Any, Any, None]:
    """The logs once more: what arrived late, and what happened after containment."""
    facts = {
        "sweep": sweep,
        "contained": progress.clock.get("contained"),
        "now": context.current_utc_datetime.isoformat(),
    }
    swept: Order = {**order, "facts": facts}
    yield from settle(
        context, [(evidence.collect_activity_log, swept), (evidence.collect_logs, swept)]
    )
    traced = yield from perform_one(context, evidence.trace_footprint, swept)
    progress.note(sweeps=[*progress.sweeps, sweep])
    if lines := traced.get("after_containment"):
        yield from progress.tell("active_after", {"lines": lines}, key=f"active-{sweep}")
    yield from progress.seal(sweep)
