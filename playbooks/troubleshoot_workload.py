"""Playbook: a workload gets no token, or can do nothing with the one that it gets.

Starts    a person
Asks      nobody: it only reads
Undo      none needed
Runbook   docs/runbooks/troubleshoot-workload.md
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks import ending
from playbooks.runs.model import Json, RunOrder
from playbooks.settling import GOOD, perform_one
from playbooks.steps import troubleshooting

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def troubleshoot_workload(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Look, then judge. What can't be read is said, and is not taken for well."""
    order: RunOrder = context.get_input(expected_type=dict)
    ending.enter(context, "looking")
    seen = yield from perform_one(context, troubleshooting.look_at_workload, order)
    if seen["status"] not in GOOD:
        return (yield from ending.end(context, order, seen))
    ending.enter(context, "judging")
    judging: RunOrder = {**order, "facts": {"path": seen["path"]}}
    judged = yield from perform_one(context, troubleshooting.judge_workload, judging)
    return (yield from ending.end(context, order, judged))
