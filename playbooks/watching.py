"""The time between containment and the moment when the last token issued before it has expired.

Every lever is read back again and again (`holding.py`); logs are swept twice more.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.holding import BELIEVED_WITHIN, Ear, Wait, hold
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.recovery import Recovery
from playbooks.resuming import Resumable
from playbooks.settling import perform_one, settle, until_done
from playbooks.steps import containment as acts
from playbooks.steps import evidence
from playbooks.taking_back import Restorable


def watch(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    outcome: str,
    restorable: Restorable,
    recovery: Recovery | None = None,
) -> Generator[Any, Any, Json]:
    """Stay until the last token issued before containment has expired; sweep, check, then close.

    A recovery that is half done is gone on with whenever a person calls, and waited for after that.
    """
    if progress.deadline is None:
        return (yield from progress.close(outcome, ""))
    resumable = None if recovery is None else Resumable(context, order, progress, recovery)
    ears: list[Ear] = [restorable, *([] if resumable is None else [resumable])]
    if resumable is not None:
        yield from resumable.listen()
    second = timedelta(minutes=order["policy"]["watch"]["second_sweep_minutes"])
    sweeps = (("sweep-2", context.current_utc_datetime + second), ("sweep-3", None))
    for sweep, moment in sweeps:
        wait = Wait("watching", moment)
        outcome = yield from hold(context, order, progress, outcome, wait, ears)
        yield from _sweep(context, order, progress, sweep)
    # Once more at the very end, whatever the rhythm of the checks was.
    proof = yield from until_done(context, acts.verify_containment, order, BELIEVED_WITHIN)
    if proof["status"] != "done" and outcome != "held":  # that one never held, and people know
        yield from progress.tell("reopened", {"Found": proof["detail"]})
    if proof["status"] != "done" or outcome == "held":
        outcome = "not_contained"
    if resumable is not None:
        outcome = yield from resumable.wait(outcome, restorable)
    return (yield from progress.close(outcome, proof["detail"]))


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
    if progress.identity is not None:
        successor: Order = {
            **swept,
            "identity": progress.identity,
            "facts": {**facts, "made": progress.clock["rebuilt"]},
        }
        seen = yield from perform_one(context, evidence.collect_successor_sign_ins, successor)
        fresh = [one for one in seen.get("strange", []) if one not in progress.remaining]
        progress.note(remaining=[*progress.remaining, *fresh])
    if lines := traced.get("after_containment"):
        yield from progress.tell("active_after", {"lines": lines}, key=f"active-{sweep}")
    yield from progress.seal(sweep)
