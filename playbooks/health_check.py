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
from playbooks.settling import GOOD, perform_one, settle
from playbooks.steps import health

bp = df.Blueprint()
_LOOKS = {
    "Clusters": health.look_at_clusters,
    "Authentication": health.look_at_sign_ins,
    "Firebreak": health.look_at_ourselves,
}


@bp.orchestration_trigger(context_name="context")
def health_check(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Look, judge, tell where it has changed. What can't be read is a yellow light, not a green one."""
    order: RunOrder = context.get_input(expected_type=dict)
    ending.enter(context, "looking")
    seen = yield from settle(context, [(step, order) for step in _LOOKS.values()])
    # A cluster that was asked for and that nobody sees: there is nothing to judge.
    if order["run"]["parameters"]["clusters"] and seen[0]["status"] == "refused":
        return (yield from ending.end(context, order, seen[0]))
    looks = {
        name: {"path": one.get("path", ""), "why": "" if one["status"] in GOOD else one["detail"]}
        for name, one in zip(_LOOKS, seen, strict=True)
    }
    ending.enter(context, "judging")
    judged = yield from perform_one(
        context, health.judge_health, {**order, "facts": {"looks": looks}}
    )
    return (yield from ending.end(context, order, judged))
