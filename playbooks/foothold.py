"""Whatever runs as the identity is fenced in, captured, then stopped, before there is a new identity to steal."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import breaking
from playbooks.groups import orders_of
from playbooks.orders import Json, Order
from playbooks.settling import GOOD, perform_one, settle, until_done, until_ended
from playbooks.steps import eviction, gitops_pauses, preflights

bp = df.Blueprint()
_STOPPED_WITHIN = timedelta(minutes=5)  # a pod may ask for a long grace period
_MOST_COMMANDS = 50  # of one cluster, through Durable's history; the evidence has them all
_BROKE: Json = {"status": "failed", "detail": "the eviction broke; see the journal"}


@bp.orchestration_trigger(context_name="context")
@breaking.told
def preflight_clusters(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Can everything that is planned be done in each of these clusters, as they are now?"""
    order: Order = context.get_input(expected_type=dict)
    calls = [(preflights.preflight_cluster, one) for one in orders_of(order)]
    return {"answers": (yield from settle(context, calls))}


@bp.orchestration_trigger(context_name="context")
@breaking.told
def evict_clusters(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """These clusters side by side, each in an orchestration of its own."""
    order: Order = context.get_input(expected_type=dict)
    tasks = [
        context.call_sub_orchestrator(evict_cluster, one, expected_type=dict)
        for one in orders_of(order)
    ]
    answers = yield from until_ended(context, tasks)
    return {"answers": [one if one.get("of") == "eviction" else _BROKE for one in answers]}


@bp.orchestration_trigger(context_name="context")
@breaking.told
def evict_cluster(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Fence in, capture, stop, and wait until it is gone. Nothing is stopped before it is written down."""
    order: Order = context.get_input(expected_type=dict)
    remarks: list[str] = []
    commands: list[str] = []

    # What puts the workloads back within seconds is asked to wait, where the policy says so.
    if order["policy"]["recovery"]["gitops"] == "suspend":
        waits = yield from perform_one(context, gitops_pauses.suspend_owners, order)
        remarks += _remark("GitOps owners not suspended", waits)
        commands += waits.get("by_hand", [])

    # A fence first: capturing takes a while, and the intruder may be watching. Stopping does not depend on it.
    if order["policy"]["recovery"]["quarantine"]:
        fenced = yield from perform_one(context, eviction.quarantine_workloads, order)
        remarks += _remark("not quarantined", fenced)

    kept = yield from perform_one(context, eviction.capture_pods, order)
    if kept["status"] not in GOOD:
        if commands:  # nothing was stopped: who was asked to wait has nothing to undo
            told: Order = {**order, "facts": {"owners_go_on": True}}
            goes_on = yield from perform_one(context, gitops_pauses.resume_owners, told)
            remarks += _remark("GitOps owners still wait", goes_on)
        return _ended(kept, "not captured, so neither evicted nor moved", remarks, commands)

    stopped = yield from perform_one(context, eviction.evict_workloads, order)
    gone = yield from until_done(context, eviction.check_evicted, order, _STOPPED_WITHIN)
    if gone["status"] not in GOOD:
        remarks += _remark("stopping", stopped)
        commands += stopped.get("by_hand", [])
        return _ended(gone, "not evicted, so not moved", remarks, commands)
    return _ended({"status": "done", "detail": "evicted"}, "", remarks, commands)


def _remark(what: str, answer: Json) -> list[str]:
    return [] if answer["status"] in GOOD else [f"{what}: {answer['detail']}"]


def _ended(answer: Json, what: str, remarks: list[str], commands: list[str]) -> Json:
    detail = f"{what}: {answer['detail']}" if what else str(answer["detail"])
    said = "; ".join([detail, *remarks])
    by_hand = commands[:_MOST_COMMANDS]
    return {"of": "eviction", "status": answer["status"], "detail": said, "by_hand": by_hand}
