"""A responder opens an incident, from a page or a call: about one identity, by an immutable id.

The call goes through the same door as every alert: it is kept before anything is done about it, and what can't be done
now is done as soon as it can be. The difference is that a person waits for the answer, and is told which of it is true.
"""

from datetime import UTC, datetime
from typing import Annotated

import azure.durable_functions as df
import azure.functions as func
from pydantic import Field

from responders import signal_records
from responders.errors import ResponderError
from responders.evidence import canonical, digest
from responders.model import Mode, Signal, Vector
from triggers import receiving
from triggers.answers import AGAIN, answer
from triggers.hint_bodies import HintBody
from triggers.people import Person
from triggers.received import Received
from triggers.receiving import Later
from triggers.refusals import cannot_resolve, resolves_to_nobody
from triggers.signal_answers import shown


class NewIncident(HintBody):
    """What a responder sends. Exactly one id; names are never looked up."""

    mode: Mode
    vector: Vector | None = Field(
        default=None, description="How the attacker got in, where you know."
    )
    reason: Annotated[str, Field(min_length=3, max_length=500)]


async def start(
    client: df.DurableOrchestrationClient,
    person: Person,
    key: str,
    wanted: NewIncident,
    later: Later,
) -> func.HttpResponse:
    """202 with the incident that was opened or joined, or with where to look for it: then the call waits in the queue.

    The same person's same key and body is the same incident.
    """
    signal = _signal(person, key, wanted)
    try:
        received = await receiving.receive(signal, client, later)
    except ResponderError as problem:
        return cannot_resolve(problem, signal_records.url(signal))
    if received.status == "refused":
        return resolves_to_nobody(received)
    if received.incident_id is None:
        return _waits(signal, received, wanted.mode)
    url = f"/api/incidents/{received.incident_id}"
    return answer(202, {**shown(received), "status_url": url}, headers={"Location": url})


def _signal(person: Person, key: str, wanted: NewIncident) -> Signal:
    # With what was asked for in its id: a key that was refused may come again with another body, and means that then.
    body = digest(canonical(wanted.model_dump()))[:16]
    signal: Signal = {
        "source": "responder",
        "kind": "call",
        "signal_id": f"{person.object_id}/{key}/{body}",
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
    return signal


def _waits(signal: Signal, received: Received, mode: Mode) -> func.HttpResponse:
    """Kept, and not begun: which incident it becomes is known when it is handled."""
    url = signal_records.url(signal)
    body = {**shown(received), "mode": mode, "status_url": url}
    return answer(202, body, headers={"Location": url, "Retry-After": AGAIN})
