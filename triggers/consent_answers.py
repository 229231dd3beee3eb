"""What a person answers to a plan, and whether it fits: it names what is there, and all that it has to."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import BaseModel, ConfigDict, Field

from playbooks.consents import consent_event
from playbooks.orders import Consent
from playbooks.plan_model import Plan
from triggers import status
from triggers.answers import answer, error
from triggers.people import Person
from triggers.refusals import unknown

_log = structlog.get_logger("firebreak.responder_api")


class Answer(BaseModel):
    """A person's yes or no to the plan with this hash."""

    model_config = ConfigDict(extra="forbid")

    plan_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    decision: Literal["grant", "deny"]
    reason: Annotated[str, Field(min_length=3, max_length=500)]
    chosen: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=500)
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
    asked = shown["consent"]
    if shown["phase"] != "awaiting_consent" or asked is None:
        reason = f"{incident_id} is {shown['phase']}: it asks for no consent"
        return error(409, "NotAsked", reason, f"GET /api/incidents/{incident_id}")
    if asked["plan_hash"] != given.plan_hash:
        reason = "the plan is another one than the one you answered"
        todo = "read the incident again and answer its plan_hash"
        return error(409, "StalePlan", reason, todo, more={"plan_hash": asked["plan_hash"]})
    problem_with = unnamed(given, asked["plan"])
    if problem_with is not None:
        return problem_with
    consent: Consent = {
        "decision": given.decision,
        "plan_hash": given.plan_hash,
        "approver": {"object_id": person.object_id, "name": person.name},
        "reason": given.reason,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "chosen": given.chosen,
        "confirmed": given.confirmed,
    }
    await client.raise_event(incident_id, consent_event(given.plan_hash), consent)
    _log.info("consent", incident_id=incident_id, decision=given.decision, by=person.object_id)
    return answer(202, {"incident_id": incident_id, "decision": given.decision})


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
