"""Playbook: which workload identities there are, what they may do, and what is wrong with them, once a week.

Starts    a schedule, a person
Asks      nobody: it only reads
Undo      none needed
Runbook   docs/runbooks/audit-identities.md
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks import ending, tenant_reading
from playbooks.runs.model import Json, RunOrder
from playbooks.settling import perform_one
from playbooks.steps import auditing

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def audit_identities(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Read everything in chunks, by lists and never one by one; then judge it as a whole."""
    order: RunOrder = context.get_input(expected_type=dict)
    read = yield from tenant_reading.read(context, order)
    if read.lost is not None:
        return (yield from ending.end(context, order, read.lost))
    ending.enter(context, "judging")
    judging: RunOrder = {**order, "facts": read.facts}
    judged = yield from perform_one(context, auditing.judge_identities, judging)
    return (yield from ending.end(context, order, judged))
