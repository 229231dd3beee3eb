"""Playbook: whether what incidents hang on works, once a day.

Starts    a schedule, a person
Asks      nobody: it only reads
Undo      none needed
Runbook   docs/runbooks/health-check.md
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks import ending
from playbooks.runs.model import Json, RunOrder
from playbooks.settling import GOOD, perform_one
from playbooks.steps import health

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def health_check(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Look, judge, tell where it has changed. What can't be read is a yellow light, not a green one."""
    order: RunOrder = context.get_input(expected_type=dict)
    ending.enter(context, "looking")
    seen = yield from perform_one(context, health.look_at_clusters, order)
    if seen["status"] == "refused":
        return (yield from ending.end(context, order, seen))
    well = seen["status"] in GOOD
    facts: Json = {
        "clusters": seen["path"] if well else "",
        "unread": [] if well else [f"clusters: {seen['detail']}"],
    }
    judged = yield from perform_one(context, health.judge_health, {**order, "facts": facts})
    return (yield from ending.end(context, order, judged))
