"""Playbook: containment was a false alarm, or recovery stopped half-way, and a person wants it back.

Starts    a responder's call with the hash of a restore plan, while the incident is watched or after it
Asks      nobody: the call is a person's act, bound to the plan that this person read
Undo      another incident: it contains again, from a snapshot of its own
Runbook   docs/runbooks/restore-identity.md
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import breaking, containment
from playbooks.holding import Wait, hold
from playbooks.levers import FIRST
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.settling import (
    GOOD,
    PROOF_WITHIN,
    Call,
    again,
    begin,
    perform_one,
    settle,
    until_done,
    until_ended,
)
from playbooks.steps import cluster_restores, restored, restoring
from responders.model import ClusterRef

bp = df.Blueprint()
# The reverse of containment: rights before ways in, and the door itself last. A row waits for the one before it.
_ROWS = (
    (restoring.restore_objects,),
    (
        restoring.return_role_assignments,
        restoring.return_memberships,
        restoring.return_app_roles,
        restoring.return_oauth_grants,
        restoring.return_key_vault_policies,
        restoring.return_owners,
    ),
    (restoring.return_trusts, restoring.dismiss_risk),
    (restoring.reactivate_application,),
    (restoring.enable_service_principal,),
)


@bp.orchestration_trigger(context_name="context")
@breaking.told
def restore_identity(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Compare, give back row by row, prove it, tell. A responder's call stops it and contains again."""
    order: Order = context.get_input(expected_type=dict)
    progress = Progress(context, order)
    progress.note(clock=order["facts"].get("clock", {}))
    called = context.wait_for_external_event(containment.CALLED)

    # 1. The order is to one plan: another world makes another one, and nothing is touched.
    progress.enter("restoring")
    guard = [(restoring.begin_restore, order)]
    # Named beside the first step, the wait for a call is known to Durable from here on.
    asked = yield from until_ended(context, begin(context, guard), beside=[called])
    (begun,) = yield from again(context, guard, asked)
    if begun["status"] not in GOOD:
        said = {"refused": True, "detail": begun["detail"], "diff": begun.get("diff", [])}
        return (yield from _end(context, order, progress, said))

    # 2. What recovery had made goes first: it was made last.
    parts: list[Call] = [
        (cluster_restores.take_back_cluster, {**order, "cluster": one}) for one in begun["clusters"]
    ]
    answers = yield from settle(context, parts)
    if (made := begun["successor"]) is not None:
        closing: Order = {**order, "facts": {**order["facts"], "successor": made}}
        answers += [(yield from perform_one(context, cluster_restores.retire_successor, closing))]
    failed = [str(one["detail"]) for one in answers if one["status"] not in GOOD]

    # 3. Each row is settled before the next: what opens the door comes when all else is in its place.
    for row in _ROWS:
        if called.is_completed:  # somebody says that it is an attack after all
            return (yield from _stopped(context, order, progress, failed))
        answers = yield from settle(context, [(step, order) for step in row])
        failed += [str(one["detail"]) for one in answers if one["status"] not in GOOD]

    # 4. Accepted is not done: everything is read back as it was before containment.
    proof = yield from until_done(context, restoring.verify_restored, order, PROOF_WITHIN)
    if called.is_completed:
        return (yield from _stopped(context, order, progress, failed))
    failed += [one for one in proof.get("missing", []) if one not in failed]
    if proof["status"] not in GOOD and not failed:
        failed = [f"not proven: {proof['detail']}"]
    failed += yield from _not_running(context, order, begun["clusters"])
    progress.mark("restored")
    facts = {"refused": False, "detail": "", "missing": failed}
    return (yield from _end(context, order, progress, facts))


def _not_running(
    context: df.DurableOrchestrationContext, order: Order, clusters: list[ClusterRef]
) -> Generator[Any, Any, list[str]]:
    """What is not rolled out in time. The clusters roll out side by side, however they are asked."""
    within = timedelta(seconds=order["policy"]["recovery"]["healthy_within_seconds"])
    missing: list[str] = []
    for one in clusters:
        part: Order = {**order, "cluster": one}
        checked = yield from until_done(context, cluster_restores.check_taken_back, part, within)
        if checked["status"] not in GOOD:
            missing.append(f"cluster {one['name']}: {checked['detail']}")
    return missing


def _stopped(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, failed: list[str]
) -> Generator[Any, Any, Json]:
    """Close again what was opened: from the same snapshot, with the same levers."""
    kind = order["incident"]["principal"]["kind"]
    first = [(one, order) for one in FIRST[kind]]
    outcome = yield from containment.pull(context, order, progress, first=first)
    detail = f"stopped by a responder's call, and contained again: {outcome}"
    facts = {"refused": False, "detail": detail, "missing": [*failed, detail]}
    ended = yield from _end(context, order, progress, facts, contained=str(outcome))
    return {**ended, "contained": outcome}


def _end(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    facts: Json,
    *,
    contained: str | None = None,
) -> Generator[Any, Any, Json]:
    """Write down how it ended, tell people, and, where no incident runs around it, give the principal free.

    `contained`: it was contained again, and nobody else watches that.
    """
    restore_id = order["facts"]["requested"]["restore_id"]
    ending: Order = {**order, "facts": {**order["facts"], **facts}}
    written = yield from perform_one(context, restored.end_restore, ending)
    ended = written.get("restored") or {
        "outcome": "partly_restored",
        "detail": f"its outcome could not be written down: {written['detail']}",
        "missing": facts.get("missing", []),
        "never": [],
        "by_hand": [],
    }
    progress.note(remaining=ended["missing"], by_hand=ended["by_hand"])
    outcome = str(ended["outcome"])
    yield from progress.report(outcome, name=f"report-{restore_id}", key=f"{outcome}-{restore_id}")
    if order["facts"]["alone"]:
        if contained is not None:
            yield from hold(context, order, progress, contained, Wait("watching", None))
        yield from perform_one(context, restored.release_restore, order)
        progress.note(phase="closed", outcome=outcome)
    return {"outcome": outcome, "detail": ended["detail"], "missing": ended["missing"]}
