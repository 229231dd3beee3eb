"""Which calls to resume were heard: one that is sent twice, as networks do, has a recovery go on once."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import BaseModel, ConfigDict, Field

from responders.evidence import EvidenceStore, digest
from triggers import instances, intake, status
from triggers.answers import answer, error
from triggers.people import Person
from triggers.refusals import unknown

_log = structlog.get_logger("firebreak.responder_api")


class Resumption(BaseModel):
    """Why a recovery that is half done goes on."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=3, max_length=500)]
    owners_go_on: bool = False  # Git holds the patches: GitOps controllers that wait may go on


async def resume(
    client: df.DurableOrchestrationClient,
    incident_id: str,
    person: Person,
    key: str,
    wanted: Resumption,
) -> func.HttpResponse:
    """202 when the call was handed over, of a page or the API; 409 where nothing is left to do, or it is being done."""
    shown = await status.of(client, incident_id)
    if shown is None:
        return unknown(incident_id)
    call = {
        "by": {"object_id": person.object_id, "name": person.name},
        "reason": wanted.reason,
        "owners_go_on": wanted.owners_go_on,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if await asyncio.to_thread(was_heard, intake.store(), incident_id, person, key):
        return answer(202, {"incident_id": incident_id, "resumed": False})
    if not shown["resumable"]:
        reason = f"{incident_id} is {shown['phase']}: there is nothing to resume now"
        return error(409, "NotResumable", reason, f"GET /api/incidents/{incident_id}")
    # Raised before it is noted: a call that is lost in between is heard when it is sent again, and its event, which is
    # named after this very wait, is heard once.
    if not await instances.tell(client, incident_id, shown["resume"]["event"], call):
        reason = f"{incident_id} ended in this moment"
        return error(409, "NotResumable", reason, f"GET /api/incidents/{incident_id}")
    await asyncio.to_thread(note, intake.store(), incident_id, person, key)
    _log.info("resume", incident_id=incident_id, by=person.object_id)
    return answer(202, {"incident_id": incident_id, "resumed": True})


def was_heard(store: EvidenceStore, incident_id: str, person: Person, key: str) -> bool:
    """Whether this person sent this key before."""
    return store.exists(_path(incident_id, person, key))


def note(store: EvidenceStore, incident_id: str, person: Person, key: str) -> None:
    """Remember the key. The key itself is the caller's: only its digest is kept."""
    path = _path(incident_id, person, key)
    if not store.exists(path):
        store.put_json(path, {"by": person.object_id})


def _path(incident_id: str, person: Person, key: str) -> str:
    return f"incidents/{incident_id}/resumes/key-{digest(f'{person.object_id}/{key}'.encode())[:16]}.json"
