"""The loop behind the controllers: a change queues its object, and controllers are shown objects.

Nothing polls: a write queues its object and that object's owner, a timer runs the queue a moment
later, and delays (a pod becoming ready, a back-off) are timers too. While a seed is written, time
stands still and everything is settled at once.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from sandbox.kubernetes import garbage, served
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.statuses import StatusError
from sandbox.kubernetes.store import Change, Key
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_log = logging.getLogger("sandbox.kubernetes")
Act = Callable[[], None]
# Something that comes back by itself, such as a controller's look at Git, would be done thousands of times in a day.
_MOST_AT_ONCE_S = 900.0
Sync = Callable[["Cluster", str, str], None]


class Reactor:
    """Runs `sync(cluster, namespace, name)` after that object, or one that it owns, changed."""

    def __init__(self, cluster: "Cluster") -> None:
        self.seeding = False
        self.crashes: list[str] = []  # what controllers broke down over: a defect of the sandbox
        self._closed = False
        self._cluster = cluster
        self._syncs: dict[Kind, list[Sync]] = {}
        self._for_all: list[Sync] = []
        self._queue: dict[tuple[Kind, Key], None] = {}  # a dict, because it keeps order
        self._gone: list[str] = []  # uids whose dependents are to be collected
        self._at_once: deque[Act] = deque()
        self._timers: dict[asyncio.TimerHandle, tuple[float, Act]] = {}  # when it is due, and what
        self._passing: float | None = None  # the moment that it is while time passes at once
        self._pending: set[Hashable] = set()
        self._scheduled = False
        self._unsubscribe = cluster.store.subscribe(self._notice)

    def register(self, kind: Kind, sync: Sync) -> None:
        """This controller looks after objects of this kind."""
        self._syncs.setdefault(kind, []).append(sync)

    def register_for_all(self, sync: Sync) -> None:
        """This controller looks after everything that lives in a namespace."""
        self._for_all.append(sync)

    def enqueue(self, kind: Kind, namespace: str, name: str) -> None:
        """Show this object to its controllers soon."""
        self._queue[kind, (namespace, name)] = None
        self._schedule()

    def after(self, delay_s: float, act: Act) -> None:
        """Do this later; while seeding, before the seed is done."""
        if self._closed:
            return
        if self.seeding:
            self._at_once.append(act)
            return

        now = asyncio.get_running_loop().time() if self._passing is None else self._passing
        self._set(now + delay_s, act)

    def pass_time(self, seconds: float) -> None:
        """So much time passes at once: what is due within it happens now, in its order, and what that brings about."""
        now = asyncio.get_running_loop().time()
        end = now + min(seconds, _MOST_AT_ONCE_S)
        while due := [(at, handle) for handle, (at, _) in self._timers.items() if at <= end]:
            at, handle = min(due, key=lambda one: one[0])
            _, act = self._timers.pop(handle)
            handle.cancel()
            self._passing = max(at, now)
            try:
                act()
            finally:
                self._passing = None
        for handle, (at, act) in list(self._timers.items()):
            handle.cancel()
            del self._timers[handle]
            self._set(max(now, at - seconds), act)

    def _set(self, at: float, act: Act) -> None:
        def fire() -> None:
            self._timers.pop(handle, None)
            act()

        handle = asyncio.get_running_loop().call_at(at, fire)
        self._timers[handle] = (at, act)

    def once(self, key: Hashable, delay_s: float, act: Act) -> None:
        """Do this later, unless the same is already waiting to be done."""
        if key in self._pending:
            return
        self._pending.add(key)

        def fire() -> None:
            self._pending.discard(key)
            act()

        self.after(delay_s, fire)

    def at(self, key: Hashable, seconds: float, act: Act) -> None:
        """Do this when the sandbox's clock has gone so far, or was put so far; the same waits only once."""
        if key in self._pending:
            return
        self._pending.add(key)

        def fire() -> None:
            self._pending.discard(key)
            if not self._closed:
                act()

        self._cluster.world.agenda.after(seconds, fire)

    @contextmanager
    def seeding_now(self) -> Iterator[None]:
        """Time stands still, and on the way out everything has settled."""
        outer, self.seeding = self.seeding, True
        try:
            yield
            while self._at_once or self._queue or self._gone:
                if self._at_once:
                    self._at_once.popleft()()
                else:
                    self._drain()
        finally:
            self.seeding = outer

    def __repr__(self) -> str:
        waiting = f"{len(self._queue)} queued, {len(self._gone)} gone, {len(self._timers)} timers"
        state = f"seeding={self.seeding}, closed={self._closed}, scheduled={self._scheduled}"
        return f"<Reactor {waiting}, {state}, {len(self._at_once)} at once, crashes={self.crashes}>"

    @property
    def is_idle(self) -> bool:
        """Whether every controller has seen everything; timers may still be running."""
        return not self._queue and not self._gone

    def close(self) -> None:
        """Cancel every timer. Nothing reacts any more."""
        self._closed = True
        self._unsubscribe()
        for handle in self._timers:
            handle.cancel()
        self._timers.clear()

    def _schedule(self) -> None:
        if not self._scheduled and not self.seeding:
            self._scheduled = True
            self.after(self._cluster.pace.controllers, self._drain)

    def _notice(self, change: Change) -> None:
        if change.type == "DELETED":
            self._gone.append(change.object["metadata"]["uid"])
        self.enqueue(change.kind, *change.key)
        for value in (change.object, change.before):
            if owner := controller_of(value):
                kind = served.by_kind(self._cluster, owner["apiVersion"], owner["kind"])
                if kind is not None:
                    self.enqueue(kind, change.key[0], owner["name"])

    def _drain(self) -> None:
        self._scheduled = False
        gone, self._gone = self._gone, []
        batch, self._queue = list(self._queue), {}
        for uid in gone:
            self._show(f"dependents of {uid}", partial(garbage.collect, self._cluster, uid))
        for kind, key in batch:
            what = f"{kind.plural} {'/'.join(filter(None, key))}"
            self._show(what, partial(garbage.finish_foreground, self._cluster, kind, *key))
            for sync in [*self._syncs.get(kind, []), *(self._for_all if key[0] else [])]:
                self._show(what, partial(sync, self._cluster, *key))

    def _show(self, what: str, act: Act) -> None:
        """One controller looks at one thing. Whatever becomes of it, the others have their turn."""
        try:
            act()
        except StatusError as refused:
            _log.info("%s: %s", what, refused)
        except Exception as crash:  # noqa: BLE001 - as a controller manager recovers from one panic
            _log.exception("A controller broke down over %s", what)
            self.crashes.append(f"{what}: {crash!r}")


def controller_of(value: Json | None) -> Json | None:
    """The owner that manages this object, from its ownerReferences."""
    references = value["metadata"].get("ownerReferences", []) if value else []
    return next((reference for reference in references if reference.get("controller")), None)
