"""Responder: how many identities were acted on within the last hour, across all incidents and instances.

Stops    an alert storm, or somebody who forges alerts, from taking the whole estate down
Leaves   one small record per incident that acts
Undo     none needed
Needs    the evidence store
Source   https://learn.microsoft.com/azure/event-grid/delivery-and-retry (every trigger is at-least-once)
"""

from contextlib import suppress
from datetime import datetime, timedelta

from responders.errors import ConflictError
from responders.evidence import EvidenceStore
from responders.model import Incident

_WITHIN = timedelta(hours=1)


def register(store: EvidenceStore, incident: Incident, now: datetime) -> int:
    """Write down that this incident acts now, and count the identities of the last hour, this one included.

    Safe to repeat: an incident is counted once, at the moment when it was first written down.
    """
    object_id = incident["principal"]["object_id"]
    record = {"incident_id": incident["incident_id"], "object_id": object_id, "at": now.isoformat()}
    seen = {object_id}
    mine = f"{object_id}-{incident['incident_id']}.json"
    known = False
    for hour in (now - _WITHIN, now):
        for path in store.list(_folder(hour)):
            known = known or path.endswith(mine)
            other = store.get_json(path)
            if datetime.fromisoformat(other["at"]) > now - _WITHIN:
                seen.add(other["object_id"])
    if not known:
        with suppress(ConflictError):  # the same incident, a moment ago in another process
            store.put_json(f"{_folder(now)}/{mine}", record)
    return len(seen)


def _folder(moment: datetime) -> str:
    return f"acts/{moment:%Y-%m-%dT%H}"
