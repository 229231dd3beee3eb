"""Playbook: an alert says that pods' tokens are about to expire, or have (TokenExpirationWarning).

Starts    an alert, a person
Asks      nobody: it looks; by policy it restarts workloads whose pods go by an old client id or token
Undo      none needed: a restart differs by an annotation
Runbook   docs/runbooks/stale-tokens.md
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import ending
from playbooks.runs.model import Json, RunOrder
from playbooks.settling import GOOD, perform_one
from playbooks.steps import alert_looks, pod_restarts
from playbooks.troubleshooting.model import counted

bp = df.Blueprint()
TITLE = "Pods that go by an old token"
_EVERY_S, _LOOKS = 10, 60  # ten minutes: what is not back by then is said


@bp.orchestration_trigger(context_name="context")
def stale_tokens(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Look; restart where the policy lets it; wait for the pods; say what is left."""
    order: RunOrder = context.get_input(expected_type=dict)
    ending.enter(context, "looking")
    seen = yield from perform_one(context, alert_looks.look_at_alert, order)
    if seen["status"] not in GOOD:
        return (yield from ending.end(context, order, seen))
    facts: Json = {"title": TITLE, "path": seen["path"], "changes": [], "failed": []}
    may = order["policy"]["troubleshooting"]["restart_stale_pods"]
    if seen["stale"] and may and order["run"]["mode"] == "apply":
        yield from _restart(context, order, facts)
        again = yield from perform_one(context, alert_looks.look_at_alert, order)
        if again["status"] in GOOD:
            facts["path"] = again["path"]
        else:
            facts["failed"].append(f"it could not be looked at again: {again['detail']}")
    elif seen["stale"]:
        facts["said"] = f"Not restarted: {counted(seen['stale'], 'workload')} with stale pods"
    ending.enter(context, "judging")
    judged = yield from perform_one(context, alert_looks.conclude_alert, {**order, "facts": facts})
    return (yield from ending.end(context, order, judged))


def _restart(
    context: df.DurableOrchestrationContext, order: RunOrder, facts: Json
) -> Generator[Any, Any, None]:
    ending.enter(context, "restarting")
    acting: RunOrder = {**order, "facts": {"path": facts["path"]}}
    begun = yield from perform_one(context, pod_restarts.restart_stale_pods, acting)
    facts["changes"] = begun.get("changes", [])
    facts["failed"] = begun.get("refused") or ([] if begun["status"] in GOOD else [begun["detail"]])
    facts["said"] = begun["detail"]
    ending.enter(context, "waiting")
    waiting: RunOrder = {**order, "facts": {"begun": begun.get("begun", [])}}
    for _ in range(_LOOKS if begun.get("begun") else 0):
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=_EVERY_S))
        back = yield from perform_one(context, pod_restarts.see_pods_back, waiting)
        if back["status"] in GOOD and not back["waiting"]:
            return
    if begun.get("begun"):
        facts["failed"].append(
            f"not all are back after {_EVERY_S * _LOOKS // 60} minutes: {back['detail']}"
        )
