"""Clusters move one after the other: the canary alone, then the others, and none after the canary failed."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.settling import GOOD, LOST, perform_one, until_done, until_ended
from playbooks.steps import rewiring

bp = df.Blueprint()
_FEDERATION_WITHIN = timedelta(minutes=10)  # a new federated credential may take minutes to be seen


def move(context: df.DurableOrchestrationContext, orders: list[Order]) -> Generator[Any, Any, Json]:
    """Canary first and alone; the others side by side, and only if the canary lives."""
    if not orders:
        return {}
    (canary,) = yield from _rewired(context, orders[:1])
    states: Json = {orders[0]["cluster"]["name"]: canary}
    if canary["status"] not in GOOD:
        reason = f"not begun: the canary {orders[0]['cluster']['name']} failed"
        held = {
            one["cluster"]["name"]: {"status": "refused", "detail": reason} for one in orders[1:]
        }
        return {**states, **held}
    moved = yield from _rewired(context, orders[1:])
    names = (one["cluster"]["name"] for one in orders[1:])
    return {**states, **dict(zip(names, moved, strict=True))}


def _rewired(
    context: df.DurableOrchestrationContext, orders: list[Order]
) -> Generator[Any, Any, list[Json]]:
    """Sub-orchestrations side by side. One that breaks is an answer, so the incident still ends in a report."""
    tasks = [
        context.call_sub_orchestrator(rewire_cluster, one, expected_type=dict) for one in orders
    ]
    if not tasks:
        return []
    answers = yield from until_ended(context, tasks)
    broke = "this cluster's move broke; how far it came is in the journal"
    return [{"status": "failed", "detail": broke} if one is LOST else one for one in answers]


@bp.orchestration_trigger(context_name="context")
def rewire_cluster(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """One cluster: new ServiceAccounts, proof that they get tokens, workloads moved, both halves proven."""
    order: Order = context.get_input(expected_type=dict)
    healthy = timedelta(seconds=order["policy"]["recovery"]["healthy_within_seconds"])

    # The new identity is proven before a single workload depends on it.
    for step, within in (
        (rewiring.create_service_accounts, None),
        (rewiring.prove_new_identity, _FEDERATION_WITHIN),
        (rewiring.move_workloads, None),
        (rewiring.check_workloads, healthy),
        (rewiring.retire_service_accounts, None),
        (rewiring.prove_old_subjects_refused, _FEDERATION_WITHIN),
    ):
        if within is None:
            answer = yield from perform_one(context, step, order)
        else:
            answer = yield from until_done(context, step, order, within)
        if answer["status"] not in GOOD:
            name = step._function._name
            return {"status": answer["status"], "detail": f"{name}: {answer['detail']}"}
    return {"status": "done", "detail": "new identity proven, old one refused"}
