"""What people are asked, who has answered so far, and what happens where nobody does: for the API, pages and cards."""

from datetime import datetime
from typing import Literal

from playbooks import consent_records, consent_rules, plan_files
from playbooks.orders import Consent
from playbooks.plan_model import Plan
from responders.evidence import EvidenceStore
from responders.model import Incident, Json

_MOST_CHOICES = 100  # shown: an identity with more permissions than that is read in its plan
_OF_A_CHOICE: tuple[Literal["key", "what", "name", "reason"], ...] = (
    "key",
    "what",
    "name",
    "reason",
)


def shown(store: EvidenceStore, incident: Incident, told: Json) -> Json | None:
    """The question with all that a person has to know for an answer; None where nobody is asked."""
    consent: Json | None = told.get("consent")
    if consent is None:
        return None
    number = plan_files.newest(store, incident)
    plan: Plan = store.get_json(plan_files.plan_path(incident, number))
    decided = _decided(store, plan_files.consent_path(incident, number), consent["plan_hash"])
    answers = consent_records.read(store, incident["incident_id"], consent["plan_hash"])
    approvals = [
        {"approver": one["approver"], "at": one["at"], "reason": one["reason"]}
        for one in answers
        if one["decision"] == "grant"
    ]
    choices = [{name: one[name] for name in _OF_A_CHOICE} for one in plan["choices"]]
    # Surveys of many clusters are megabytes, and this is asked for again and again.
    short = {name: value for name, value in plan.items() if name != "clusters"}
    needs = int({**consent, **decided}.get("needs", 1))
    return {
        "approvals": approvals,
        **consent,
        **decided,
        "needs": needs,
        "so_far": so_far(approvals, needs),
        "requesters": told.get("requesters", []),
        "irreversible": plan.get("irreversible", []),  # none in a plan of before it was named
        "on_expiry": consent_rules.ON_EXPIRY,
        "plan": short,
        "plan_url": f"/api/incidents/{incident['incident_id']}/plan",
        "confirmations": plan["confirmations"],
        "choices": choices[:_MOST_CHOICES],
        "more_choices": max(len(choices) - _MOST_CHOICES, 0),  # those are in the plan
    }


def _decided(store: EvidenceStore, path: str, plan_hash: str) -> Json:
    """The decision, once it is made, with everything that was said in it."""
    kept: Json = store.get_json(path) if store.exists(path) else {}
    return kept if kept.get("plan_hash") == plan_hash else {}


def so_far(approvals: list[Json], needs: int) -> str:
    """For a line: 1 of 2: Ines at 03:12 UTC."""
    said = ", ".join(
        f"{one['approver']['name']} at {datetime.fromisoformat(one['at']):%H:%M} UTC"
        for one in approvals
    )
    return f"{len(approvals)} of {needs}" + (f": {said}" if said else "")


def terms(asked: Json) -> consent_rules.Terms:
    """What an answer to this question has to be, as the playbook will judge it."""
    plan = asked["plan"]
    return consent_rules.Terms(
        plan_hash=asked["plan_hash"],
        confirmations=frozenset(one["key"] for one in plan["confirmations"]),
        choices=frozenset(one["key"] for one in plan["choices"]),
        needs=asked["needs"],
        requesters=frozenset(one["object_id"] for one in asked["requesters"]),
        requester_may=asked["requester_may_approve"],
        expires=datetime.fromisoformat(asked["expires_at"]),
    )


def chosen_before(answers: list[Consent]) -> list[str] | None:
    """What the first yes chose, which every other one has to choose as well; None before there is one."""
    first = next((one for one in answers if one["decision"] == "grant"), None)
    return None if first is None else sorted(first["chosen"])
