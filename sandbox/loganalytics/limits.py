"""How many queries one caller gets: at once, in a while, and of a cheap table.

Faithful    200 queries in 30 seconds, then 429 with Retry-After; five at once, others wait; two searches at once
Left out    the three minutes after which a waiting query is refused; the 100 MB of an answer
Source      https://learn.microsoft.com/azure/azure-monitor/service-limits#log-analytics-workspaces
            https://learn.microsoft.com/azure/azure-monitor/logs/basic-logs-query#limitations
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sandbox.entra.bearer import Caller
from sandbox.loganalytics.errors import LogsError
from sandbox.world import World

_WINDOW = timedelta(seconds=30)
_AT_ONCE = 5
_SEARCHES_AT_ONCE = 2


@asynccontextmanager
async def one_query(world: World, caller: Caller) -> AsyncIterator[None]:
    """Around a query: 429 where the caller asked too often, a wait where he asks for too much at once."""
    _count(world, caller)
    gates = world.caches.setdefault("log queries at once", {})
    async with gates.setdefault(caller.object_id, asyncio.Semaphore(_AT_ONCE)):
        yield


@asynccontextmanager
async def one_search(world: World, caller: Caller) -> AsyncIterator[None]:
    """The same around a search, which is refused instead of kept waiting."""
    _count(world, caller)
    gates = world.caches.setdefault("log searches at once", {})
    gate = gates.setdefault(caller.object_id, asyncio.Semaphore(_SEARCHES_AT_ONCE))
    if gate.locked():
        raise _throttled(f"{_SEARCHES_AT_ONCE} searches of this user are running", 1)
    async with gate:
        yield


def _count(world: World, caller: Caller) -> None:
    """Remember this query, or refuse it."""
    asked: deque[datetime] = world.caches.setdefault("log queries", {}).setdefault(
        caller.object_id, deque()
    )
    now = world.clock.now()
    while asked and asked[0] <= now - _WINDOW:
        asked.popleft()
    most = int(world.limits.log_queries)
    if len(asked) >= most:
        left = (asked[0] + _WINDOW - now).total_seconds() if asked else 1.0
        raise _throttled(f"{most} queries in {_WINDOW.seconds} seconds", int(left) + 1)
    asked.append(now)


def _throttled(why: str, retry_after_s: int) -> LogsError:
    return LogsError(
        429, "ThrottledError", f"Too many requests: {why}", retry_after_s=retry_after_s
    )
