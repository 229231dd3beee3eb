"""Playbook: an alert says that a trust does not fit (FederatedCredentialMisconfiguration).

Starts    an alert, a person
Asks      nobody: it looks; by policy it frees a trust of a slip that can be meant for nobody else
Undo      the document's changes: each trust with before and after
Runbook   docs/runbooks/misconfigured-federation.md
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import ending
from playbooks.runs.model import Json, RunOrder
from playbooks.settling import GOOD, perform_one
from playbooks.steps import alert_looks, trust_mending
from playbooks.troubleshooting.model import counted

bp = df.Blueprint()
TITLE = "A federated credential that does not fit"
# Seconds after which it is looked at again: a changed trust takes minutes to be known everywhere.
# https://learn.microsoft.com/azure/aks/workload-identity-overview
_WAITS = (5, 15, 40, 120, 240)


@bp.orchestration_trigger(context_name="context")
def misconfigured_federation(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Look; mend where the policy lets it; prove it by a token; say what is left."""
    order: RunOrder = context.get_input(expected_type=dict)
    ending.enter(context, "looking")
    seen = yield from perform_one(context, alert_looks.look_at_alert, order)
    if seen["status"] not in GOOD:
        return (yield from ending.end(context, order, seen))
    facts: Json = {"title": TITLE, "path": seen["path"], "changes": [], "failed": []}
    may = order["policy"]["troubleshooting"]["fix_trusts"] == "slips"
    if seen["repairs"] and may and order["run"]["mode"] == "apply":
        seen = yield from _mend(context, order, seen, facts)
    elif seen["repairs"]:
        facts["said"] = f"Not mended: {counted(seen['repairs'], 'trust')} with a slip"
    ending.enter(context, "judging")
    judging: RunOrder = {**order, "facts": {**facts, "path": seen["path"]}}
    judged = yield from perform_one(context, alert_looks.conclude_alert, judging)
    return (yield from ending.end(context, order, judged))


def _mend(
    context: df.DurableOrchestrationContext, order: RunOrder, seen: Json, facts: Json
) -> Generator[Any, Any, Json]:
    """What is so after it: looked at until a token is issued, or for some minutes."""
    ending.enter(context, "mending")
    acting: RunOrder = {**order, "facts": {"path": seen["path"]}}
    mended = yield from perform_one(context, trust_mending.mend_trusts, acting)
    facts["changes"] = mended.get("changes", [])
    facts["failed"] = mended.get("refused") or (
        [] if mended["status"] in GOOD else [mended["detail"]]
    )
    facts["said"] = mended["detail"]
    ending.enter(context, "proving")
    for wait in _WAITS if facts["changes"] else ():
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=wait))
        again = yield from perform_one(context, alert_looks.look_at_alert, order)
        if again["status"] not in GOOD:
            facts["failed"].append(f"it could not be looked at again: {again['detail']}")
            break
        seen = again
        if seen["well"]:
            break
    return seen
