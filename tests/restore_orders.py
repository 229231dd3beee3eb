"""As many people as the policy wants order a restore: what the API keeps of it, and hands to the playbook."""

from collections.abc import Collection

from playbooks.orders import Consent, Json
from playbooks.restoring import consents, plans
from playbooks.restoring.model import Requested, RestorePlan
from responders.evidence import EvidenceStore
from responders.model import Incident

PEOPLE = ("rosa", "ines", "yuri", "ravi", "zoe")


def said(name: str, plan_hash: str, chosen: Collection[str], at: str) -> Consent:
    """One person's order."""
    return {
        "decision": "grant",
        "plan_hash": plan_hash,
        "approver": {"object_id": name, "name": name, "tenant_id": "t", "proven_by": "token"},
        "reason": "false alarm",
        "at": at,
        "chosen": sorted(chosen),
        "confirmed": [],
    }


def ordered(
    store: EvidenceStore,
    incident: Incident,
    policy: Json,
    plan: RestorePlan,
    *,
    chosen: Collection[str] = (),
    restore_id: str = "restore-one",
    at: str = "2026-01-01T00:00:00+00:00",
    people: int | None = None,
) -> Requested:
    """The order of people who read this plan, kept where the API keeps it."""
    many = consents.people(policy) if people is None else people
    given = [said(name, plans.plan_hash(plan), chosen, at) for name in PEOPLE[:many]]
    last = consents.newest(store, incident)
    number = 1 if last is None else last["number"] + 1
    fresh = consents.fresh(given[0], restore_id, number, policy, [])
    asking = consents.put(store, incident, fresh)
    for one in given:
        consents.keep(store, incident, asking, one)
    return {
        "restore_id": restore_id,
        "plan_hash": asking["plan_hash"],
        "chosen": asking["chosen"],
        "by": asking["by"],
        "reason": asking["reason"],
        "at": at,
        "order": number,
        "approvals": [
            {"approver": one["approver"], "at": one["at"], "reason": one["reason"]} for one in given
        ],
    }
