"""Responder: which identities were restored, and until when what is reported of them is old news.

Stops    nothing
Leaves   one small record per restore that ended
Undo     none needed
Needs    the evidence store
Source   https://learn.microsoft.com/azure/event-grid/delivery-and-retry (every trigger is at-least-once, and late)
"""

from datetime import datetime

from responders.evidence import EvidenceStore
from responders.model import Json


def record(store: EvidenceStore, object_id: str, incident_id: str, restored: Json) -> None:
    """Write down that a restore of this principal ended. Safe to repeat."""
    path = f"{_folder(object_id)}/{incident_id}-{restored['restore_id']}.json"
    if not store.exists(path):
        store.put_json(path, {"incident_id": incident_id, "ended_at": restored["ended_at"]})


def covering(store: EvidenceStore, object_id: str, fired_at: str) -> str | None:
    """The incident whose restore ended after this moment: what fired before is about what was restored since."""
    fired = datetime.fromisoformat(fired_at)
    records = [store.get_json(path) for path in store.list(_folder(object_id))]
    later = [one for one in records if datetime.fromisoformat(one["ended_at"]) >= fired]
    if not later:
        return None
    latest = max(later, key=lambda one: datetime.fromisoformat(one["ended_at"]))
    return str(latest["incident_id"])


def _folder(object_id: str) -> str:
    return f"restored/{object_id.lower()}"
