"""The findings of a sweep: `footprint.json` after the first one, `footprint-<sweep>.json` after later ones."""

import asyncio
from datetime import datetime
from typing import Any

from playbooks import footprint
from playbooks.footprint import Footprint, Known
from playbooks.journaled import Work
from playbooks.orders import Json, Order, folder
from playbooks.steps import sweeps
from responders.errors import ResponderError
from responders.evidence import EvidenceStore
from responders.model import Incident


async def trace(work: Work, order: Order) -> Json:
    """Trace all sweeps so far. `facts.contained` says since when nothing should have worked any more."""
    ours = await _ours(work)
    path, found = await asyncio.to_thread(_traced, work.store, order, ours)
    chains, suspects = len(found["chains"]), len(found["suspects"])
    return {
        "status": "done",
        "detail": f"{path}: {chains} tokens traced, {suspects} suspects, "
        f"{len(found['after_containment'])} acts after containment",
        "after_containment": found["after_containment"][:20],  # the rest is in the file
    }


def _traced(store: EvidenceStore, order: Order, ours: frozenset[str]) -> tuple[str, Footprint]:
    incident, facts = order["incident"], order.get("facts", {})
    base, sweep = folder(incident), str(facts.get("sweep", sweeps.FIRST))
    path = f"{base}/footprint.json" if sweep == sweeps.FIRST else f"{base}/footprint-{sweep}.json"
    if not store.exists(path):
        contained = facts.get("contained")
        known = Known(
            incident["principal"],
            snapshot=_optional(store, f"{base}/snapshot.json"),
            contained_at=datetime.fromisoformat(contained) if contained else None,
            usernames=sweeps.usernames_of(store, incident),
            ours=ours,
            mark=f"firebreak/{incident['incident_id']}",
        )
        store.put_json(path, footprint.trace(sweeps.rows_of(store, incident), known))
    found: Footprint = store.get_json(path)
    return path, found


def newest(store: EvidenceStore, incident: Incident) -> Json:
    """The footprint of the latest sweep: each one knows all that the earlier ones knew. Empty before the first."""
    found = [one for one in store.list(folder(incident)) if "/footprint" in one]
    return dict(store.get_json(max(found, key=_by_sweep))) if found else {}


def _by_sweep(path: str) -> tuple[int, str]:
    """`footprint.json` before `footprint-sweep-2.json` before `footprint-sweep-3.json`."""
    return len(path), path


async def _ours(work: Work) -> frozenset[str]:
    """Our own object ids. Not knowing it adds Firebreak to the suspects, which is no reason to have no findings."""
    try:
        return await work.cloud.own_object_ids()
    except ResponderError:
        return frozenset()


def _optional(store: EvidenceStore, path: str) -> Any:
    return store.get_json(path) if store.exists(path) else None
