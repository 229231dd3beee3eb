"""Who ordered a restore: each person's answer to one exact plan, and whether that is enough. Blocks.

To open an identity again is what somebody with a stolen session would do, and what an attacker does with it afterwards
nobody takes back. So an order waits until as many different people have given it as the policy wants. The first one
asks: what of, for how long, and by which rule is written down once. One no ends it, and so does silence.
"""

from datetime import datetime, timedelta
from typing import TypedDict, cast

from playbooks import consent_rules
from playbooks.consent_records import said_by
from playbooks.consent_rules import Terms
from playbooks.orders import Consent, Json, folder
from playbooks.restoring.model import Requested
from responders.errors import ConflictError
from responders.evidence import EvidenceStore
from responders.model import Incident

SILENCE = "Silence is a no: nothing is given back"


class Asking(TypedDict):
    """A restore that people are asked about, as whoever asked first wanted it."""

    number: int  # the first of this incident is 1
    restore_id: str
    plan_hash: str
    chosen: list[str]
    by: Json  # object id and name
    reason: str
    at: str
    expires_at: str
    needs: int  # different people
    requesters: list[str]  # object ids: who had the incident opened, deepened or resumed
    requester_may: bool


def people(policy: Json) -> int:
    """How many have to order a restore. Incidents that began by an older policy.toml know only the other number."""
    rule = policy["consent"]
    return int(rule.get("people_for_restore", rule["people_for_irreversible"]))


def fresh(
    given: Consent, restore_id: str, number: int, policy: Json, requesters: list[str]
) -> Asking:
    """The question that this order puts."""
    lasts = timedelta(minutes=policy["consent"]["expires_minutes"])
    return {
        "number": number,
        "restore_id": restore_id,
        "plan_hash": given["plan_hash"],
        "chosen": given["chosen"],
        "by": {name: given["approver"][name] for name in ("object_id", "name")},
        "reason": given["reason"],
        "at": given["at"],
        "expires_at": (datetime.fromisoformat(given["at"]) + lasts).isoformat(),
        "needs": people(policy),
        "requesters": requesters,
        "requester_may": bool(policy["consent"]["requester_may_approve"]),
    }


def newest(store: EvidenceStore, incident: Incident) -> Asking | None:
    """The last question about this incident, decided or not; None where nobody ever ordered a restore."""
    base = f"{folder(incident)}/restore"
    found = [one for one in store.list(base) if one.endswith("/asking.json")]
    return cast(Asking, store.get_json(max(found))) if found else None


def put(store: EvidenceStore, incident: Incident, asking: Asking) -> Asking:
    """Put the question; the one that somebody else put in the same moment, where one did."""
    path = _path(incident, asking["number"])
    try:
        store.put_json(f"{path}/asking.json", asking)
    except ConflictError:
        return cast(Asking, store.get_json(f"{path}/asking.json"))
    return asking


def keep(store: EvidenceStore, incident: Incident, asking: Asking, given: Consent) -> bool:
    """Whether this answer is news. Each person's first yes and first no counts."""
    return said_by(store, _path(incident, asking["number"]), given)


def answers(store: EvidenceStore, incident: Incident, asking: Asking) -> list[Consent]:
    """What people said to it, in order."""
    path = _path(incident, asking["number"])
    found = [
        cast(Consent, store.get_json(one))
        for one in store.list(path)
        if not one.endswith("/asking.json")
    ]
    return sorted(found, key=lambda one: one["at"])


def terms(asking: Asking) -> Terms:
    """What an answer to it has to be."""
    return Terms(
        plan_hash=asking["plan_hash"],
        confirmations=frozenset(),
        choices=frozenset(asking["chosen"]),
        needs=asking["needs"],
        requesters=frozenset(asking["requesters"]),
        requester_may=asking["requester_may"],
        expires=datetime.fromisoformat(asking["expires_at"]),
    )


def judge(store: EvidenceStore, incident: Incident, asking: Asking) -> Json | None:
    """The decision by now; None while it is open or nobody answered in time."""
    said = cast("list[Json]", answers(store, incident, asking))
    return consent_rules.judge(said, terms(asking))


def why_not(store: EvidenceStore, incident: Incident, asked: Requested, policy: Json) -> str:
    """Why an order is none by what lies in the evidence; nothing where it is one.

    The playbook asks this: whoever could raise an event, and nothing more, must not open an identity.
    """
    path = f"{_path(incident, asked.get('order', 0))}/asking.json"
    if not store.exists(path):
        return "no order to restore lies in the evidence"
    asking = cast(Asking, store.get_json(path))
    if any(asking[name] != asked[name] for name in ("restore_id", "plan_hash", "chosen")):
        return "what people ordered is another restore"
    decided = judge(store, incident, {**asking, "needs": max(asking["needs"], people(policy))})
    if decided is None:
        return f"too few people ordered it: {people(policy)} are needed"
    return "" if decided["granted"] else f"{decided['approver']['name']} said no"


def _path(incident: Incident, number: int) -> str:
    return f"{folder(incident)}/restore/order-{number:03}"
