"""The first half of the playbook: cut off, prove it, and find out what happened."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.progress import Progress, residual
from playbooks.settling import PROOF_WITHIN, perform_one, settle, until_done
from playbooks.steps import containment as steps
from playbooks.steps import evidence

LEVERS = (
    steps.deactivate_application,
    steps.remove_federated_credentials,
    steps.remove_application_credentials,
    steps.remove_service_principal_credentials,
    steps.remove_role_assignments,
)


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
    proof = yield from until_done(context, steps.verify_containment, order, PROOF_WITHIN)
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
    """Logs and clusters side by side, then the plan and the findings. Gaps never stop it.

    Without the list of clusters there is no plan: an unread list is not an empty one, and a plan drawn from it
    would call every trust a stranger's.
    """
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
    if listed["status"] != "done":
        detail = f"no plan: the clusters could not be listed: {listed['detail']}"
        progress.note(clusters={"all": {"status": "failed", "detail": detail}})
        yield from perform_one(context, evidence.trace_footprint, order)
        return {"status": "failed", "detail": detail}
    clusters = listed["clusters"]
    surveys: list[tuple[Any, Order]] = [
        (evidence.survey_cluster, {**order, "cluster": cluster}) for cluster in clusters
    ]
    yield from settle(context, surveys)
    drawn: Order = {**order, "facts": {"clusters": clusters}}
    plan = yield from perform_one(context, evidence.draw_plan, drawn)
    yield from perform_one(context, evidence.trace_footprint, order)
    return plan
