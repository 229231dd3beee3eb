"""Triggers: signals that wait in the queue, those that nobody could handle, and the sweep for what was left half done.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import List  # noqa: UP035 - an output's annotation must be an old-style generic for the worker

import azure.durable_functions as df
import azure.functions as func
import structlog

from responders import signal_records
from responders.errors import TransientError
from responders.evidence import digest
from responders.model import Json, Signal
from responders.signal_records import Record
from triggers import announcements, intake, receipts, receiving
from triggers.receiving import CONNECTION, POISON, QUEUE

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.queued_signals")
# host.json's maxDequeueCount. What only time can fix is not poison: at its last try it is left to the sweep.
TRIES = 5
_LEFT_ALONE = timedelta(
    seconds=60
)  # a worker may still be at it: it has ten seconds, an invocation ten minutes
_QUEUED_FOR = timedelta(minutes=15)  # a message that was not worked on by then is taken for lost
_MOST_AT_ONCE = 1_000  # messages of one sweep


class NoSignalError(Exception):
    """What came from the queue is none of ours."""


@bp.queue_trigger(arg_name="waiting", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_queued_signal(
    waiting: func.QueueMessage, client: df.DurableOrchestrationClient
) -> None:
    """Handle a signal that waited. Raises what the queue is to try again; the last try poisons what no time can fix."""
    structlog.contextvars.clear_contextvars()
    signal = _signal(waiting.get_body())
    record = await asyncio.to_thread(signal_records.opened, intake.store(), signal)
    if signal_records.is_ended(record):
        return
    try:
        await receiving.take_up(record, client)
    except TransientError as problem:
        if (waiting.dequeue_count or 0) < TRIES:
            raise
        _log.warning("signal left to the sweep", source=signal["source"], why=str(problem))


@bp.queue_trigger(arg_name="poisoned", queue_name=POISON, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_poisoned_signal(
    poisoned: func.QueueMessage, client: df.DurableOrchestrationClient
) -> None:
    """Write down that nobody could handle it, and have people told."""
    structlog.contextvars.clear_contextvars()
    body = poisoned.get_body()
    try:
        signal = _signal(body)
    except NoSignalError as problem:
        signal = await _unreadable(body, str(problem))
    record = await asyncio.to_thread(signal_records.opened, intake.store(), signal)
    if signal_records.is_ended(record):  # it came again and was handled
        return
    await give_up(record, client)


@bp.timer_trigger(arg_name="timer", schedule="30 * * * * *")
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def sweep_signals(
    timer: func.TimerRequest,
    later: func.Out[List[str]],  # noqa: UP006 - bindings
    client: df.DurableOrchestrationClient,
) -> None:
    """Every minute: what was kept and never came to an end is put on the queue (again)."""
    structlog.contextvars.clear_contextvars()
    found = await asyncio.to_thread(_overdue, datetime.now(UTC))
    window = timedelta(hours=intake.policy().windows.replay_hours)
    messages = []
    for record in found:
        came = datetime.fromisoformat(record["received_at"])
        if datetime.now(UTC) - came > window:
            await give_up(record, client)
            continue
        await asyncio.to_thread(_mark_queued, record)
        messages.append(receiving.message(record["signal"]))
    if messages:
        _log.warning("signals swept up", signals=len(messages))
        later.set(messages)


async def give_up(record: Record, client: df.DurableOrchestrationClient) -> None:
    """Write it down, then have people told; what became of the telling comes into the record as well."""
    signal = record["signal"]
    _log.error("signal poisoned", source=signal["source"], kind=signal["kind"], why=record["why"])
    await asyncio.to_thread(signal_records.poison, intake.store(), signal, "not yet")
    receipts.over(signal, "poisoned", datetime.fromisoformat(record["received_at"]), record["why"])
    facts = [
        ("Signal", signal["title"]),
        ("From", f"{signal['source']}, {signal['kind']}, {signal['severity']}".rstrip(", ")),
        ("Id", signal["signal_id"]),
        ("Names", json.dumps(signal["hint"])),
        ("Last answer", record["why"] or "none: its handling broke"),
    ]
    await announcements.begin(
        client,
        {
            # One that was sent again, and given up again, is told again.
            "key": f"given-up-{signal_records.key(signal)}-{record['attempts']}",
            "event": "SignalNotHandled",
            "title": "A signal that nobody could handle",
            "mood": "bad",
            "do_now": "Nothing was started. docs/how-to/signals-that-wait.md says what to do.",
            "facts": facts,
            "path": "/signals",
            "signal": signal,
        },
    )


def _overdue(now: datetime) -> list[Record]:
    """Kept, and neither ended nor on its way."""
    window = timedelta(hours=intake.policy().windows.replay_hours)
    found = []
    for record in signal_records.unfinished(intake.store(), now, window):
        idle = now - datetime.fromisoformat(record["changed_at"])
        if idle > (_QUEUED_FOR if record["status"] == "queued" else _LEFT_ALONE):
            found.append(record)
        if len(found) == _MOST_AT_ONCE:
            break
    return found


def _mark_queued(record: Record) -> None:
    def mark(now: Record) -> Record:
        return {**now, "status": "queued"}

    signal_records.change(intake.store(), record["signal"], mark)


def _signal(body: bytes) -> Signal:
    try:
        found = json.loads(body)
    except ValueError as odd:
        raise NoSignalError(f"a message of {len(body)} bytes is no JSON") from odd
    match found:
        case {
            "signal": {
                "source": str(),
                "signal_id": str(),
                "fired_at": str(),
                "hint": dict(),
            } as inner
        }:
            signal: Signal = inner
            return signal
        case _:
            raise NoSignalError("a message holds no signal")


async def _unreadable(body: bytes, why: str) -> Signal:
    """Kept whole, under a signal that stands for it."""
    own = digest(body)[:16]
    path = f"dead-letters/queue/{own}"
    await asyncio.to_thread(intake.store().put, path, body)
    about: Json = {
        "source": "event-grid",
        "kind": "unreadable-message",
        "signal_id": path,
        "fired_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "title": "a message that cannot be read",
        "severity": "",
        "confidence": "low",
        "authenticated": "system",
        "hint": {},
        "inert": f"{why}; it is kept as {path}",
        "fault": "NotASignal",
    }
    signal: Signal = about  # type: ignore[assignment]  # as above
    return signal
