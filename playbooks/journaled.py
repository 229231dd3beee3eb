"""How every step is carried out: intent written before, outcome after, failures turned into data.

This is the one module of `playbooks/` that logs: it runs inside activities, which are not replayed.
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import structlog  # noqa: TID251 - see above

from playbooks.orders import Json, Order
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, ResponderError, TransientError
from responders.evidence import EvidenceStore
from responders.journal import Journal
from responders.read_only import read_only
from responders.settings import Settings

STEP_LIMIT_S = (
    240  # the Functions host kills an activity at functionTimeout, 10 min; we say why first
)
_SHOWN = 1_000  # characters of a detail: journal and status stay small
_log = structlog.get_logger("firebreak.steps")


@dataclass(frozen=True, slots=True)
class Work:
    """What a step works with. `run` is 2 or more after a retry or a crash: something may be done."""

    cloud: Cloud
    store: EvidenceStore
    run: int


def open_store() -> EvidenceStore:
    """The evidence store that the settings name."""
    return EvidenceStore(Settings.from_environ().evidence)


async def perform(
    step: str, order: Order, act: Callable[[Work], Awaitable[Any]], *, target: str | None = None
) -> Json:
    """Carry out one step and write down how it ended.

    Returns what `act` returns. A refusal becomes {"status": "refused"}, what time can fix {"status": "failed",
    "retry": true}, anything else {"status": "failed"}: a playbook decides, siblings go on.
    """
    incident = order["incident"]
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        incident_id=incident["incident_id"], step=step, mode=incident["mode"]
    )
    store = open_store()
    journal = Journal(store, incident["incident_id"])
    aim = target or incident["principal"]["object_id"]
    run = await asyncio.to_thread(journal.intent, step, aim)
    _log.info("intent", target=aim, run=run)
    started = time.monotonic()
    with read_only() if incident["mode"] == "plan" else nullcontext():
        result = await _outcome(act, store, run)
    spent = round((time.monotonic() - started) * 1000)
    status, detail = str(result.get("status", "done")), str(result.get("detail", ""))[:_SHOWN]
    await asyncio.to_thread(
        lambda: journal.outcome(step, aim, run=run, status=status, detail=detail, duration_ms=spent)
    )
    _log.info("outcome", target=aim, run=run, status=status, detail=detail, duration_ms=spent)
    return result


async def _outcome(act: Callable[[Work], Awaitable[Any]], store: EvidenceStore, run: int) -> Json:
    async def connected() -> Json:
        cloud = await Cloud.connect()
        return dict(await act(Work(cloud, store, run)))

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
        return {"status": "failed", "retry": True, "detail": str(error)}
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
