"""Playbook: somebody else is using a workload identity.

Starts    a signal that policy.toml maps to it, or a responder; a later one about the same principal may deepen it
Asks      one person, or several where nothing brings it back, for up to `consent.expires_minutes`, before anything is
          evicted or rebuilt
Undo      `restore_identity`; what it does not take back, the undo book says
Runbook   docs/runbooks/compromised-identity.md
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks import breaking, containment, responding, telling_later, watching
from playbooks.cancelling import Cancellable, end
from playbooks.deepening import Deepening
from playbooks.orders import Json, Order
from playbooks.progress import DeepenedError, Progress
from playbooks.settling import perform_one
from playbooks.steps import containment as acts
from playbooks.taking_back import Restorable, RestoredError
from playbooks.watching import Ears

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
@breaking.told
def compromised_identity(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Contain, prove, tell, ask, rebuild, prove again, watch."""
    order: Order = context.get_input(expected_type=dict)
    progress = Progress(context, order)
    progress.asked_by(order["incident"]["signal"].get("asked_by"))
    deepening = Deepening(context, order, progress)
    cancellable = Cancellable(context, progress, deepening)
    ears = Ears(Restorable(context, order, progress), deepening)
    while True:
        ended: Json | None = None
        try:
            ended = yield from cancellable.run(_run(context, order, progress, ears))
        except RestoredError as taken_back:  # a person said that it was a false alarm
            if cancellable.call is None:
                ended = yield from deepening.close(taken_back.outcome, taken_back.detail)
        except DeepenedError as more:  # a second signal, or a responder, asks for more
            deepening.begin_anew(more)
            continue
        if ended is None and cancellable.call is not None:
            return (yield from end(context, order, progress, cancellable.call))
        if ended is not None:
            return ended


def _run(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, ears: Ears
) -> Generator[Any, Any, Json]:
    # 1. Guards: an act on the wrong identity is an outage of our own making.
    progress.enter("guarding")
    guard = yield from perform_one(context, acts.check_guards, order)
    plans_only = order["incident"]["mode"] == "plan"
    known = order["incident"]["principal"]["kind"] != "unsupported"
    refused = guard["status"] != "done" and not (plans_only and known)
    if plans_only or refused:
        yield from telling_later.schedule(context, progress.opening())
    if refused:
        yield from progress.tell("refused", {"Reason": guard["detail"]})
        yield from watching.stay_refused(context, order, progress, ears)
        return (yield from progress.close("refused", guard["detail"]))

    # 2. to 4. The reversible lever beside the snapshot, then every other lever, then the proof.
    if plans_only:
        if guard["status"] != "done":
            progress.note(remaining=[f"It would be refused: {guard['detail']}"])
        # Left at once where a second signal asks for more than a plan.
        yield from ears.deepening.unless_deeper(containment.plan(context, order, progress))
        yield from progress.report("planned")
        return (yield from progress.close("planned", ""))
    outcome = yield from containment.contain(context, order, progress)
    if outcome == "held":
        yield from containment.investigate(context, order, progress)
        yield from progress.report("not_contained", name="report-held")
        outcome = yield from containment.until_called(context, order, progress, ears)
    if outcome == "held":
        return (yield from watching.watch(context, order, progress, outcome, ears))

    # 5. and 6. Evidence, footprint and the plan: what a person needs to decide.
    ears.plan = yield from containment.investigate(context, order, progress)
    if order["incident"]["mode"] != "respond":
        yield from ears.deepening.take_in()
    if order["incident"]["mode"] != "respond" or outcome == "not_contained":
        yield from progress.report(outcome)
        return (yield from watching.watch(context, order, progress, outcome, ears))

    # 7. to 14. Tell people, and ask: silence is a no. Rebuild and prove it, report, and watch until the last token has
    # expired. What is half done waits to be resumed.
    outcome, rebuilt = yield from responding.respond(context, order, progress, outcome, ears.plan)
    return (yield from watching.watch(context, order, progress, outcome, ears, rebuilt))
