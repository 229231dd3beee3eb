"""What stands behind a step of the rebuild hand: people's own answers, as they lie in the evidence, or an applied run.

A playbook asks before it goes on. This is asked again where the step acts, of the evidence alone: whoever could raise
an event or put a step into a queue, and nothing more, must have nothing rebuilt. What can't be read stands behind
nothing.
It runs inside activities, which are not replayed.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

from playbooks import consent_records, consent_rules, plan_files, plans
from playbooks.consent_rules import Terms
from playbooks.orders import Json, Order
from playbooks.plan_model import Plan
from playbooks.restoring import consents
from playbooks.restoring.model import Requested
from playbooks.runs.model import RunOrder
from responders import run_records
from responders.errors import ResponderError, TransientError
from responders.evidence import EvidenceStore

# What a policy lets an alert have done: key of `[troubleshooting]` and the value that does.
_BY_POLICY = {
    "mend_trusts": ("fix_trusts", "slips"),
    "restart_stale_pods": ("restart_stale_pods", True),
}
_ANY_TIME = datetime.max.replace(tzinfo=UTC)  # whether it was in time was judged when it was asked


async def why_not(store: EvidenceStore, order: Order) -> Json | None:
    """The refusal where nobody agreed to the plan, or ordered the restore, that this step of an incident belongs to."""
    asked = cast("Requested | None", order.get("facts", {}).get("requested"))
    if asked is not None:
        return await _answer(
            lambda: consents.why_not(store, order["incident"], asked, order["policy"])
        )
    return await _answer(lambda: _not_agreed(store, order))


async def why_no_run(store: EvidenceStore, order: RunOrder, step: str) -> Json | None:
    """The refusal where the run of this step is none that a person applied, or that the policy lets an alert apply."""
    return await _answer(lambda: _not_applied(store, order, step))


async def _answer(ask: Callable[[], str]) -> Json | None:
    try:
        reason = await asyncio.to_thread(ask)
    except TransientError as error:
        return {"status": "failed", "retry": True, "detail": f"who agreed to it? {error}"}
    except ResponderError as error:
        reason = f"who agreed to it can't be read: {error}"
    return {"status": "refused", "detail": f"no consent behind it: {reason}"} if reason else None


def _not_agreed(store: EvidenceStore, order: Order) -> str:
    """By each person's own answer to the plan in force, and by what was decided when they were counted."""
    incident = order["incident"]
    number = plan_files.in_force(store, incident)
    path = plan_files.consent_path(incident, number)
    if not store.exists(path):
        return "nobody has decided about a plan of this incident"
    if not store.get_json(path).get("granted"):
        return "people did not agree to the plan"
    plan: Plan = store.get_json(plan_files.plan_path(incident, number))
    terms = _terms(plan, order)
    said = consent_records.read(store, incident["incident_id"], terms.plan_hash)
    decided = consent_rules.judge(cast("list[Json]", said), terms)
    if decided is None:
        return f"too few people's own answers to plan {terms.plan_hash[:12]} lie in the evidence"
    return "" if decided["granted"] else f"{decided['approver']['name']} said no"


def _terms(plan: Plan, order: Order) -> Terms:
    rule, asked_by = order["policy"]["consent"], order["incident"]["signal"].get("asked_by")
    return Terms(
        plan_hash=plans.plan_hash(plan),
        confirmations=frozenset(one["key"] for one in plan["confirmations"]),
        choices=frozenset(one["key"] for one in plan["choices"]),
        needs=int(rule["people_for_irreversible"]) if plan["irreversible"] else 1,
        requesters=frozenset({asked_by["object_id"]} if asked_by else ()),
        requester_may=bool(rule["requester_may_approve"]),
        expires=_ANY_TIME,
    )


def _not_applied(store: EvidenceStore, order: RunOrder, step: str) -> str:
    run = order["run"]
    opened = run_records.read(store, run["run_id"])
    if opened is None:
        return f"no run {run['run_id']} lies in the evidence"
    if opened["mode"] != "apply" or opened["playbook"] != run["playbook"]:
        return f"{run['run_id']} was opened as {opened['playbook']} in mode {opened['mode']}"
    if opened["started_by"] == "person":
        return ""
    key, value = _BY_POLICY.get(step, ("", None))
    if key and order["policy"]["troubleshooting"][key] == value:
        return ""
    return f"a {opened['started_by']} started {run['run_id']}, and the policy lets none do this"
