"""How old what the principal has is, by the logs of the first sweep, and what its roles allow, by their definitions."""

import asyncio
from datetime import datetime

from playbooks.journaled import Work
from playbooks.known import Known
from playbooks.orders import folder
from playbooks.steps import sweeps
from playbooks.tracing.gifts import Gifts, given
from responders import role_definitions
from responders.evidence import EvidenceStore
from responders.model import MANAGED, Incident
from responders.snapshots import Snapshot

# Any one of them suffices: both tell of every write in Resource Manager.
_RESOURCE_MANAGER = ("activity_log", "AzureActivity")
_DIRECTORY = ("AuditLogs",)


async def known(work: Work, incident: Incident) -> Known:
    """What a plan needs beside the snapshot and the clusters' answers."""
    path = f"{folder(incident)}/snapshot.json"
    snapshot: Snapshot = await asyncio.to_thread(work.store.get_json, path)
    ids = [one["role_definition_id"] for one in snapshot["grants"]]
    gifts = await asyncio.to_thread(_gifts, work.store, incident, snapshot)
    return Known(gifts, role_definitions.powers(await role_definitions.read(work.cloud, ids)))


def _gifts(store: EvidenceStore, incident: Incident, snapshot: Snapshot) -> Gifts:
    """What was given inside the window, and whether the log that would say so was read for all of it."""
    principal, start = incident["principal"], incident["window_start"]
    sources = _RESOURCE_MANAGER if principal["kind"] in MANAGED else _DIRECTORY
    covered = any(_is_covered(store, incident, one) for one in sources)
    return given(
        sweeps.rows_of(store, incident), principal, start, snapshot["taken_at"], known=covered
    )


def _is_covered(store: EvidenceStore, incident: Incident, source: str) -> bool:
    """Read without a gap, from the window's start on: the evidence window may be shorter."""
    if source not in sweeps.complete_of(store, incident):
        return False
    asked = store.get_json(sweeps.path_of(incident, sweeps.FIRST, source))["start"]
    return datetime.fromisoformat(asked) <= datetime.fromisoformat(incident["window_start"])
