"""The clusters' answers, each kept in the evidence store: a group of clusters in an orchestration of its own."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks import breaking
from playbooks.groups import orders_of
from playbooks.orders import Json, Order
from playbooks.settling import settle
from playbooks.steps import evidence

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
@breaking.told
def survey_clusters(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Who names the client id and who runs with it, in each of these clusters. Gaps never stop it."""
    order: Order = context.get_input(expected_type=dict)
    calls = [(evidence.survey_cluster, one) for one in orders_of(order)]
    return {"answers": (yield from settle(context, calls))}
