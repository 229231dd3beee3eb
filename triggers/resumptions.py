"""Which calls to resume were heard: one that is sent twice, as networks do, has a recovery go on once."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from responders.evidence import EvidenceStore, digest
from triggers.people import Person


class Resumption(BaseModel):
    """Why a recovery that is half done goes on."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=3, max_length=500)]


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
