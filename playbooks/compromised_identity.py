"""Playbook: somebody else is using a workload identity.

Starts    an Azure Monitor alert, or a responder
Asks      one person, for up to `consent.expires_minutes`, before anything is evicted or rebuilt
Undo      `restore_identity`; what it does not take back, the undo book says
Runbook   docs/runbooks/compromised-identity.md
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks import consents, containment, watching
from playbooks.cancelling import Cancellable, end
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.recovery import Recovery
from playbooks.settling import perform_one
from playbooks.steps import containment as acts
from playbooks.taking_back import Restorable, RestoredError

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def compromised_identity(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Contain, prove, tell, ask, rebuild, prove again, watch."""
    order: Order = context.get_input(expected_type=dict)
    progress = Progress(context, order)
    cancellable = Cancellable(context, progress)
    try:
        ended = yield from cancellable.run(_run(context, order, progress))
    except RestoredError as taken_back:  # a person said that it was a false alarm
        if cancellable.call is None:
            return (yield from progress.close(taken_back.outcome, taken_back.detail))
        ended = None
    if ended is None and cancellable.call is not None:
        return (yield from end(context, order, progress, cancellable.call))
    return ended or {}


def _run(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress
) -> Generator[Any, Any, Json]:
    mode = order["incident"]["mode"]
    restorable = Restorable(context, order, progress)

    # 1. Guards: an act on the wrong identity is an outage of our own making.
    progress.enter("guarding")
    guard = yield from perform_one(context, acts.check_guards, order)
    known = order["incident"]["principal"]["kind"] != "unsupported"
    if guard["status"] != "done" and not (mode == "plan" and known):
        yield from progress.tell("refused", {"Reason": guard["detail"]})
        return (yield from progress.close("refused", guard["detail"]))

    # 2. to 4. The reversible lever beside the snapshot, then every other lever, then the proof.
    if mode == "plan":
        if guard["status"] != "done":
            progress.note(remaining=[f"It would be refused: {guard['detail']}"])
        yield from containment.preview(context, order, progress)
        outcome = "planned"
    else:
        outcome = yield from containment.contain(context, order, progress)
        if outcome == "held":
            yield from containment.investigate(context, order, progress)
            yield from progress.report("not_contained", name="report-held")
            outcome = yield from containment.until_called(context, order, progress, restorable)
        if outcome == "held":
            return (yield from watching.watch(context, order, progress, outcome, restorable))

    # 5. and 6. Evidence, footprint and the plan: what a person needs to decide.
    plan = yield from containment.investigate(context, order, progress)
    if mode != "respond" or outcome == "not_contained":
        yield from progress.report(outcome)
        return (yield from watching.watch(context, order, progress, outcome, restorable))

    # 7. and 8. Tell people, and ask. Silence is a no.
    granted = yield from consents.ask(context, order, progress, plan)
    if not granted:
        yield from progress.report(outcome)
        return (yield from watching.watch(context, order, progress, outcome, restorable))

    # 9. to 12. Evict, rebuild, re-wire cluster by cluster, and prove it from both sides.
    rebuilt = Recovery(context, order, progress, plan)
    outcome = yield from rebuilt.run()

    # 13. and 14. Report, and watch until the last token has expired. What is half done waits to be resumed.
    yield from progress.report(outcome)
    return (yield from watching.watch(context, order, progress, outcome, restorable, rebuilt))
