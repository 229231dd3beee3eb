"""Trigger: events of Event Grid, in both of its schemas: those of a subscription, and a detection's own.

An exception makes the Functions extension answer 500, and Event Grid delivers again, for as long as the subscription's
retry policy has it; then it dead-letters, where the subscription names a place. So what time can fix is raised. What no
time can fix is not: it would be lost wherever no dead-letter place is named. It is dead-lettered here, whole, and told.
https://learn.microsoft.com/azure/event-grid/delivery-and-retry
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import structlog

from responders.evidence import canonical, digest
from responders.model import Json, Signal
from triggers import announcements, intake, own_writes, receiving
from triggers.formats import grid_events
from triggers.formats.grid_events import PassedBy
from triggers.formats.reading import UnreadableError
from triggers.receiving import CONNECTION, QUEUE, Later

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.event_grid")
# Addresses and token ids of people.
_NOT_KEPT = {"claims", "httprequest"}


@bp.event_grid_trigger(arg_name="event")
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_identity_change(event, client: df.DurableOrchestrationClient, later: Later) -> None:  # type: ignore[no-untyped-def]  # see below
    """Take an event in. Our own writes and operations that are about no identity pass by.

    `event` is an EventGridEvent or a CloudEvent, as the subscription's delivery schema has it. The worker goes by what
    arrives, and refuses to load a function whose annotation allows both.
    """
    structlog.contextvars.clear_contextvars()
    found = _envelope(event)
    try:
        signal = grid_events.parse(found)
    except UnreadableError as problem:
        await _dead_letter(found, str(problem), client)
        return
    if isinstance(signal, PassedBy):
        _log.info("event passed by", event_id=event.id, why=signal.why)
        return
    signal = await own_writes.marked(signal)
    if signal.get("inert") == own_writes.WHY:
        _log.info("own write passed by", event_id=event.id)
        return
    await receiving.receive(signal, client, later)


def _envelope(event: func.EventGridEvent | func.CloudEvent) -> dict[str, Any]:
    """Both schemas in one."""
    if isinstance(event, func.CloudEvent):
        topic, kind, time = event.source, event.type, event.time
    else:
        topic, kind, time = event.topic, event.event_type, event.event_time
    return {
        "id": event.id,
        "topic": topic,
        "subject": event.subject or "",
        "type": kind,
        "time": time,
        "data": event.get_json(),
    }


async def _dead_letter(
    found: dict[str, Any], why: str, client: df.DurableOrchestrationClient
) -> None:
    """Kept whole, but for whose address it came from. Raises where it can't be kept: then it comes again."""
    data = found["data"]
    if isinstance(data, dict):
        data = {name: one for name, one in data.items() if str(name).lower() not in _NOT_KEPT}
    event: Json = {**found, "time": str(found["time"]), "data": data}
    key = digest(canonical(event))[:16]
    path = f"dead-letters/event-grid/{key}.json"
    signal: Signal = {
        "source": "event-grid",
        "kind": "malformed",
        "signal_id": f"{found['topic']}/{found['id']}/{key}",
        "fired_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "title": "an event that cannot be read",
        "severity": "",
        "confidence": "low",
        "authenticated": "system",
        "hint": {},
        "inert": f"{why}; the event is kept as {path}",
        "fault": "NotAnEvent",
    }
    await asyncio.to_thread(_put_once, path, event)
    await receiving.record(signal)
    # Whoever publishes one such event publishes many: people hear of them once a day.
    about = f"{found['topic']}/{signal['fired_at'][:10]}/{digest(why.encode())[:16]}"
    told: Signal = {**signal, "signal_id": about}
    why = signal["inert"]
    await announcements.about_signal(client, told, "An event that cannot be read", why)


def _put_once(path: str, event: Json) -> None:
    store = intake.store()
    if not store.exists(path):
        store.put_json(path, event)
