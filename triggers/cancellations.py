"""A person ends an incident, from a page or a call: in order, whatever it is doing."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import BaseModel, ConfigDict, Field

from playbooks.orders import CANCEL, cancelled_path
from responders.errors import ConflictError
from responders.evidence import EvidenceStore
from responders.model import Json
from triggers import instances, intake, status
from triggers.answers import answer, error
from triggers.people import Person
from triggers.refusals import unknown

_log = structlog.get_logger("firebreak.responder_api")


class Cancellation(BaseModel):
    """Why an incident is to end."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=3, max_length=500)]


async def cancel(
    client: df.DurableOrchestrationClient,
    incident_id: str,
    person: Person,
    wanted: Cancellation,
) -> func.HttpResponse:
    """202 when the word was handed over; 409 where the incident is over. Whoever says it again changes nothing."""
    if not status.is_incident_id(incident_id):
        return unknown(incident_id)
    durable = await instances.status(client, incident_id)
    if durable is None:
        return unknown(incident_id)
    phase = status.phase_of(durable)
    if durable.runtime_status.name in instances.OVER:
        return _over(incident_id, phase)
    call: Json = {
        "by": {"object_id": person.object_id, "name": person.name},
        "reason": wanted.reason,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "phase": phase,
    }
    # The event before the file: parts of the incident that read the file stop, and somebody has to know why.
    if not await instances.tell(client, incident_id, CANCEL, call):
        return _over(incident_id, phase)
    await asyncio.to_thread(_keep, intake.store(), incident_id, call)
    _log.info("cancel", incident_id=incident_id, by=person.object_id, phase=phase)
    return answer(202, {"incident_id": incident_id, "cancelling": True, "phase": phase})


def _over(incident_id: str, phase: str) -> func.HttpResponse:
    reason = f"{incident_id} is over (it was {phase}): there is nothing to end"
    return error(409, "Over", reason, f"GET /api/incidents/{incident_id}", more={"phase": phase})


def _keep(store: EvidenceStore, incident_id: str, call: Json) -> None:
    """Seen by every part of the incident before its next step. The first word stands."""
    path = cancelled_path(incident_id)
    try:
        if not store.exists(path):
            store.put_json(path, call)
    except ConflictError:
        _log.info("cancelled by somebody else in this moment", incident_id=incident_id)
