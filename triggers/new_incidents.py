"""A responder opens an incident, from a page or a call: about one identity, by an immutable id."""

from datetime import UTC, datetime
from typing import Annotated

import azure.durable_functions as df
import azure.functions as func
from pydantic import Field

from responders.errors import ResponderError
from responders.model import Mode, Signal, Vector
from triggers import intake
from triggers.answers import answer
from triggers.hint_bodies import HintBody
from triggers.people import Person
from triggers.refusals import cannot_resolve


class NewIncident(HintBody):
    """What a responder sends. Exactly one id; names are never looked up."""

    mode: Mode
    vector: Vector | None = Field(
        default=None, description="How the attacker got in, where you know."
    )
    reason: Annotated[str, Field(min_length=3, max_length=500)]


async def start(
    client: df.DurableOrchestrationClient, person: Person, key: str, wanted: NewIncident
) -> func.HttpResponse:
    """202 with the incident that was opened, or joined. The same person's same key is the same incident."""
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
    if not person.is_application:
        signal["asked_by"] = {"object_id": person.object_id, "name": person.name}
    if wanted.vector is not None:
        signal["stated"] = {
            "vector": wanted.vector,
            "by": person.name,
            "object_id": person.object_id,
            "at": signal["fired_at"],
        }
    try:
        accepted = await intake.accept(signal, wanted.mode, client)
    except ResponderError as problem:
        return cannot_resolve(problem)
    url = f"/api/incidents/{accepted.incident_id}"
    body = {
        "incident_id": accepted.incident_id,
        "joined": accepted.joined,
        "mode": accepted.mode,
        "status_url": url,
    }
    return answer(202, body, headers={"Location": url})
