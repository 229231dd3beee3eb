"""Playbook: how well workload identities and where they run are secured, against published controls, once a month.

Starts    a schedule, a person
Asks      nobody: it only reads
Undo      none needed
Runbook   docs/runbooks/security-review.md
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks import ending, tenant_reading
from playbooks.auditing import dividing
from playbooks.runs.model import Json, RunOrder
from playbooks.settling import GOOD, perform_one, settle
from playbooks.steps import reviewing

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def security_review(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """What an audit reads, and beside it how each namespace and each cluster is hardened; then the checklist."""
    order: RunOrder = context.get_input(expected_type=dict)
    read = yield from tenant_reading.read(context, order)
    if read.lost is not None:
        return (yield from ending.end(context, order, read.lost))

    ending.enter(context, "reviewing clusters, policies and vaults")
    shares = dividing.clusters(read.around["clusters"], read.around["clusters_path"])
    calls: list[tuple[Any, RunOrder]] = [
        (reviewing.review_namespaces, {**order, "facts": share}) for share in shares
    ]
    calls.append((reviewing.review_azure, order))
    *clusters, azure = yield from settle(context, calls)

    ending.enter(context, "judging")
    lost = [f"some clusters: {one['detail']}" for one in clusters if one["status"] not in GOOD]
    lost += [] if azure["status"] in GOOD else [f"policies, vaults and settings: {azure['detail']}"]
    facts: Json = {
        **read.facts,
        "namespaces": [one["path"] for one in clusters if one["status"] in GOOD],
        "azure": azure["path"] if azure["status"] in GOOD else "",
        "unreviewed": lost,
    }
    judged = yield from perform_one(context, reviewing.judge_review, {**order, "facts": facts})
    return (yield from ending.end(context, order, judged))
