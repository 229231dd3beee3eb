"""Many clusters at once, in groups: a history is replayed at every turn, so no orchestration may schedule much.

https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-orchestrations#orchestration-history
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.settling import LOST, until_ended
from responders.model import ClusterRef

AT_ONCE = 10  # clusters of one group: with a few steps each that is well under a hundred actions
_BROKE = "this part broke; how far it came is in the journal"


def each_cluster(
    context: df.DurableOrchestrationContext,
    orchestrator: Any,
    order: Order,
    refs: list[ClusterRef],
    *,
    at_once: int = AT_ONCE,
) -> Generator[Any, Any, list[Json]]:
    """One answer for each cluster, from orchestrations that take `clusters` and return `answers`."""
    groups = [refs[at : at + at_once] for at in range(0, len(refs), at_once)]
    tasks = [
        context.call_sub_orchestrator(
            orchestrator, {**order, "clusters": group}, expected_type=dict
        )
        for group in groups
    ]
    answers = yield from until_ended(context, tasks)
    return [
        one for group, answer in zip(groups, answers, strict=True) for one in _of(group, answer)
    ]


def _of(group: list[ClusterRef], answer: Json) -> list[Json]:
    """The clusters' answers. A group that broke answers for all of its clusters: they are not known to be done."""
    given = [] if answer is LOST else answer.get("answers", [])
    if len(given) == len(group):
        return list(given)
    return [{"status": "failed", "detail": _BROKE} for _ in group]


def orders_of(order: Order) -> list[Order]:
    """One order for each cluster of a group."""
    return [{**order, "cluster": ref} for ref in order["clusters"]]
