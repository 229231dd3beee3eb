"""WATCH: a stream of one JSON event per line.

Faithful    synthetic ADDED, objects entering and leaving a selection, expiry as an ERROR event inside a 200, bookmarks,
            sendInitialEvents
Source      https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from sandbox.kubernetes import lists, queries
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.statuses import expired
from sandbox.kubernetes.store import Change, ExpiredError
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

Event = tuple[str, Json]  # type, object as stored
_BOOKMARK_EVERY_S = 60.0  # upstream: about once a minute


class Watch:
    """One watch from the moment at which it was asked for."""

    def __init__(
        self, cluster: "Cluster", kind: Kind, namespace: str, query: Mapping[str, str]
    ) -> None:
        """Raises `StatusError` for selectors and revisions that no watch can start from."""
        self._cluster = cluster
        self._kind = kind
        self._namespace = namespace
        self._wanted = lists.filter_of(kind, query)
        self._bookmarks = queries.boolean(query, "allowWatchBookmarks")
        self._initial = queries.boolean(query, "sendInitialEvents")
        self._from = lists.version_of(cluster, query.get("resourceVersion", ""))
        seconds = queries.integer(query, "timeoutSeconds")
        # Without a timeout of its own a watch ends after 30 to 60 minutes.
        self._seconds = seconds or random.uniform(1800, 3600)  # noqa: S311 - spread, not secrecy

    async def events(self) -> AsyncIterator[Event]:
        """Events until the timeout, the end of the cluster, or the client's leaving."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        unsubscribe = self._cluster.store.subscribe(queue.put_nowait)
        stay = self._cluster.on_stop(lambda: queue.put_nowait(None))
        try:
            for event in self._start():
                yield event
                if event[0] == "ERROR":
                    return
            while (left := end - loop.time()) > 0:
                try:
                    async with asyncio.timeout(min(left, _BOOKMARK_EVERY_S)):
                        change = await queue.get()
                except TimeoutError:
                    if self._bookmarks and left > _BOOKMARK_EVERY_S:
                        yield "BOOKMARK", self._bookmark({})
                    continue
                if change is None:
                    return
                if (seen := self._seen(change)) is not None:
                    yield seen
        finally:
            unsubscribe()
            stay()

    def _start(self) -> list[Event]:
        store = self._cluster.store
        if self._from and not self._initial:
            try:
                changes = store.changes_since(self._from)
            except ExpiredError:
                oldest = store.oldest_revision
                gone = expired(f"too old resource version: {self._from} ({oldest})")
                return [("ERROR", gone.body())]
            return [seen for change in changes if (seen := self._seen(change)) is not None]
        items = store.peek(self._kind, self._namespace)
        started: list[Event] = [("ADDED", item) for item in items if self._wanted(item)]
        if self._initial:
            done = self._bookmark({"k8s.io/initial-events-end": "true"})
            started.append(("BOOKMARK", done))
        return started

    def _bookmark(self, annotations: dict[str, str]) -> Json:
        about: Json = {"resourceVersion": str(self._cluster.store.revision)}
        if annotations:
            about["annotations"] = annotations
        return {"metadata": about}

    def _seen(self, change: Change) -> Event | None:
        """The event that this watch makes of a change: selections are entered and left."""
        if change.kind != self._kind:
            return None
        if self._namespace and change.key[0] != self._namespace:
            return None
        was = change.before is not None and self._wanted(change.before)
        is_ = change.type != "DELETED" and self._wanted(change.object)
        if is_:
            return ("MODIFIED" if was else "ADDED"), change.object
        if not was or change.before is None:
            return None
        left = change.before
        version = change.object["metadata"]["resourceVersion"]
        return "DELETED", {**left, "metadata": {**left["metadata"], "resourceVersion": version}}
