"""The first half of the playbook: cut off, prove it, and find out what happened."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.progress import Progress, residual
from playbooks.settling import perform_one, settle, until_done
from playbooks.steps import containment as steps
from playbooks.steps import evidence

LEVERS = (
    steps.deactivate_application,
    steps.remove_federated_credentials,
    steps.remove_application_credentials,
    steps.remove_service_principal_credentials,
    steps.remove_role_assignments,
)
_PROOF_WITHIN = timedelta(minutes=10)  # RBAC and federated credentials propagate for so long


def contain(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress
) -> Generator[Any, Any, bool]:
    """Disable beside the snapshot, pull every lever, prove it. True once it is proven."""
    progress.enter("containing")
    disabled, snapshot = yield from settle(
        context, [(steps.disable_service_principal, order), (steps.take_snapshot, order)]
    )
    if disabled["status"] in {"done", "nothing_to_do"}:
        progress.mark("disabled")
    if snapshot["status"] not in {"done", "nothing_to_do"}:
        # Nothing is destroyed before it is written down: what is disabled stays disabled.
        yield from progress.tell("not_contained", {"Snapshot failed": snapshot["detail"]})
        progress.until("residual until", residual(context.current_utc_datetime, order["policy"]))
        return False

    answers = yield from settle(context, [(lever, order) for lever in LEVERS])
    failed = [one["detail"] for one in answers if one["status"] in {"failed", "refused"}]

    progress.enter("verifying_containment")
    proof = yield from until_done(context, steps.verify_containment, order, _PROOF_WITHIN)
    now = context.current_utc_datetime
    if proof["status"] == "done":
        now = progress.mark("contained")
    else:
        lines = [*failed, str(proof["detail"])]
        yield from progress.tell("not_contained", {"lines": lines})
    progress.until("residual until", residual(now, order["policy"]))
    return bool(proof["status"] == "done")


def investigate(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress
) -> Generator[Any, Any, Json]:
    """Logs and clusters side by side, then the plan and the findings. Gaps never stop it."""
    progress.enter("collecting_evidence")
    listed, *_ = yield from settle(
        context,
        [
            (evidence.list_clusters, order),
            (evidence.collect_activity_log, order),
            (evidence.collect_azure_activity, order),
            (evidence.collect_sign_ins, order),
        ],
    )
    clusters = listed.get("clusters", [])
    surveys: list[tuple[Any, Order]] = [
        (evidence.survey_cluster, {**order, "cluster": cluster}) for cluster in clusters
    ]
    if surveys:
        yield from settle(context, surveys)
    plan = yield from perform_one(context, evidence.draw_plan, order)
    yield from perform_one(context, evidence.trace_footprint, order)
    return plan
