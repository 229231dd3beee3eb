"""The answers that people gave to a plan, each kept once: what counts is what lies here, however often it was sent.

Durable's event says only that there is something to read, so a host that dies between two answers forgets none.
"""

from playbooks.orders import Consent
from responders.errors import ConflictError
from responders.evidence import EvidenceStore


def keep(store: EvidenceStore, incident_id: str, consent: Consent) -> bool:
    """Whether this is news: the first yes, or the first no, of this person to this plan."""
    return said_by(store, _folder(incident_id, consent["plan_hash"]), consent)


def said_by(store: EvidenceStore, where: str, consent: Consent) -> bool:
    """Keep an answer in that folder, once for each person and decision. Whether it is news."""
    path = f"{where}/{consent['approver']['object_id']}-{consent['decision']}.json"
    if store.exists(path):
        return False
    try:
        store.put_json(path, consent)
    except ConflictError:  # the same person, from two windows at once
        return False
    return True


def read(store: EvidenceStore, incident_id: str, plan_hash: str) -> list[Consent]:
    """All answers to this plan, in the order in which they were given."""
    paths = store.list(_folder(incident_id, plan_hash))
    found: list[Consent] = [store.get_json(one) for one in paths]
    answers = [one for one in found if one["plan_hash"] == plan_hash]
    return sorted(answers, key=lambda one: one["at"])


def _folder(incident_id: str, plan_hash: str) -> str:
    return f"incidents/{incident_id}/consents/{plan_hash[:16]}"
