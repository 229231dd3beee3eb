"""Trigger: Event Grid events of the subscription about federated credentials of user-assigned identities.

They are recorded, not acted on: which of them are an attack is for a detection rule or a person to say, and saying so
is better than pretending. https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions
"""

import asyncio
from datetime import UTC, datetime

import azure.durable_functions as df
import azure.functions as func
import structlog

from responders.cloud import Cloud
from responders.evidence import digest
from responders.model import Json
from triggers import intake

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.event_grid")
_WATCHED = "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials/write"
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


@bp.event_grid_trigger(arg_name="event")
async def on_identity_change(event) -> None:  # type: ignore[no-untyped-def]  # see below
    """Record a federated credential that was written. Our own writes and other operations pass by.

    `event` is an EventGridEvent or a CloudEvent, as the subscription's delivery schema has it. The worker goes by what
    arrives, and refuses to load a function whose annotation allows both.
    """
    structlog.contextvars.clear_contextvars()
    data = event.get_json()
    if not isinstance(data, dict) or "operationName" not in data:
        await _keep(event, "malformed", {"why": "data is no object with operationName"})
        return
    if str(data["operationName"]).lower() != _WATCHED:
        _log.info("event passed by", event_id=event.id, operation=data["operationName"])
        return
    actor = _actor(data)
    if actor and actor == await (await Cloud.connect()).own_object_id():
        _log.info("own write passed by", event_id=event.id)
        return
    await _keep(event, "federated-credential-write", {"actor": actor, "data": _facts(data)})


def _actor(data: Json) -> str | None:
    claims = data.get("claims")
    return claims.get(_OBJECT_ID) if isinstance(claims, dict) else None


def _facts(data: Json) -> Json:
    """What is worth keeping. `claims` and `httpRequest` hold addresses and token ids of people."""
    names = ("operationName", "resourceUri", "resourceProvider", "status", "correlationId")
    return {name: data.get(name) for name in (*names, "subscriptionId", "tenantId")}


async def _keep(event: func.EventGridEvent | func.CloudEvent, kind: str, facts: Json) -> None:
    """Once per (topic, id): Event Grid delivers at least once."""
    if isinstance(event, func.CloudEvent):
        topic, event_type = event.source, event.type
    else:
        topic, event_type = event.topic, event.event_type
    key = digest(f"{topic}\n{event.id}".encode())[:16]
    path = f"signals/event-grid/{key}.json"
    store = intake.store()
    if await asyncio.to_thread(store.exists, path):
        _log.info("event seen before", event_id=event.id)
        return
    about = {
        "kind": kind,
        "id": event.id,
        "topic": topic,
        "subject": event.subject,
        "event_type": event_type,
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "acted": False,
        "reason": "events start nothing by themselves: open an incident about the identity if this is not yours",
        **facts,
    }
    await asyncio.to_thread(store.put_json, path, about)
    _log.warning("event recorded", kind=kind, event_id=event.id, subject=event.subject)
