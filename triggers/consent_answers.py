"""What a person answers to a plan, and whether it fits: it names what is there, and all that it has to."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import BaseModel, ConfigDict, Field

from playbooks import consent_records, consent_rules
from playbooks.orders import Consent
from playbooks.plan_model import Plan
from responders.evidence import EvidenceStore
from responders.model import Json
from triggers import consent_status, instances, intake, status
from triggers.answers import answer, error
from triggers.people import Person
from triggers.refusals import unknown

_READ = "read the incident again"
_TELLS = 2  # events at most for one answer: what is missed is read when the time is over
_log = structlog.get_logger("firebreak.responder_api")


class Answer(BaseModel):
    """A person's yes or no to the plan with this hash."""

    model_config = ConfigDict(extra="forbid")

    plan_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    decision: Literal["grant", "deny"]
    reason: Annotated[str, Field(min_length=3, max_length=500)]
    chosen: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=500)
    confirmed: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=100)


class Refusal(BaseModel):
    """A person's no to the plan with this hash."""

    model_config = ConfigDict(extra="forbid")

    plan_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    reason: Annotated[str, Field(min_length=3, max_length=500)]

    def answer(self) -> Answer:
        """As any other answer."""
        return Answer(plan_hash=self.plan_hash, decision="deny", reason=self.reason)


async def give(
    client: df.DurableOrchestrationClient, incident_id: str, person: Person, given: Answer
) -> func.HttpResponse:
    """202 when the answer was handed over, from a page or a call; 409 when the plan is another one, or nobody asked."""
    shown = await status.of(client, incident_id)
    if shown is None:
        return unknown(incident_id)
    now = datetime.now(UTC)
    problem_with = _not_asked(shown, given, now)
    if problem_with is not None:
        return problem_with
    asked = shown["consent"]
    terms = consent_status.terms(asked)
    consent = given_by(person, given, now)
    problem_with = await asyncio.to_thread(_unfit, intake.store(), incident_id, consent, terms)
    if problem_with is not None:
        return problem_with
    news = await asyncio.to_thread(consent_records.keep, intake.store(), incident_id, consent)
    said = await asyncio.to_thread(
        consent_records.read, intake.store(), incident_id, given.plan_hash
    )
    if news or asked["heard"] < len(said):
        heard = await _tell(client, incident_id, asked, len(said))
        if not heard:
            reason = f"{incident_id} ended in this moment: your answer is kept, and changes nothing"
            return error(409, "NotAsked", reason, f"GET /api/incidents/{incident_id}")
    _log.info(
        "consent",
        incident_id=incident_id,
        decision=given.decision,
        by=person.object_id,
        proven_by=person.via,
        news=news,
    )
    body = {
        "incident_id": incident_id,
        "decision": given.decision,
        "approvals": sum(one["decision"] == "grant" for one in said),
        "needs": terms.needs,
    }
    return answer(202, body)


def _not_asked(shown: Json, given: Answer, now: datetime) -> func.HttpResponse | None:
    """Why there is nothing to answer, or something else; None where this is an answer to what is asked."""
    asked = shown["consent"]
    if shown["phase"] != "awaiting_consent" or asked is None:
        reason = f"{shown['incident_id']} is {shown['phase']}: it asks for no consent"
        return error(409, "NotAsked", reason, f"GET /api/incidents/{shown['incident_id']}")
    if asked["plan_hash"] != given.plan_hash:
        reason = "the plan is another one than the one you answered"
        todo = f"{_READ} and answer its plan_hash"
        return error(409, "StalePlan", reason, todo, more={"plan_hash": asked["plan_hash"]})
    if now > datetime.fromisoformat(asked["expires_at"]):
        return error(409, "Expired", f"the time was over at {asked['expires_at']}", _READ)
    return unnamed(given, asked["plan"])


def given_by(person: Person, given: Answer, now: datetime) -> Consent:
    """The answer as it is kept: with who gave it, and how that was proven."""
    proven = person.identity()
    return {
        "decision": given.decision,
        "plan_hash": given.plan_hash,
        "approver": {
            "object_id": proven["object_id"],
            "name": proven["name"],
            "tenant_id": proven["tenant_id"],
            "proven_by": proven["proven_by"],
        },
        "reason": given.reason,
        "at": now.isoformat(timespec="milliseconds"),
        "chosen": sorted(set(given.chosen)),
        "confirmed": sorted(set(given.confirmed)),
    }


def _unfit(
    store: EvidenceStore, incident_id: str, consent: Consent, terms: consent_rules.Terms
) -> func.HttpResponse | None:
    """Why this person's yes can't count beside the others'. A no always does."""
    if consent["decision"] == "deny":
        return None
    if not consent_rules.may_count(consent["approver"]["object_id"], terms):
        reason = "whoever opened, deepened or resumed an incident does not agree to its plan"
        return error(403, "RequesterMayNotApprove", reason, "ask another approver")
    answers = consent_records.read(store, incident_id, consent["plan_hash"])
    chosen = consent_status.chosen_before(answers)
    if chosen is not None and chosen != consent["chosen"]:
        reason = f"{answers[0]['approver']['name']} agreed to other choices: {', '.join(chosen) or 'none'}"
        todo = "choose the same, or deny: then the plan is not carried out"
        return error(409, "OtherChoice", reason, todo, more={"chosen": chosen})
    return None


async def _tell(
    client: df.DurableOrchestrationClient, incident_id: str, asked: Json, answers: int
) -> bool:
    """Say that there is something to read, to the wait that stands. One that has moved on meanwhile is told, too.

    False: nobody is there to be told. Raises `TransientError` where Durable does not answer: the answer is kept.
    """
    event = asked["event"]  # None after very many answers: they are read when the time is over
    for _ in range(_TELLS if event else 0):
        if not await instances.tell(client, incident_id, event, {"read": True}):
            return False
        durable = await instances.status(client, incident_id)
        now = (status.told_of(durable) if durable else {}).get("consent") or {}
        if now.get("event", event) == event or now["heard"] >= answers:
            break
        event = now["event"]
    return True


def unnamed(given: Answer, plan: Plan) -> func.HttpResponse | None:
    """Why this is no consent to that plan: it names what is not in it, or not all that it has to."""
    choices = {one["key"] for one in plan["choices"]}
    confirmations = {one["key"] for one in plan["confirmations"]}
    unknown = sorted({*given.chosen} - choices | {*given.confirmed} - confirmations)
    if unknown:
        reason = f"the plan has no choice or confirmation {', '.join(unknown)}"
        todo = "name keys of consent.choices and confirmations"
        return error(400, "UnknownKey", reason, todo, more={"unknown": unknown})
    missing = [one for one in plan["confirmations"] if one["key"] not in given.confirmed]
    if given.decision == "deny" or not missing:
        return None
    said = "; ".join(f"{one['key']}: {one['sentence']}" for one in missing)
    todo = "read each, and send its key in `confirmed`"
    return error(409, "NotConfirmed", said, todo, more={"missing": missing})
