"""Responder: who a signal is about, asked for once where hundreds of signals are about the same one.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    what principals.py needs
Source   https://learn.microsoft.com/graph/throttling (a storm of signals must not become a storm of reads)
"""

import asyncio
import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from responders import principals
from responders.cloud import Cloud
from responders.model import Hint, Principal

# Which principal an id names is settled when it is made. Who is disabled is not: an incident of its own is opened
# about a principal as it was read just now.
_LATELY_S, _NOW_S = 60.0, 5.0
_MOST = 5_000


@dataclass(frozen=True, slots=True)
class _Known:
    answer: "asyncio.Future[Principal]"
    asked: float  # monotonic


# A future belongs to its event loop, and so does the connected cloud.
_known: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Known]] = WeakKeyDictionary()


async def lately(cloud: Cloud, hint: Hint) -> Principal:
    """The principal that the hint names, as it was read at most a minute ago. Raises as `principals.resolve` does."""
    return await _resolved(cloud, hint, _LATELY_S)


async def now(cloud: Cloud, hint: Hint) -> Principal:
    """The same, as it was read within the last seconds."""
    return await _resolved(cloud, hint, _NOW_S)


async def _resolved(cloud: Cloud, hint: Hint, believed_s: float) -> Principal:
    key = _key(hint)
    if key is None:
        return await principals.resolve(cloud, hint)
    known = _known.setdefault(asyncio.get_running_loop(), {})
    found = known.get(key)
    if found is None or _failed(found) or found.asked < time.monotonic() - believed_s:
        if len(known) >= _MOST:
            known.clear()
        asking = asyncio.ensure_future(principals.resolve(cloud, hint))
        asking.add_done_callback(_retrieved)
        found = known[key] = _Known(asking, time.monotonic())
    # One caller that gives up must not take the answer from the others.
    return await asyncio.shield(found.answer)


def _key(hint: Hint) -> str | None:
    """None for what may name another principal tomorrow: a resource, a role assignment, a ServiceAccount."""
    match hint:
        case {"object_id": str(value)}:
            return f"object_id {value}"
        case {"app_id": str(value)}:
            return f"app_id {value}"
        case _:
            return None


def _failed(one: _Known) -> bool:
    return one.answer.done() and (one.answer.cancelled() or one.answer.exception() is not None)


def _retrieved(answer: "asyncio.Future[Principal]") -> None:
    """An error is for whoever waits; where nobody does any more, it is not worth a warning of asyncio's."""
    if not answer.cancelled():
        answer.exception()
