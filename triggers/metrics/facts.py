"""What the metrics are made of: lists of the evidence store, the same for every instance and after every restart."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from playbooks.runs.catalogue import PLAYBOOKS
from responders import (
    incident_index,
    kill_switch,
    milestones,
    own_health,
    run_records,
    sign_in_totals,
    signal_records,
)
from responders.errors import NotFoundError
from responders.evidence import EvidenceStore
from responders.milestones import Failed, Reached
from responders.run_records import Ended
from responders.sign_in_totals import Totals

_POISONED = timedelta(days=30)
_SEARCHED = 50  # runs of a playbook in which the last that went well is looked for
_WELL = frozenset({"done", "nothing_to_do", "partly"})
_ended: dict[str, Ended] = {}  # how a run ended never changes
_MOST_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class Facts:
    """One look."""

    now: datetime
    incidents: Counter[tuple[str, str]]  # source, mode -> opened
    outcomes: Counter[tuple[str, str]]  # mode, outcome -> ended
    open_now: int
    reached: list[Reached]
    failed: list[Failed]
    runs: Counter[tuple[str, str]]  # playbook, status -> ended
    last_well: dict[str, float]  # playbook -> when the last run that counts was opened
    findings: dict[tuple[str, str], int]  # playbook, severity -> of the last run that counts
    lights: dict[str, str]  # part of the health check -> light
    expiring: list[dict[str, Any]]  # of the last audit: client_id, object_id, kind, ends
    waiting: int
    oldest_s: float
    poisoned: int
    acting: bool
    totals: Totals | None = field(default=None)


def read(store: EvidenceStore, replay: timedelta) -> Facts:
    """Everything. Raises where the store can't be read: no figure is better than a wrong one."""
    now = datetime.now(UTC)
    opened, closed = incident_index.all_opened(store), incident_index.all_closed(store)
    backlog = own_health.backlog(store, now, replay)
    oldest = datetime.fromisoformat(backlog.oldest_at) if backlog.oldest_at else now
    runs, last_well, findings = _runs(store)
    health, audit = (_data(store, name) for name in ("health_check", "audit_identities"))
    return Facts(
        now=now,
        incidents=Counter((one.source, one.mode) for one in opened),
        outcomes=Counter((one.mode, one.outcome) for one in closed.values()),
        open_now=sum(1 for one in opened if one.incident_id not in closed),
        reached=milestones.all_reached(store),
        failed=milestones.all_failed(store),
        runs=runs,
        last_well=last_well,
        findings=findings,
        lights=health.get("lights", {}),
        expiring=audit.get("expiring", []),
        waiting=backlog.waiting,
        oldest_s=max((now - oldest).total_seconds(), 0.0),
        poisoned=len(signal_records.poisoned(store, now, _POISONED)),
        acting=bool(kill_switch.read(store)["acting"]),
        totals=sign_in_totals.read(store),
    )


def _runs(
    store: EvidenceStore,
) -> tuple[Counter[tuple[str, str]], dict[str, float], dict[tuple[str, str], int]]:
    counted: Counter[tuple[str, str]] = Counter()
    last_well: dict[str, float] = {}
    findings: dict[tuple[str, str], int] = {}
    for playbook in PLAYBOOKS:
        searched = 0
        for run_id in run_records.names(store, playbook):
            how = _how(store, run_id)
            if how is None:
                continue
            counted[playbook, how["status"]] += 1
            if playbook in last_well or searched == _SEARCHED or how["status"] not in _WELL:
                continue
            searched += 1
            run = run_records.read(store, run_id)
            if run is not None and run["mode"] == "apply":
                last_well[playbook] = run_records.moment_of(run_id).timestamp()
                findings |= {(playbook, name): number for name, number in how["counts"].items()}
    return counted, last_well, findings


def _how(store: EvidenceStore, run_id: str) -> Ended | None:
    if run_id not in _ended:
        how = run_records.end_of(store, run_id)
        if how is None:
            return None
        if len(_ended) >= _MOST_KEPT:
            _ended.clear()
        _ended[run_id] = how
    return _ended[run_id]


def _data(store: EvidenceStore, playbook: str) -> dict[str, Any]:
    """What the last run that counts found, in the playbook's own form; of the whole tenant."""
    last = run_records.last(store, playbook, PLAYBOOKS[playbook].understood({}))
    if last is None:
        return {}
    try:
        return dict(store.get_json(last.document)["data"])
    except NotFoundError:
        return {}
