"""A recovery is resumed: the clusters that nobody touched are asked again, and what changed is asked for anew.

"Two clusters were unreachable" becomes a plan for these two once they answer; the consent to the first plan does not
cover what nobody could see then.
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks import breaking, consents
from playbooks.groups import each_cluster, orders_of
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.settling import perform_one, settle
from playbooks.steps import amending
from responders.model import ClusterRef

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
@breaking.told
def resurvey_clusters(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Who names the client id in these clusters now, and who runs with it."""
    order: Order = context.get_input(expected_type=dict)
    calls = [(amending.survey_again, one) for one in orders_of(order)]
    return {"answers": (yield from settle(context, calls))}


def renew(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    untouched: list[ClusterRef],
    touched: list[str],
) -> Generator[Any, Any, Json]:
    """The plan as it has to be now, `granted` where a person agreed to it or where nothing has changed.

    `order` says in `facts.number` which resumption this is.
    """
    if not untouched:
        return {"status": "nothing_to_do", "detail": "every cluster was touched"}
    asked: Order = {**order, "facts": {**order["facts"], "touched": touched}}
    return (yield from _renewed(context, asked, progress, untouched))


def ask_anew(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    clusters: list[ClusterRef],
) -> Generator[Any, Any, Json]:
    """The plan as it has to be now, which nobody agreed to before: asked for under a hash of its own, changed or not.

    What people said to the plan of before says nothing to this one.
    """
    asked: Order = {**order, "facts": {**order["facts"], "touched": [], "anew": True}}
    return (yield from _renewed(context, asked, progress, clusters))


def _renewed(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    clusters: list[ClusterRef],
) -> Generator[Any, Any, Json]:
    progress.enter("surveying_again")
    if clusters:
        yield from each_cluster(context, resurvey_clusters, order, clusters)
    drawn = yield from perform_one(context, amending.amend_plan, order)
    if drawn["status"] != "done":
        return drawn
    granted = yield from consents.ask(context, order, progress, drawn)
    return {**drawn, "granted": granted}
