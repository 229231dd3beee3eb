"""The root of an incident's trace, written by the step that ends it: from the first receipt of its signal until now."""

from collections.abc import Mapping
from datetime import UTC, datetime

from responders import signal_records, tracing
from responders.errors import ResponderError
from responders.evidence import EvidenceStore
from responders.model import Incident

_MILESTONES = ("disabled", "contained", "recovered")
_BAD = frozenset({"failed", "refused", "not_contained"})


def close(store: EvidenceStore, incident: Incident, outcome: str, clock: Mapping[str, str]) -> None:
    """Write the root. A step that runs again after a crash writes it again, with the same id and a later end."""
    if not tracing.is_on():
        return
    opened = datetime.fromisoformat(incident["opened_at"])
    principal, signal = incident["principal"], incident["signal"]
    said: dict[str, str | float] = {
        "firebreak.incident_id": incident["incident_id"],
        "firebreak.mode": incident["mode"],
        "firebreak.outcome": outcome,
        "firebreak.source": signal["source"],
        "firebreak.kind": signal["kind"][:100],
        "firebreak.fired_at": signal["fired_at"],
        "firebreak.opened_at": incident["opened_at"],
        "firebreak.target_kind": principal["kind"],
        "firebreak.target": principal["object_id"],
    }
    for milestone in _MILESTONES:
        if at := clock.get(milestone):
            seconds = (datetime.fromisoformat(at) - opened).total_seconds()
            said[f"firebreak.seconds_to_{milestone}"] = max(seconds, 0.0)
    tracing.write_root(
        "incident",
        incident["incident_id"],
        (_began(store, incident, opened), datetime.now(UTC)),
        said,
        bad=outcome if outcome in _BAD else "",
    )


def _began(store: EvidenceStore, incident: Incident, opened: datetime) -> datetime:
    """When its signal came in. A trace that begins a moment late is no reason to fail the end of an incident."""
    signal = incident["signal"]
    try:
        record = signal_records.find(store, signal["source"], signal_records.key(signal))
    except ResponderError:
        return opened
    return opened if record is None else min(opened, datetime.fromisoformat(record["received_at"]))
