"""Wakes things at a wall-clock time: durable timers and timer triggers.

One heap and one pending callback. Waits are cut to half a minute so that a laptop that slept, or a clock that was set,
fires what is due soon after and not when the monotonic clock catches up.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import datetime

from host.clock import CLOCK

_LONGEST_WAIT_S = 30.0


class Alarms:
    """Calls back at the given moments, never early, on the event loop."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._tie = itertools.count()
        self._pending: asyncio.TimerHandle | None = None
        self._closed = False

    def at(self, moment: datetime, callback: Callable[[], None]) -> None:
        """Call back at `moment`, or at once where it has passed."""
        if self._closed:
            return
        heapq.heappush(self._heap, (moment, next(self._tie), callback))
        if self._heap[0][0] is moment:
            self._rearm()

    def close(self) -> None:
        """Call nothing back any more."""
        self._closed = True
        self._heap.clear()
        if self._pending:
            self._pending.cancel()

    def _rearm(self) -> None:
        if self._pending:
            self._pending.cancel()
            self._pending = None
        if self._heap:
            wait_s = (self._heap[0][0] - CLOCK.now()).total_seconds()
            wait_s = min(max(wait_s, 0.0), _LONGEST_WAIT_S)
            self._pending = asyncio.get_running_loop().call_later(wait_s, self._ring)

    def _ring(self) -> None:
        self._pending = None
        now = CLOCK.now()
        while self._heap and self._heap[0][0] <= now:
            # Not called from here: one that raises must not keep the next from being armed.
            asyncio.get_running_loop().call_soon(heapq.heappop(self._heap)[2])
        self._rearm()
