"""etcd and the watch cache in small: objects, one revision counter, and the recent past.

Simulates   optimistic concurrency, watches from a revision, lists of an older revision, compaction
Left out    history beyond the last `KEPT_EVENTS` writes: it is "too old", as after a compaction
Source      https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sandbox.kubernetes.kind import Kind
from sandbox.world import Json, copied

KEPT_EVENTS = 4096  # a drill writes some hundreds; enough for every watch to catch up
EventType = Literal["ADDED", "MODIFIED", "DELETED"]
Key = tuple[str, str]  # namespace ("" for cluster scope), name


@dataclass(frozen=True, slots=True)
class Change:
    """One write. The objects are never modified after this: copy before you touch them."""

    revision: int
    type: EventType
    kind: Kind
    key: Key
    object: Json  # DELETED: the last state, with the revision of the deletion
    before: Json | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A store at one moment. It shares its objects with every store that begins from it: none is ever modified."""

    revision: int
    compacted: int
    objects: dict[Kind, dict[Key, Json]]
    changes: tuple[Change, ...]


class ExpiredError(Exception):
    """This revision is no longer kept."""


class Store:
    """All objects of a cluster."""

    def __init__(self) -> None:
        self.revision = 1
        self._objects: dict[Kind, dict[Key, Json]] = {}
        self._changes: deque[Change] = deque()
        self._compacted = 1
        self._listeners: list[Callable[[Change], None]] = []
        self._owned: dict[str, dict[tuple[Kind, Key], None]] = {}  # owner's uid -> what names it

    def get(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """A copy, or None."""
        found = self._objects.get(kind, {}).get((namespace, name))
        return copied(found) if found is not None else None

    def look(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """The stored object itself, to read only, or None."""
        return self._objects.get(kind, {}).get((namespace, name))

    @property
    def oldest_revision(self) -> int:
        """The first revision from which a watch can start."""
        return self._compacted

    def kinds(self) -> list[Kind]:
        """The kinds of which an object was ever stored."""
        return list(self._objects)

    def peek(self, kind: Kind, namespace: str = "") -> list[Json]:
        """The stored objects themselves, to read only, in key order; "" means every namespace."""
        shelf = self._objects.get(kind, {})
        return [shelf[key] for key in sorted(shelf) if not namespace or key[0] == namespace]

    def owned(self, uid: str) -> list[tuple[Kind, Json]]:
        """What names the object with this uid as an owner, to read only, in the order of creation."""
        return [(kind, self._objects[kind][key]) for kind, key in self._owned.get(uid, {})]

    def at(self, kind: Kind, revision: int) -> list[Json]:
        """The objects as they were at an older revision. Raises `ExpiredError`."""
        if revision < self._compacted:
            raise ExpiredError
        shelf = dict(self._objects.get(kind, {}))
        for change in reversed(self._changes):
            if change.revision <= revision:
                break
            if change.kind == kind:
                if change.before is None:
                    shelf.pop(change.key, None)
                else:
                    shelf[change.key] = change.before
        return [shelf[key] for key in sorted(shelf)]

    def write(self, kind: Kind, value: Json) -> Json:
        """Create or replace. Sets the resourceVersion and returns a copy of what is now stored."""
        stored = copied(value)
        self.revision += 1
        stored["metadata"]["resourceVersion"] = str(self.revision)
        key = key_of(stored)
        shelf = self._objects.setdefault(kind, {})
        before = shelf.get(key)
        shelf[key] = stored
        self._note_owners(kind, key, before, stored)
        self._publish("MODIFIED" if before else "ADDED", kind, stored, before)
        return copied(stored)

    def remove(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """Delete; returns the last state with the revision of its deletion."""
        before = self._objects.get(kind, {}).pop((namespace, name), None)
        if before is None:
            return None
        self.revision += 1
        self._note_owners(kind, (namespace, name), before, None)
        gone = copied(before)
        gone["metadata"]["resourceVersion"] = str(self.revision)
        self._publish("DELETED", kind, gone, before)
        return copied(gone)

    def changes_since(self, revision: int) -> list[Change]:
        """Every write after this revision. Raises `ExpiredError`."""
        if revision < self._compacted:
            raise ExpiredError
        return [change for change in self._changes if change.revision > revision]

    def compact(self) -> None:
        """Forget the past, as etcd does every five minutes."""
        self._changes.clear()
        self._compacted = self.revision

    def snapshot(self) -> Snapshot:
        """All of it as it stands."""
        objects = {kind: dict(shelf) for kind, shelf in self._objects.items()}
        return Snapshot(self.revision, self._compacted, objects, tuple(self._changes))

    def restore(self, past: Snapshot) -> None:
        """Stand as another store once stood. No listener hears of it."""
        self.revision, self._compacted = past.revision, past.compacted
        self._objects = {kind: dict(shelf) for kind, shelf in past.objects.items()}
        self._changes = deque(past.changes)
        self._owned = {}
        for kind, shelf in self._objects.items():
            for key, value in shelf.items():
                self._note_owners(kind, key, None, value)

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call `listener` with every write from now on. Returns the way to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _note_owners(self, kind: Kind, key: Key, before: Json | None, after: Json | None) -> None:
        old, new = _owners(before), _owners(after)
        for uid in old:
            if uid not in new:
                self._owned[uid].pop((kind, key), None)
                if not self._owned[uid]:
                    del self._owned[uid]
        for uid in new:
            if uid not in old:
                self._owned.setdefault(uid, {})[kind, key] = None

    def _publish(self, type_: EventType, kind: Kind, value: Json, before: Json | None) -> None:
        change = Change(self.revision, type_, kind, key_of(value), value, before)
        self._changes.append(change)
        if len(self._changes) > KEPT_EVENTS:
            self._compacted = self._changes.popleft().revision
        for listener in list(self._listeners):
            listener(change)


def _owners(value: Json | None) -> list[str]:
    references = value["metadata"].get("ownerReferences", ()) if value else ()
    return [str(each["uid"]) for each in references]


def key_of(value: Json) -> Key:
    """Namespace and name."""
    metadata = value["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
