"""How a quiet-day playbook is started, whoever starts it: understood, allowed, alone where it acts, written down."""

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

import azure.durable_functions as df
import structlog
from pydantic import ValidationError

from playbooks.runs.catalogue import PLAYBOOKS
from playbooks.runs.model import Json, Run, RunMode, RunOrder, StartedBy
from responders import run_records
from responders.errors import ConflictError
from responders.evidence import EvidenceStore, digest
from responders.model import Requester
from triggers import instances, intake

_log = structlog.get_logger("firebreak.runs")
_TRIES = 20  # locks that change hands between our reading and our writing
_STARTED_WITHIN_S = 60  # whoever takes the lock starts its run at once


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants run."""

    playbook: str
    mode: RunMode
    parameters: Json
    by: Requester
    started_by: StartedBy
    reason: str
    plan_hash: str | None = None
    accepted: list[str] = field(default_factory=list)
    key: str = ""  # the same key makes the same run: of a timer's moment, of a signal


class BusyError(Exception):
    """Another run acts at this moment: two would undo each other's work."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"{run_id} acts at this moment, and one run acts at a time")
        self.run_id = run_id


class BadParametersError(Exception):
    """The playbook does not understand its parameters."""

    def __init__(self, problem: ValidationError) -> None:
        super().__init__(str(problem))
        self.problem = problem


async def start(client: df.DurableOrchestrationClient, wanted: Wanted) -> Run:
    """Start it. Safe to repeat with the same key. Raises `BusyError`, `BadParametersError`, `TransientError`."""
    playbook = PLAYBOOKS[wanted.playbook]
    try:
        parameters = playbook.understood(wanted.parameters)
    except ValidationError as problem:
        raise BadParametersError(problem) from problem
    now = datetime.now(UTC)
    run: Run = {
        "run_id": run_id(wanted, now),
        "playbook": wanted.playbook,
        "mode": wanted.mode,
        "parameters": parameters,
        "by": wanted.by,
        "started_by": wanted.started_by,
        "reason": wanted.reason,
        "opened_at": now.isoformat(timespec="milliseconds"),
        "accepted": sorted(set(wanted.accepted)),
    }
    if wanted.plan_hash is not None:
        run["plan_hash"] = wanted.plan_hash
    store = intake.store()
    # Durable would put a new one in the place of one that is over: what was delivered twice must not run twice.
    if wanted.key and await instances.is_known(client, run["run_id"]):
        return await asyncio.to_thread(_opened, store, run)
    if playbook.acts and wanted.mode == "apply":
        await _be_alone(client, store, run["run_id"])
    run = await asyncio.to_thread(_opened, store, run)
    order: RunOrder = {"run": run, "policy": intake.policy().frozen(), "facts": {}}
    await instances.start(client, wanted.playbook, run["run_id"], order)
    _log.info("run started", run_id=run["run_id"], mode=run["mode"], by=wanted.started_by)
    return run


def run_id(wanted: Wanted, now: datetime) -> str:
    """Sorts by time; the same for the same key, which then has to hold the moment as well."""
    if wanted.key:
        moment, _, _ = wanted.key.partition(" ")
        at, tail = datetime.fromisoformat(moment), digest(wanted.key.encode())[:6]
    else:
        at, tail = now, secrets.token_hex(3)
    return f"run-{wanted.playbook}-{at.astimezone(UTC):%Y%m%dT%H%M%S}-{tail}"


def _opened(store: EvidenceStore, run: Run) -> Run:
    """On the list; where the same run was opened before, as it was opened then."""
    try:
        run_records.opened(store, run)
    except ConflictError:
        known: Run = store.get_json(run_records.opened_path(run["run_id"]))
        return known
    return run


async def _be_alone(
    client: df.DurableOrchestrationClient, store: EvidenceStore, run_id: str
) -> None:
    """Take the lock, also from a run that is over and could not give it back."""
    for _ in range(_TRIES):
        other = await asyncio.to_thread(run_records.lock, store, run_id)
        if other is None:
            return
        # One that was just locked may not have been started yet: it has the benefit of the doubt for a while.
        if await instances.is_open(client, other) or _is_fresh(other):
            raise BusyError(other)
        await asyncio.to_thread(run_records.take_over, store, other, run_id)
    raise BusyError("another run")


def _is_fresh(run_id: str) -> bool:
    found = run_records.RUN_ID.fullmatch(run_id)
    if found is None:
        return False
    began = datetime.strptime(found["time"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return (datetime.now(UTC) - began).total_seconds() < _STARTED_WITHIN_S
