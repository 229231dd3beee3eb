"""The sign-ins of the new identity, kept by itself beside those of the old one: `successor/<sweep>.json`."""

import asyncio
from datetime import UTC, datetime, timedelta

from playbooks.journaled import Work
from playbooks.orders import Json, Order, folder
from playbooks.steps import sweeps
from playbooks.tracing.successions import judge
from responders import log_sweeps
from responders.errors import TransientError
from responders.evidence import EvidenceStore
from responders.log_sweeps import Scope
from responders.model import Incident, Principal

_TABLES = ("AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs")
_EARLIER = timedelta(
    hours=1
)  # our clock and the service's need not agree, and the row has its own time


async def collect(work: Work, order: Order) -> Json:
    """Ask for the new identity's sign-ins since it was made, and say what is to be seen. Nothing waits for it."""
    facts = order["facts"]
    principal, since = _successor(order), str(facts["made"])
    now = datetime.now(UTC)  # noqa: TID251 - an activity: it runs once, it is not replayed
    start, end = datetime.fromisoformat(since), datetime.fromisoformat(str(facts["now"]))
    scope = Scope(principal, start - _EARLIER, max(now, end))
    found = await log_sweeps.sweep(work.cloud, scope, _TABLES)
    if busy := [one for one in found.values() if isinstance(one, TransientError)]:
        raise busy[0]
    read = {name: one for name, one in found.items() if not isinstance(one, TransientError)}
    rows = [row for one in read.values() for row in one["rows"]]
    path = f"{folder(order['incident'])}/successor/{facts['sweep']}.json"
    old = await asyncio.to_thread(_kept, work.store, path, dict(read), order["incident"])
    seen = judge(rows, old, since)
    gaps = [gap for one in read.values() if not one.get("collected", True) for gap in one["gaps"]]
    return {
        "status": "done",
        "detail": "; ".join([seen["said"], *gaps]),
        "strange": seen["strange"],
    }


def _kept(store: EvidenceStore, path: str, read: Json, incident: Incident) -> list[Json]:
    """Keep what came, and return the old identity's rows of all sweeps."""
    if not store.exists(path):
        store.put_json(path, read)
    rows = sweeps.rows_of(store, incident)
    return [row for name in _TABLES for row in rows.get(name, [])]


def _successor(order: Order) -> Principal:
    """The new identity as the queries want one."""
    old, new = order["incident"]["principal"], order["identity"]
    return {
        **old,
        "object_id": new["object_id"],
        "app_id": new["app_id"],
        "application_object_id": new["application_object_id"],
        "resource_id": new["resource_id"],
        "display_name": new["display_name"],
    }
