"""Which restore people are asked about, who ordered it so far, and what one more order or a no makes of that."""

from datetime import UTC, datetime

import azure.durable_functions as df
import azure.functions as func
import structlog

from playbooks import consent_rules
from playbooks.orders import Consent
from playbooks.restoring import consents
from playbooks.restoring.consents import Asking
from responders.evidence import EvidenceStore, canonical, digest
from responders.model import Incident, Json
from triggers import announcements, consent_status
from triggers.answers import answer, error

_log = structlog.get_logger("firebreak.restore_api")


def put(
    store: EvidenceStore, incident: Incident, given: Consent, policy: Json, requesters: list[str]
) -> Asking:
    """The question that this order answers: the one that is open about the same plan, or a new one."""
    last, restore_id = consents.newest(store, incident), _restore_id(store, incident, given)
    if last is not None and _stands(store, incident, last, given, restore_id):
        return last
    number = 1 if last is None else last["number"] + 1
    fresh = consents.fresh(given, restore_id, number, policy, requesters)
    return consents.put(store, incident, fresh)


def _restore_id(store: EvidenceStore, incident: Incident, given: Consent) -> str:
    """The same order is the same restore until one has ended: the next is another one, even by the same plan."""
    paths = store.list(f"incidents/{incident['incident_id']}/restore")
    ended = sum(1 for one in paths if one.endswith("/outcome.json"))
    key = {"plan_hash": given["plan_hash"], "chosen": given["chosen"], "ended": ended}
    return f"restore-{digest(canonical(key))[:8]}"


def _stands(
    store: EvidenceStore, incident: Incident, last: Asking, given: Consent, restore_id: str
) -> bool:
    """Whether the last question is still one: about this plan, in time, nobody said no, and no restore of it ended."""
    if last["plan_hash"] != given["plan_hash"] or is_over(last):
        return False
    decided = consents.judge(store, incident, last)
    return decided is None or bool(decided["granted"] and last["restore_id"] == restore_id)


def is_over(asking: Asking) -> bool:
    """Whether its time is."""
    return datetime.now(UTC) > datetime.fromisoformat(asking["expires_at"])


def unfit(asking: Asking, given: Consent) -> func.HttpResponse | None:
    """Why this person's order can't count beside the others'; None where it can."""
    if asking["plan_hash"] != given["plan_hash"]:
        reason = "somebody ordered another plan in this moment"
        return error(409, "WorldChanged", reason, "ask for the plan again, and order that one")
    if not consent_rules.may_count(given["approver"]["object_id"], consents.terms(asking)):
        reason = "whoever opened, deepened or resumed an incident does not order its restore"
        return error(403, "RequesterMayNotApprove", reason, "ask another approver")
    if asking["chosen"] != given["chosen"]:
        chosen = asking["chosen"]
        reason = f"{asking['by']['name']} ordered other choices: {', '.join(chosen) or 'none'}"
        todo = "choose the same, or refuse: then it is not carried out"
        return error(409, "OtherChoice", reason, todo, more={"chosen": chosen})
    return None


def keep(store: EvidenceStore, incident: Incident, asking: Asking, given: Consent) -> bool:
    """Whether this order is news. After the decision it is the same order again."""
    if consents.judge(store, incident, asking) is not None:
        return False
    return consents.keep(store, incident, asking, given)


def refuse(store: EvidenceStore, incident: Incident, given: Consent) -> func.HttpResponse:
    """A no to the restore that people are asked about: any approver's, whoever had the incident opened."""
    asking = consents.newest(store, incident)
    if asking is None or open_one(store, incident) is None:
        reason = "nobody is asked about a restore of this incident now"
        return error(409, "NotAsked", reason, f"GET /api/incidents/{incident['incident_id']}")
    if asking["plan_hash"] != given["plan_hash"]:
        more = {"plan_hash": asking["plan_hash"]}
        said = "the restore that people are asked about is another one"
        return error(409, "StalePlan", said, "read the incident again", more=more)
    consents.keep(store, incident, asking, given)
    by = given["approver"]["object_id"]
    _log.info("restore refused", incident_id=incident["incident_id"], by=by)
    now = shown(store, incident, asking)
    return answer(202, {**told(incident, now), "begun": False, "refused": True})


def open_one(store: EvidenceStore, incident: Incident) -> Json | None:
    """The restore that people are asked about now; None where nobody is."""
    asking = consents.newest(store, incident)
    if asking is None or is_over(asking):
        return None
    if consents.judge(store, incident, asking) is not None:
        return None
    return shown(store, incident, asking)


def shown(store: EvidenceStore, incident: Incident, asking: Asking) -> Json:
    """A question, with who said yes so far."""
    approvals: list[Json] = [
        {"approver": one["approver"], "at": one["at"], "reason": one["reason"]}
        for one in consents.answers(store, incident, asking)
        if one["decision"] == "grant"
    ]
    return {
        "restore_id": asking["restore_id"],
        "plan_hash": asking["plan_hash"],
        "chosen": asking["chosen"],
        "by": asking["by"],
        "reason": asking["reason"],
        "at": asking["at"],
        "expires_at": asking["expires_at"],
        "needs": asking["needs"],
        "approvals": approvals,
        "so_far": consent_status.so_far(approvals, asking["needs"]),
        "on_expiry": consents.SILENCE,
    }


def told(incident: Incident, now: Json) -> Json:
    """What whoever ordered or refused hears."""
    incident_id = incident["incident_id"]
    return {
        "incident_id": incident_id,
        "restore_id": now["restore_id"],
        "approvals": len(now["approvals"]),
        "needs": now["needs"],
        "expires_at": now["expires_at"],
        "status_url": f"/api/incidents/{incident_id}",
    }


async def tell(client: df.DurableOrchestrationClient, incident: Incident, now: Json) -> str:
    """A card to the channel: another person is needed. The order is kept, whether anybody could be told or not."""
    rows: list[tuple[str, str]] = [
        ("Identity", incident["principal"]["display_name"]),
        ("Incident", incident["incident_id"]),
        ("Ordered by", now["so_far"]),
        ("Reason", now["reason"]),
        ("Answer before", now["expires_at"]),
        ("Without an answer", now["on_expiry"]),
    ]
    todo = "Another approver reads the plan of the restore, then orders the same, or refuses."
    title = "Restore ordered: another person is needed"
    return await announcements.begin(
        client,
        {
            "key": f"restore-{incident['incident_id']}-{now['restore_id']}-{len(now['approvals'])}",
            "event": "RestoreAsked",
            "title": title,
            "mood": "asking",
            "do_now": todo,
            "facts": rows,
            "path": f"/incidents/{incident['incident_id']}",
        },
    )
