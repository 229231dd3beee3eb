"""Trigger: a responder, by HTTP: open an incident, ask how it stands, answer its plan.

Who comes in is proven by Entra, and what they may do by app roles: a function key opens nothing here.
"""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import BaseModel, ConfigDict, Field, model_validator

from playbooks.policy import Guid
from responders.errors import ResponderError
from responders.model import Hint, Signal, Vector
from triggers import (
    cancellations,
    consent_answers,
    intake,
    people,
    resumptions,
    signed_calls,
    status,
)
from triggers.answers import answer
from triggers.consent_answers import Answer
from triggers.refusals import cannot_resolve, unknown

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.responder_api")
_KEY_LIMIT = 100  # characters of an Idempotency-Key


class NewIncident(BaseModel):
    """What a responder sends. Exactly one id; names are never looked up."""

    model_config = ConfigDict(extra="forbid")

    object_id: Guid | None = None
    app_id: Guid | None = None
    mode: Literal["plan", "contain", "respond"]
    vector: Vector | None = None  # how the attacker got in, where the responder knows
    reason: Annotated[str, Field(min_length=3, max_length=500)]

    @model_validator(mode="after")
    def exactly_one_id(self) -> "NewIncident":
        """Both ids could name two principals; none names nobody."""
        if (self.object_id is None) == (self.app_id is None):
            raise ValueError("send exactly one of object_id and app_id; names are never looked up")
        return self

    def hint(self) -> Hint:
        """The id, as intake resolves it."""
        if self.object_id is not None:
            return {"object_id": self.object_id.lower()}
        return {"app_id": (self.app_id or "").lower()}


@bp.route(route="api/incidents", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def open_incident(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """202 with the incident id; 400, 401, 403, 404, 503 with what to do next, and nothing started."""
    structlog.contextvars.clear_contextvars()
    sent = await signed_calls.read(req, people.RESPOND, NewIncident)
    if isinstance(sent, func.HttpResponse):
        return sent
    person, wanted = sent
    try:
        key = req.headers.get("Idempotency-Key", "")[:_KEY_LIMIT] or str(uuid.uuid4())
        signal: Signal = {
            "source": "responder",
            "kind": "call",
            "signal_id": f"{person.object_id}/{key}",
            "fired_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "title": f"{person.name}: {wanted.reason}",
            "severity": "responder",
            "confidence": "high",
            "authenticated": "token",
            "hint": wanted.hint(),
            "asked": wanted.mode,
        }
        if wanted.vector is not None:
            signal["stated"] = {
                "vector": wanted.vector,
                "by": person.name,
                "object_id": person.object_id,
                "at": signal["fired_at"],
            }
        accepted = await intake.accept(signal, wanted.mode, client)
    except ResponderError as problem:
        return cannot_resolve(problem)
    body = {
        "incident_id": accepted.incident_id,
        "joined": accepted.joined,
        "mode": accepted.mode,
        "status_url": f"/api/incidents/{accepted.incident_id}",
    }
    return answer(202, body)


@bp.route(route="api/incidents/{incident_id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def read_incident(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with phase, clock, steps and consent; 404 where no such incident was ever opened."""
    structlog.contextvars.clear_contextvars()
    reader = await signed_calls.admit(req, people.READ)
    if isinstance(reader, func.HttpResponse):
        return reader
    incident_id = req.route_params["incident_id"]
    shown = await status.of(client, incident_id)
    return answer(200, shown) if shown else unknown(incident_id)


@bp.route(
    route="api/incidents/{incident_id}/consent",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
@bp.durable_client_input(client_name="client")
async def answer_plan(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """202 when the answer was handed over; 409 when the plan is another one, or nobody asked."""
    structlog.contextvars.clear_contextvars()
    incident_id = req.route_params["incident_id"]
    sent = await signed_calls.read(req, people.APPROVE, Answer)
    if isinstance(sent, func.HttpResponse):
        return sent
    person, given = sent
    return await consent_answers.give(client, incident_id, person, given)


@bp.route(
    route="api/incidents/{incident_id}/resume",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
@bp.durable_client_input(client_name="client")
async def resume_recovery(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """202 when the call was handed over; 409 where nothing is left to do, or it is being done."""
    structlog.contextvars.clear_contextvars()
    incident_id = req.route_params["incident_id"]
    sent = await signed_calls.read(req, people.RESPOND, resumptions.Resumption)
    if isinstance(sent, func.HttpResponse):
        return sent
    person, wanted = sent
    key = req.headers.get("Idempotency-Key", "")[:_KEY_LIMIT] or str(uuid.uuid4())
    return await resumptions.resume(client, incident_id, person, key, wanted)


@bp.route(
    route="api/incidents/{incident_id}/cancel",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
@bp.durable_client_input(client_name="client")
async def cancel_incident(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """202 when the word was handed over; 409 where the incident is over."""
    structlog.contextvars.clear_contextvars()
    incident_id = req.route_params["incident_id"]
    sent = await signed_calls.read(req, people.RESPOND, cancellations.Cancellation)
    if isinstance(sent, func.HttpResponse):
        return sent
    person, wanted = sent
    return await cancellations.cancel(client, incident_id, person, wanted)
