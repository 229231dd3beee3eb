"""How every step is carried out: intent written before, outcome after, failures turned into data.

This is the one module of `playbooks/` that logs: it runs inside activities, which are not replayed.
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog  # noqa: TID251 - see above

from playbooks import mandates, stopping
from playbooks.hands import Hand, hand_of
from playbooks.orders import Json, Order, folder
from responders import tracing
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, ResponderError, TransientError
from responders.evidence import EvidenceStore, open_evidence
from responders.journal import Journal
from responders.read_only import read_only
from responders.settings import Settings

STEP_LIMIT_S = (
    240  # the Functions host kills an activity at functionTimeout, 10 min; we say why first
)
_BAD = frozenset({"refused", "failed"})
_SHOWN = 1_000  # characters of a detail: journal and status stay small
_log = structlog.get_logger("firebreak.steps")


@dataclass(frozen=True, slots=True)
class Work:
    """What a step works with. `run` is 2 or more after a retry or a crash: something may be done."""

    cloud: Cloud
    store: EvidenceStore
    run: int


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where a step's whole answer is kept as evidence; Durable's history gets the sentence alone."""

    name: str  # below the incident's folder; the run's number is added
    if_open: Json = field(default_factory=dict)  # goes with an answer that leaves work to a person


def open_store() -> EvidenceStore:
    """The evidence store that the settings name."""
    return open_evidence(Settings.from_environ())


async def perform(
    step: str,
    order: Order,
    act: Callable[[Work], Awaitable[Any]],
    *,
    target: str | None = None,
    acts: bool = False,
    keeping: Keeping | None = None,
) -> Json:
    """Carry out one step and write down how it ended.

    Returns what `act` returns. A refusal becomes {"status": "refused"}, what time can fix {"status": "failed",
    "retry": true}, anything else {"status": "failed"}: a playbook decides, siblings go on. A step that
    `acts` asks the kill switch first, as it stands at this moment. Once a person has ended the incident, only what
    closes it is carried out. A step of the rebuild hand is not carried out where no consent lies in the evidence.
    """
    incident = order["incident"]
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        incident_id=incident["incident_id"], step=step, mode=incident["mode"]
    )
    store = open_store()
    job = Job(
        step,
        target or incident["principal"]["object_id"],
        Journal(store, incident["incident_id"]),
        store,
        acts=acts,
        writes=incident["mode"] != "plan",
        hand=hand_of(step),
        about=incident["incident_id"],
        says={
            "firebreak.incident_id": incident["incident_id"],
            "firebreak.target_kind": "cluster"
            if "cluster" in order
            else incident["principal"]["kind"],
            "firebreak.mode": incident["mode"],
        },
    )
    kept = None if keeping is None else partial(_kept, store, order, keeping)
    return await carry_out(job, act, _why_not(job, order), kept)


async def _why_not(job: "Job", order: Order) -> Json | None:
    """Containment, whose seconds count, is not asked for anybody's consent."""
    questions = [stopping.why(job.store, job.step, order, acts=job.acts)]
    if job.hand == "rebuild":
        questions.append(mandates.why_not(job.store, order))
    return await stopping.first_of(questions)


@dataclass(frozen=True, slots=True)
class Job:
    """A step about to be carried out, and where that is written down."""

    step: str
    target: str
    journal: Journal
    store: EvidenceStore
    acts: bool
    writes: bool  # False: the transport refuses everything but reads
    hand: Hand  # which of the app's identities it acts as
    about: str  # the incident or run whose trace it is part of
    says: tracing.Attributes  # what its span says of it


async def carry_out(
    job: Job,
    act: Callable[[Work], Awaitable[Any]],
    why_not: Coroutine[Any, Any, Json | None],
    kept: Callable[[int, Json], Json] | None = None,
) -> Json:
    """Intent, effect, outcome. `why_not` answers why it is not to be carried out, `kept` keeps the whole answer."""
    known = {**job.says, "firebreak.step": job.step, "firebreak.target": job.target}
    with tracing.span(f"step {job.step}", job.about, {**known, "firebreak.hand": job.hand}) as span:
        run, result = await _carried_out(job, act, why_not, kept)
        status = str(result.get("status", "done"))
        ended: tracing.Attributes = {"firebreak.attempt": run, "firebreak.outcome": status}
        span.says(ended, bad=status in _BAD, why=str(result.get("detail", "")))
    await tracing.handed_over()
    return result


async def _carried_out(
    job: Job,
    act: Callable[[Work], Awaitable[Any]],
    why_not: Coroutine[Any, Any, Json | None],
    kept: Callable[[int, Json], Json] | None,
) -> tuple[int, Json]:
    """The same, within its span. Returns how often it has been begun, too."""
    # Side by side: each of them is a call to the store, and the first lever is what everybody waits for.
    run, stopped = await asyncio.gather(
        asyncio.to_thread(job.journal.intent, job.step, job.target, job.hand), why_not
    )
    _log.info("intent", target=job.target, run=run, hand=job.hand)
    started = time.monotonic()
    with nullcontext() if job.writes else read_only():
        if stopped is not None:
            result: Json = stopped
        elif job.acts and job.writes:
            result = await _haltable(job, act, run)
        else:
            result = await _outcome(job, act, run)
    if kept is not None:
        result = await asyncio.to_thread(kept, run, result)
    spent = round((time.monotonic() - started) * 1000)
    status, detail = str(result.get("status", "done")), str(result.get("detail", ""))[:_SHOWN]
    await asyncio.to_thread(
        lambda: job.journal.outcome(
            job.step, job.target, run=run, status=status, detail=detail, duration_ms=spent
        )
    )
    _log.info(
        "outcome", target=job.target, run=run, status=status, detail=detail, duration_ms=spent
    )
    return run, result


async def _haltable(job: Job, act: Callable[[Work], Awaitable[Any]], run: int) -> Json:
    """An acting step, which writes nothing more within seconds of somebody's pulling the kill switch."""
    async with stopping.watched(job.store):
        return await _outcome(job, act, run)


def _kept(store: EvidenceStore, order: Order, keeping: Keeping, run: int, result: Json) -> Json:
    """Keep the whole answer, return what the playbook needs of it."""
    if result["status"] in {"refused", "failed"}:
        result = {
            **keeping.if_open,
            **result,
        }  # what the responder itself says is nearer to the case
    # Twice the same run happens where a worker dies between its write and its answer.
    path = f"{folder(order['incident'])}/{keeping.name}-{run}.json"
    if not store.exists(path):
        store.put_json(path, result)
    return {name: value for name, value in result.items() if name not in {"items", "changes"}}


async def _outcome(job: Job, act: Callable[[Work], Awaitable[Any]], run: int) -> Json:
    async def connected() -> Json:
        cloud = await Cloud.connect(job.hand)
        return dict(await act(Work(cloud, job.store, run)))

    try:
        async with asyncio.timeout(STEP_LIMIT_S):
            return await as_data(connected())
    except TimeoutError:
        return {"status": "failed", "retry": True, "detail": f"no answer within {STEP_LIMIT_S} s"}
    except Exception as error:  # noqa: BLE001 - a bug in one lever must not stop the others
        _log.error("step broke", traceback=traceback.format_exc(), error=type(error).__name__)
        return {"status": "failed", "detail": f"{type(error).__name__}: a defect, see the log"}


async def as_data(answer: Awaitable[Any]) -> Json:
    """The answer, or the responder's error as an answer: who can help is in the status."""
    try:
        return dict(await answer)
    except BaseExceptionGroup as group:
        return await as_data(_raise(_first(group)))
    except TransientError as error:
        soonest = {} if error.after_s is None else {"after_s": error.after_s}
        return {"status": "failed", "retry": True, "detail": str(error), **soonest}
    except RefusedError as error:
        return {"status": "refused", "detail": str(error)}
    except ContractChangedError as error:
        return {"status": "failed", "detail": f"undocumented answer: {error}"}
    except ResponderError as error:
        return {"status": "failed", "detail": str(error)}


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that a task group met first; the siblings were cancelled because of it."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _raise(error: BaseException) -> Any:
    raise error
