"""People's yes to a plan, as it lies in the evidence before anything is rebuilt."""

from typing import Any

from playbooks import consent_records, plan_files, plans
from playbooks.orders import Consent
from responders.evidence import EvidenceStore
from responders.model import Incident

AT = "2026-01-01T00:10:00+00:00"


def agree(
    store: EvidenceStore,
    incident: Incident,
    plan: dict[str, Any],
    *,
    number: int = 1,
    people: int = 1,
) -> None:
    """Keep the plan, so many people's own answers to it, and the decision that they make."""
    whole: Any = {"confirmations": [], "choices": [], "irreversible": [], **plan}
    store.put_json(plan_files.plan_path(incident, number), whole)
    for one in range(people):
        consent_records.keep(store, incident["incident_id"], answer(whole, person=f"person-{one}"))
    decided = {**answer(whole), "granted": True}
    store.put_json(plan_files.consent_path(incident, number), decided)


def answer(plan: Any, *, person: str = "person-0", **more: Any) -> Consent:
    """One person's yes to this plan, with all of its confirmations."""
    said: Consent = {
        "decision": "grant",
        "plan_hash": plans.plan_hash(plan),
        "approver": {"object_id": person, "name": person},
        "reason": "read",
        "at": AT,
        "chosen": [],
        "confirmed": [one["key"] for one in plan["confirmations"]],
    }
    return {**said, **more}  # type: ignore[typeddict-item]
