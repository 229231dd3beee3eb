"""Responder: which runs of quiet-day playbooks there are, how each ended, which one counts, and which one acts now.

Stops    a second acting run beside the first
Leaves   two small files per run: one when it is opened, one when it has ended; a pointer per playbook
Undo     none needed
Needs    the evidence store
Source   https://learn.microsoft.com/rest/api/storageservices/list-blobs (names in order, 5,000 a call)

A run's id begins with its playbook and its time, so names sort by time and a list opens no run.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypedDict

from responders.errors import ConflictError, NotFoundError
from responders.evidence import EvidenceRef, EvidenceStore, canonical, digest

RUN_ID = re.compile(r"run-(?P<playbook>[a-z_]{3,40})-(?P<time>[0-9]{8}T[0-9]{6})-[0-9a-f]{6}")
_OPENED, _ENDED = "run-index/opened", "run-index/ended"
_LOCK = "claims/acting-run.json"


class Ended(TypedDict):
    """How a run ended, as far as a list shows it."""

    run_id: str
    status: str
    summary: str
    ended_at: str
    counts: dict[str, int]
    new: int  # findings that the run before had not
    gone: int
    document: str  # path
    plan_hash: str | None
    confirmations: list[str]  # keys


class Counted(NamedTuple):
    """The last run that counts for a playbook and its parameters: what the next one is compared with."""

    run_id: str
    document: str  # path


def playbook_of(run_id: str) -> str | None:
    """The playbook of a run; None for what is no run id."""
    found = RUN_ID.fullmatch(run_id)
    return None if found is None else found["playbook"]


def moment_of(run_id: str) -> datetime:
    """When a run was opened, as its id says it."""
    time = _time(run_id).partition("-")[0]
    return datetime.strptime(time, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def opened(store: EvidenceStore, run: Any) -> None:
    """Put a run on the list. Safe to repeat."""
    store.put_json(opened_path(run["run_id"]), run)


def opened_path(run_id: str) -> str:
    """Where a run lies as it was opened."""
    return f"{_OPENED}/{playbook_of(run_id)}/{run_id}.json"


def names(store: EvidenceStore, playbook: str | None) -> list[str]:
    """Ids of all runs, of one playbook or of all, the newest first."""
    folder = _OPENED if playbook is None else f"{_OPENED}/{playbook}"
    found = [path.rpartition("/")[2].removesuffix(".json") for path in store.list(folder)]
    return sorted((one for one in found if RUN_ID.fullmatch(one)), key=_time, reverse=True)


def read(store: EvidenceStore, run_id: str) -> Any | None:
    """The run as it was opened; None where there is none of this id."""
    if playbook_of(run_id) is None:
        return None
    try:
        return store.get_json(opened_path(run_id))
    except NotFoundError:
        return None


def ended(store: EvidenceStore, how: Ended) -> None:
    """Note how a run ended. Safe to repeat: what was noted first stands."""
    path = f"{_ENDED}/{playbook_of(how['run_id'])}/{how['run_id']}.json"
    try:
        store.put_json(path, how)
    except ConflictError:
        return  # an earlier attempt of the same step said it, with another clock


def end_of(store: EvidenceStore, run_id: str) -> Ended | None:
    """How it ended; None while it has not."""
    try:
        how: Ended = store.get_json(f"{_ENDED}/{playbook_of(run_id)}/{run_id}.json")
    except NotFoundError:
        return None
    return how


def sealed(store: EvidenceStore, run_id: str, manifest: EvidenceRef) -> None:
    """Note the hash of a run's manifest, apart from the run itself. Safe to repeat."""
    store.put_json(_seal_of(run_id), manifest)


def seal_of(store: EvidenceStore, run_id: str) -> EvidenceRef | None:
    """The manifest of a run; None while it has none."""
    try:
        manifest: EvidenceRef = store.get_json(_seal_of(run_id))
    except NotFoundError:
        return None
    return manifest


def _seal_of(run_id: str) -> str:
    return f"run-index/sealed/{playbook_of(run_id)}/{run_id}.json"


def last(store: EvidenceStore, playbook: str, parameters: Any) -> Counted | None:
    """What the next run is compared with."""
    content = store.claimed(_pointer(playbook, parameters))
    return None if content is None else Counted(**json.loads(content))


def count(store: EvidenceStore, playbook: str, parameters: Any, now: Counted) -> None:
    """From now on this run is what the next one is compared with. An older run never takes the place of a newer one."""
    path, content = _pointer(playbook, parameters), canonical(now._asdict())
    held = store.claim(path, content)
    while held is not None and _time(json.loads(held)["run_id"]) < _time(now.run_id):
        if store.replace_claim(path, held, content):
            return
        held = store.claimed(path)


def planned(store: EvidenceStore, plan_hash: str, run: Any) -> None:
    """Keep who asked for a plan. Safe to repeat."""
    who = {"run_id": run["run_id"], "playbook": run["playbook"], "by": run["by"]}
    store.put_json(f"run-plans/{plan_hash}/{run['run_id']}.json", who)


def planners(store: EvidenceStore, playbook: str, plan_hash: str) -> list[str]:
    """Object ids of those who asked for this plan of this playbook; "" for a schedule or a signal. None: nobody did."""
    found = [store.get_json(path) for path in store.list(f"run-plans/{plan_hash}")]
    return [str(one["by"]["object_id"]) for one in found if one["playbook"] == playbook]


def lock(store: EvidenceStore, run_id: str) -> str | None:
    """Be the one run that acts. None where it is so now, else the run that acts."""
    held = store.claim(_LOCK, canonical({"run_id": run_id}))
    other: str | None = None if held is None else json.loads(held)["run_id"]
    return None if other == run_id else other


def take_over(store: EvidenceStore, dead: str, run_id: str) -> bool:
    """Take the place of a run that is over. False: somebody else was faster."""
    return store.replace_claim(_LOCK, canonical({"run_id": dead}), canonical({"run_id": run_id}))


def unlock(store: EvidenceStore, run_id: str) -> None:
    """Let another run act; safe to repeat."""
    store.release_claim(_LOCK, canonical({"run_id": run_id}))


def _pointer(playbook: str, parameters: Any) -> str:
    return f"claims/run-baselines/{playbook}/{digest(canonical(parameters))[:16]}.json"


def _time(run_id: str) -> str:
    """What runs sort by: the time, then the rest of the id."""
    return run_id.split("-", 2)[2]
