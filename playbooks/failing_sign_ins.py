"""Playbook: an alert says that many sign-ins of an identity fail (HighIdentityAuthenticationFailures).

Starts    an alert, a person
Asks      nobody: it reads; what it finds to be an attack becomes an incident, which asks for itself
Undo      the incident's own
Runbook   docs/runbooks/failing-sign-ins.md
"""

from collections.abc import Generator
from typing import Any, cast

import azure.durable_functions as df

from playbooks import ending
from playbooks.alerts import sign_in_judging
from playbooks.orders import Order
from playbooks.runs.model import Finding, Json, RunOrder, Severity
from playbooks.settling import GOOD, perform_one
from playbooks.steps import alert_looks, weighing

bp = df.Blueprint()
TITLE = "Sign-ins that fail: breakage, or an attack"
# A function of `triggers`, which playbooks can't import: only they may hand a signal in.
ESCALATE = "escalate_to_incident"
_SEVERITY: dict[str, Severity] = {"taken": "critical", "attempts": "high", "unknown": "medium"}
_SAID = {
    "taken": "An attack: somebody else got a token",
    "attempts": "Attempts: somebody guesses, and got no token",
    "breakage": "Breakage: its own workloads fail",
    "unknown": "Nobody can say whether it is an attack",
    "quiet": "No sign-in fails",
}


@bp.orchestration_trigger(context_name="context")
def failing_sign_ins(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Weigh; open an incident where it is an attack, as deep as the evidence lets it; look at what is broken."""
    order: RunOrder = context.get_input(expected_type=dict)
    ending.enter(context, "weighing")
    weighed = yield from perform_one(context, weighing.weigh_sign_ins, order)
    if weighed["status"] not in GOOD:
        return (yield from ending.end(context, order, weighed))
    facts = _facts(weighed)
    rules, most = order["policy"]["troubleshooting"], order["run"]["parameters"]["most"]
    mode = sign_in_judging.depth(weighed["judgement"], rules, most)
    if mode and order["run"]["mode"] == "apply":
        yield from _escalate(context, order, weighed, mode, facts)
    elif mode:
        facts["said"] += f"; applied, it opens an incident in mode {mode}"
    if weighed["judgement"]["kind"] in {"breakage", "unknown"}:
        ending.enter(context, "looking")
        seen = yield from perform_one(context, alert_looks.look_at_alert, order)
        if seen["status"] in GOOD:
            facts["path"] = seen["path"]
        else:
            facts["unread"] = [*facts["unread"], f"its workloads: {seen['detail']}"]
    ending.enter(context, "judging")
    judged = yield from perform_one(context, alert_looks.conclude_alert, {**order, "facts": facts})
    return (yield from ending.end(context, order, judged))


def _escalate(
    context: df.DurableOrchestrationContext,
    order: RunOrder,
    weighed: Json,
    mode: str,
    facts: Json,
) -> Generator[Any, Any, None]:
    """An incident of this very run, opened once however often this is carried out."""
    ending.enter(context, "escalating")
    said = "; ".join([facts["said"], *weighed["judgement"]["because"]])
    wanted: RunOrder = {
        **order,
        "facts": {"object_id": weighed["principal"]["object_id"], "mode": mode, "why": said},
    }
    opened = yield from perform_one(context, ESCALATE, cast(Order, wanted))
    facts["data"]["incident_id"] = opened.get("incident_id")
    if opened["status"] not in GOOD:
        facts["failed"].append(
            f"no incident was opened: {opened['detail']}: firebreak start --object-id "
            f"{weighed['principal']['object_id']} --mode {mode} --reason '…'"
        )
        return
    facts["said"] += f"; {opened['detail']}"


def _facts(weighed: Json) -> Json:
    """What the end is told of it."""
    judged, principal = weighed["judgement"], weighed["principal"]
    said = _SAID[judged["kind"]]
    if weighed["incident"] is not None:
        said += f"; incident {weighed['incident']} is open about it"
    finding: Finding = {
        "rule": f"sign-ins-{judged['kind']}",
        "severity": _SEVERITY.get(judged["kind"], "low"),
        "subject": principal["object_id"],
        "subject_name": principal["display_name"],
        "detail": f"{said}: {'; '.join(judged['because'])}",
        "fix": "",
        "evidence": [f"from {one}" for one in judged["addresses"]],
    }
    return {
        "title": TITLE,
        "path": "",
        "said": said,
        "unread": weighed["unread"],
        "failed": [],
        "changes": [],
        "findings": [] if judged["kind"] == "quiet" else [finding],
        "tables": [weighed["table"]] if weighed["table"]["rows"] else [],
        "data": {"judgement": judged, "incident_id": None},
    }
