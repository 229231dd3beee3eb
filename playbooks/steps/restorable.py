"""The plan of a restore as the world is now: read, compared, drawn. What it is drawn from lies in the evidence."""

import asyncio
from typing import Any, cast

from playbooks import plan_files
from playbooks.footprint import Footprint
from playbooks.orders import Order, folder
from playbooks.restoring import plans
from playbooks.restoring.comparing import Compared, Findings
from playbooks.restoring.model import Requested, RestorePlan
from playbooks.steps import cluster_undos, findings, sweeps
from playbooks.tracing import gifts
from responders import presences
from responders.cloud import Cloud
from responders.errors import NotFoundError, RefusedError
from responders.evidence import EvidenceStore
from responders.model import Incident, Json
from responders.snapshots import Snapshot

_AUDIT = "AuditLogs"


def requested(order: Order) -> Requested:
    """The person's order that this run carries out."""
    return cast(Requested, order["facts"]["requested"])


def folder_of(order: Order) -> str:
    """Where this restore's evidence lies."""
    return f"{folder(order['incident'])}/restore/{requested(order)['restore_id']}"


def agreed(store: EvidenceStore, order: Order) -> RestorePlan:
    """The plan that was ordered, as the first step found it unchanged."""
    plan: RestorePlan = store.get_json(f"{folder_of(order)}/plan.json")
    return plan


def ordered(store: EvidenceStore, order: Order) -> RestorePlan | None:
    """The plan as the person read it, kept under its hash when it was shown; None for a hash that never was."""
    path = shown_path(order["incident"], requested(order)["plan_hash"])
    plan: RestorePlan | None = store.get_json(path) if store.exists(path) else None
    return plan


def shown_path(incident: Incident, plan_hash: str) -> str:
    """Where a plan lies that somebody was shown."""
    return f"{folder(incident)}/restore/plan-{plan_hash[:16]}.json"


async def look(cloud: Cloud, store: EvidenceStore, incident: Incident) -> Compared:
    """The identity before and now. Raises `RefusedError` where there is no snapshot to go by."""
    before, found = await asyncio.to_thread(_known, store, incident)
    return Compared(incident, before, await presences.look(cloud, incident, before), found)


async def draw(cloud: Cloud, store: EvidenceStore, incident: Incident) -> RestorePlan:
    """The plan, as everything stands at this moment."""
    world, undone = await asyncio.gather(
        look(cloud, store, incident), cluster_undos.undone(cloud, store, incident)
    )
    successor = await asyncio.to_thread(cluster_undos.successor_in, store, incident)
    for part in undone:  # their ServiceAccounts name the client id again before a trust comes back
        account = world.standing["accounts"].get(str(part["cluster"].get("issuer_url")))
        if part["verdict"] == "restore" and account and account["subjects"] is not None:
            account["subjects"] = sorted({*account["subjects"], *part["subjects"]})
    return plans.draw(world, undone, successor or None)


def _known(store: EvidenceStore, incident: Incident) -> tuple[Snapshot, Findings]:
    base = folder(incident)
    try:
        before: Snapshot = store.get_json(f"{base}/snapshot.json")
    except NotFoundError as gone:
        raise RefusedError(
            "there is no snapshot of this incident: nothing was taken away, or nothing is known to be"
        ) from gone
    rows = sweeps.rows_of(store, incident)
    given = gifts.given(
        rows,
        incident["principal"],
        incident["window_start"],
        before["taken_at"],
        known=_audit_is_whole(store, incident),
    )
    traced = findings.newest(store, incident)
    return before, Findings(
        footprint=cast(Footprint, traced) if traced else None,
        plan=_optional(store, plan_files.plan_path(incident, plan_files.in_force(store, incident))),
        gifts=given,
        confirmed=_has_confirmed(store, base),
    )


def _audit_is_whole(store: EvidenceStore, incident: Incident) -> bool:
    """Whether the first sweep has every row of the audit log: only then does "none" mean none."""
    path = sweeps.path_of(incident, sweeps.FIRST, _AUDIT)
    if not store.exists(path):
        return False
    about = store.get_json(path)
    return about.get("rows") is not None and bool(about.get("complete", True))


def _has_confirmed(store: EvidenceStore, base: str) -> bool:
    kept = [one for one in store.list(f"{base}/levers") if "/confirm_compromised-" in one]
    return any(_changed_risk(store.get_json(one)) for one in kept)


def _changed_risk(answer: Json) -> bool:
    return any(one.get("after") == "confirmedCompromised" for one in answer.get("changes", []))


def _optional(store: EvidenceStore, path: str) -> Any:
    return store.get_json(path) if store.exists(path) else None
