"""Whatever runs as the identity is captured, then stopped, in every cluster, before there is a new one."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.settling import GOOD, settle, until_done
from playbooks.steps import eviction

_STOPPED_WITHIN = timedelta(minutes=5)  # a pod may ask for a long grace period


def evict(
    context: df.DurableOrchestrationContext, orders: list[Order]
) -> Generator[Any, Any, Json]:
    """Capture, scale to zero, wait until the pods are gone. Returns the clusters where they are not.

    Nothing is stopped before it is written down: where the capture fails, the pods stay.
    """
    remaining: Json = {}
    captured = yield from settle(context, [(eviction.capture_pods, one) for one in orders])
    for order, kept in zip(orders, captured, strict=True):
        if kept["status"] not in GOOD:
            detail = f"not captured, so neither evicted nor moved: {kept['detail']}"
            remaining[order["cluster"]["name"]] = {"status": kept["status"], "detail": detail}
    ready = [one for one in orders if one["cluster"]["name"] not in remaining]
    yield from settle(context, [(eviction.evict_workloads, one) for one in ready])
    for order in ready:
        gone = yield from until_done(context, eviction.check_evicted, order, _STOPPED_WITHIN)
        if gone["status"] not in GOOD:
            detail = f"not evicted, so not moved: {gone['detail']}"
            remaining[order["cluster"]["name"]] = {"status": gone["status"], "detail": detail}
    return remaining
