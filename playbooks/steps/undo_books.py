"""The undo book of an incident, out of its evidence: at report time, and whenever somebody asks."""

import re

from playbooks import plan_files
from playbooks.changes import counts
from playbooks.orders import Json, folder
from playbooks.undoing import book
from playbooks.undoing.known import Known, UndoEntry
from responders.evidence import EvidenceStore
from responders.journal import Journal
from responders.model import Incident

_PARTS = ("levers", "rebuild", "recovery", "restore")
_IN_CLUSTER = re.compile(r"(?P<step>[a-z_]+)-(?P<cluster>.+)-[0-9a-f]{8}-[0-9]+\.json")
_WHOLE = re.compile(r"(?P<step>[a-z_]+)-[0-9]+\.json")


def read(store: EvidenceStore, incident: Incident) -> list[UndoEntry]:
    """Every mutating step, the latest first. Nothing for an incident that only planned."""
    if incident["mode"] == "plan":
        return []
    base = folder(incident)
    kept = _kept(store, incident)
    consent = plan_files.consent_of(store, incident)
    made = [one["identity"] for one in kept.get("create_identity", []) if "identity" in one]
    known = Known(
        incident=incident,
        steps=Journal(store, incident["incident_id"]).steps(),
        kept=kept,
        snapshot=_optional(store, f"{base}/snapshot.json"),  # type: ignore[arg-type]
        plan=_optional(store, plan_files.plan_path(incident, plan_files.in_force(store, incident))),  # type: ignore[arg-type]
        consented=consent.get("decision") == "grant",
        successor=made[-1] if made else None,
    )
    return book.entries(known)


def _kept(store: EvidenceStore, incident: Incident) -> dict[str, list[Json]]:
    """Step -> its answers of every run; those of one cluster say which."""
    found: dict[str, list[Json]] = {}
    for part in _PARTS:
        for path in store.list(f"{folder(incident)}/{part}"):
            name = path.rpartition("/")[2]
            match = _WHOLE.fullmatch(name) or _IN_CLUSTER.fullmatch(name)
            if match is not None:
                about = match.groupdict()
                target = {"target": about["cluster"]} if "cluster" in about else {}
                answer = store.get_json(path)
                if counts(incident, answer):
                    found.setdefault(about["step"], []).append({**answer, **target})
    return found


def _optional(store: EvidenceStore, path: str) -> Json | None:
    return dict(store.get_json(path)) if store.exists(path) else None
