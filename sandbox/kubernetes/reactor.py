"""The loop behind the controllers: a change queues its object, and controllers are shown objects.

Nothing polls: a write queues its object and that object's owner, a timer runs the queue a moment
later, and delays (a pod becoming ready, a back-off) are timers too. While a seed is written, time
stands still and everything is settled at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox.kubernetes.kinds import Kind, by_kind
from sandbox.kubernetes.store import Change, Key
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

Sync = Callable[["Cluster", str, str], None]


class Reactor:
    """Runs `sync(cluster, namespace, name)` after that object, or one that it owns, changed."""

    def __init__(self, cluster: "Cluster") -> None:
        self.seeding = False
        self.closed = False
        self._cluster = cluster
        self._syncs: dict[Kind, list[Sync]] = {}
        self._queue: dict[tuple[Kind, Key], None] = {}  # a dict, because it keeps order
        self._at_once: deque[Callable[[], None]] = deque()
        self._timers: set[asyncio.TimerHandle] = set()
        self._scheduled = False
        self._unsubscribe = cluster.store.subscribe(self._notice)

    def register(self, kind: Kind, sync: Sync) -> None:
        """This controller looks after objects of this kind."""
        self._syncs.setdefault(kind, []).append(sync)

    def enqueue(self, kind: Kind, namespace: str, name: str) -> None:
        """Show this object to its controllers soon."""
        if kind not in self._syncs:
            return
        self._queue[kind, (namespace, name)] = None
        if not self._scheduled:
            self._scheduled = True
            self.after(self._cluster.pace.controllers, self._drain)

    def after(self, delay_s: float, act: Callable[[], None]) -> None:
        """Do this later; at once while seeding, and where no event loop runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if self.seeding or loop is None:
            self._at_once.append(act)
            return
        if self.closed:
            return

        def fire() -> None:
            self._timers.discard(handle)
            act()

        handle = loop.call_later(delay_s, fire)
        self._timers.add(handle)

    @contextmanager
    def seeding_now(self) -> Iterator[None]:
        """Time stands still, and on the way out everything has settled."""
        outer, self.seeding = self.seeding, True
        try:
            yield
            self.settle()
        finally:
            self.seeding = outer

    def settle(self) -> None:
        """Run what waits to be run at once, until nothing does."""
        while self._at_once:
            self._at_once.popleft()()

    def close(self) -> None:
        """Cancel every timer. Nothing reacts any more."""
        self.closed = True
        self._unsubscribe()
        for handle in self._timers:
            handle.cancel()
        self._timers.clear()

    def _notice(self, change: Change) -> None:
        self.enqueue(change.kind, *change.key)
        for value in (change.object, change.before):
            if owner := controller_of(value):
                kind = by_kind(owner["apiVersion"], owner["kind"])
                if kind is not None:
                    self.enqueue(kind, change.key[0], owner["name"])

    def _drain(self) -> None:
        self._scheduled = False
        batch = list(self._queue)
        self._queue.clear()
        for kind, key in batch:
            for sync in self._syncs[kind]:
                sync(self._cluster, *key)


def controller_of(value: Json | None) -> Json | None:
    """The owner that manages this object, from its ownerReferences."""
    references = value["metadata"].get("ownerReferences", []) if value else []
    return next((reference for reference in references if reference.get("controller")), None)
