"""What Durable knows of an instance, and starting one: its bare exceptions become errors that say what time can fix."""

import json
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

import azure.durable_functions as df
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

from responders import tracing
from responders.errors import TransientError

T = TypeVar("T")
OVER = frozenset({"Completed", "Failed", "Terminated", "Canceled"})
# An instance that was seen running this short a while ago is not asked for again: a storm joins it hundreds of times.
# Who asks has just read its claim, which an incident gives back before it ends: only one that broke is taken for open.
_BELIEVED_S = 2.0
_MOST = 10_000
_seen_open: dict[str, tuple[float, str]] = {}  # when, and its phase
_AGAIN_S = 60.0
_told: dict[str, float] = {}


async def status(
    client: df.DurableOrchestrationClient, instance_id: str, *, with_input: bool = False
) -> DurableOrchestrationStatus | None:
    """How it stands; None where Durable has never heard of it. Raises `TransientError` where nobody can say."""
    asked = client.get_status(instance_id, **({"show_input": True} if with_input else {}))
    found = await _asked(asked, f"status of {instance_id}")
    return found if found and found.runtime_status is not None else None


async def is_known(client: df.DurableOrchestrationClient, instance_id: str) -> bool:
    """Whether Durable has ever heard of it: a finished instance would be replaced by a new start."""
    return await status(client, instance_id) is not None


async def is_open(client: df.DurableOrchestrationClient, instance_id: str) -> bool:
    """Whether it still runs."""
    found = await status(client, instance_id)
    return found is not None and found.runtime_status.name not in OVER


async def was_open(client: df.DurableOrchestrationClient, instance_id: str) -> bool | None:
    """Whether it runs, or did a few seconds ago; None where Durable has never heard of it."""
    seen, _ = _seen_open.get(instance_id, (0.0, ""))
    if seen > time.monotonic() - _BELIEVED_S:
        return True
    found = await status(client, instance_id)
    if found is None:
        return None
    if found.runtime_status.name in OVER:
        _seen_open.pop(instance_id, None)
        return False
    if len(_seen_open) >= _MOST:
        _seen_open.clear()
    _seen_open[instance_id] = (time.monotonic(), phase_told(found))
    return True


def phase_of(instance_id: str) -> str:
    """The phase in which `was_open` saw it last."""
    return _seen_open.get(instance_id, (0.0, ""))[1]


async def tell_now_and_then(
    client: df.DurableOrchestrationClient, instance_id: str, event: str
) -> None:
    """Raise an event that says nothing of its own, once a minute at most: a storm must not fill a history."""
    now = time.monotonic()
    if _told.get(instance_id, 0.0) > now - _AGAIN_S:
        return
    if len(_told) >= _MOST:
        _told.clear()
    _told[instance_id] = now
    await tell(client, instance_id, event, {})


def phase_told(found: DurableOrchestrationStatus) -> str:
    """The phase that an instance says it is in; empty while it has said nothing."""
    told = getattr(found, "custom_status", None)
    told = json.loads(told) if isinstance(told, str) else told
    return str(told.get("phase", "")) if isinstance(told, dict) else ""


async def start(
    client: df.DurableOrchestrationClient,
    playbook: str,
    instance_id: str,
    given: Any,
    *,
    about: str = "",
) -> None:
    """Start it. Where it is running already that is as good: two workers may start the same one.

    The SDK tells by a bare exception that it exists, and by the same one that the host is in trouble: so the host is
    asked which it was. `about`: the incident or signal in whose trace Durable's own spans belong, if not the instance.
    """
    try:
        with tracing.starting(about or instance_id):
            await client.start_new(playbook, instance_id=instance_id, client_input=given)
    except Exception as refused:
        if not await is_known(client, instance_id):
            raise TransientError(f"{instance_id} could not be started: {refused}") from refused


async def tell(
    client: df.DurableOrchestrationClient, instance_id: str, event: str, said: Any
) -> bool:
    """Raise an event. False where the instance is over by now."""
    try:
        await client.raise_event(instance_id, event, said)
    except Exception as refused:
        _seen_open.pop(instance_id, None)
        if await is_open(client, instance_id):
            raise TransientError(f"{instance_id} could not be told: {refused}") from refused
        return False
    return True


async def _asked(call: Awaitable[T], what: str) -> T:
    try:
        return await call
    except Exception as trouble:
        raise TransientError(f"{what}: Durable does not answer: {trouble}") from trouble
