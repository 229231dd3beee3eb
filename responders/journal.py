"""Responder: the step log of an incident, hash-chained, intent before the call and outcome after it.

Stops    nothing
Leaves   one line per intent and per outcome; a crash leaves at most one step without its outcome
Undo     none needed
Needs    the evidence store
Source   https://csrc.nist.gov/pubs/sp/800/92/final (protecting log integrity by message digests)
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Literal, NotRequired, TypedDict

from responders.errors import ConflictError, NotFoundError, TransientError
from responders.evidence import EvidenceStore, canonical, digest
from responders.settings import Hand

GENESIS = "0" * 64
_TRIES = 50  # writers of other instances that may be faster before this one gives up
_TURNS = [Lock() for _ in range(64)]


class Entry(TypedDict):
    """One line. `hash` is the SHA-256 of the canonical JSON of all the other fields."""

    seq: int
    at: str
    incident_id: str
    step: str
    target: str
    kind: Literal["intent", "outcome"]
    run: int  # how often this step has been begun: 2 and more after a retry or a crash
    hand: NotRequired[Hand]  # of an intent: which of the app's identities acts
    status: NotRequired[str]
    detail: NotRequired[str]
    duration_ms: NotRequired[int]
    previous: str
    hash: NotRequired[str]


class Head(TypedDict):
    """How far the log had come when somebody looked: what was cut off after that is missed."""

    path: str
    entries: int
    head: str  # the hash of the last line; `GENESIS` where there was none


class Step(TypedDict):
    """An intent with its outcome, as status answers and reports show it."""

    step: str
    target: str
    status: str  # "unknown" while there is no outcome
    runs: int
    started: str
    duration_ms: int | None
    detail: str


_MOST_KEPT = 8  # journals; an incident's is a few hundred kilobytes
_last_read: dict[str, tuple[bytes, list[Entry]]] = {}


class Journal:
    """The log of one incident, or of one run of a quiet-day playbook."""

    def __init__(
        self, store: EvidenceStore, incident_id: str, *, folder: str | None = None
    ) -> None:
        """`folder`: where the log of what is no incident lies."""
        self._store = store
        self._incident_id = incident_id
        self.path = f"{folder or f'incidents/{incident_id}'}/journal.jsonl"

    def intent(self, step: str, target: str, hand: Hand = "containment") -> int:
        """Write down that a step is about to happen, and by whose hand; returns how often it has been begun."""

        def begun(entries: list[Entry]) -> Entry:
            same = [(one["kind"], one["step"], one["target"]) for one in entries]
            run = 1 + same.count(("intent", step, target))
            return self._entry(step, target, "intent", run) | {"hand": hand}

        return self._append(begun)["run"]

    def outcome(
        self, step: str, target: str, *, run: int, status: str, detail: str, duration_ms: int
    ) -> None:
        """Write down how it ended."""
        entry = self._entry(step, target, "outcome", run)
        entry |= {"status": status, "detail": detail, "duration_ms": duration_ms}
        self._append(lambda _: entry)

    def entries(self) -> list[Entry]:
        """All lines, oldest first; none where the incident has not begun."""
        return self._parsed(self._content())

    def head(self) -> Head:
        """Number and hash of the last line, for the manifest."""
        entries = self.entries()
        last = entries[-1].get("hash", GENESIS) if entries else GENESIS
        return {"path": self.path, "entries": len(entries), "head": last}

    def steps(self) -> list[Step]:
        """The lines paired up: the newest run of every step and target, in order of first intent."""
        found: dict[tuple[str, str], Step] = {}
        for entry in self.entries():
            key = (entry["step"], entry["target"])
            if entry["kind"] == "intent":
                first = found.get(key)
                found[key] = {
                    "step": entry["step"],
                    "target": entry["target"],
                    "status": "unknown",
                    "runs": entry["run"],
                    "started": first["started"] if first else entry["at"],
                    "duration_ms": None,
                    "detail": "",
                }
            else:
                found[key]["status"] = entry.get("status", "unknown")
                found[key]["detail"] = entry.get("detail", "")
                found[key]["duration_ms"] = entry.get("duration_ms")
        return list(found.values())

    def _entry(self, step: str, target: str, kind: Literal["intent", "outcome"], run: int) -> Entry:
        return {
            "seq": 0,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "incident_id": self._incident_id,
            "step": step,
            "target": target,
            "kind": kind,
            "run": run,
            "previous": GENESIS,
        }

    def _append(self, make: Callable[[list[Entry]], Entry]) -> Entry:
        """Chain a line to the last one. Whoever appends behind the same line first wins, the other reads again."""
        with _turn(self.path):
            for _ in range(_TRIES):
                content = self._content()
                entries = self._parsed(content)
                entry = _chained(make(entries), entries)
                try:
                    line = canonical(entry) + b"\n"
                    self._store.append(self.path, line, expected=len(content))
                except ConflictError:
                    continue
                return entry
        raise TransientError(f"{self.path}: others wrote first {_TRIES} times")

    def _parsed(self, content: bytes) -> list[Entry]:
        """Its lines. A journal only grows, so of one that begins as it did the last time only the rest is parsed."""
        before, known = _last_read.pop(self.path, (b"", []))
        if not content.startswith(before):
            before, known = b"", []
        entries = [*known, *(json.loads(line) for line in content[len(before) :].splitlines())]
        _last_read[self.path] = (content, entries)
        while len(_last_read) > _MOST_KEPT:
            _last_read.pop(next(iter(_last_read)), None)
        return list(entries)

    def _content(self) -> bytes:
        try:
            return self._store.get(self.path)
        except NotFoundError:
            return b""


def _turn(path: str) -> Lock:
    """Threads of one process wait for each other; the condition of `append` is for other processes."""
    return _TURNS[hash(path) % len(_TURNS)]


def _chained(entry: Entry, entries: list[Entry]) -> Entry:
    follows = entries[-1] if entries else None
    place = {"seq": follows["seq"] + 1, "previous": follows.get("hash", GENESIS)} if follows else {}
    chained: Entry = {**entry, **place}  # type: ignore[typeddict-item]
    chained["hash"] = digest(canonical(chained))
    return chained


def is_whole(entry: Entry) -> bool:
    """Whether a line still hashes to what it says."""
    unsigned = {key: value for key, value in entry.items() if key != "hash"}
    return entry.get("hash") == digest(canonical(unsigned))


def verify_chain(entries: list[Entry]) -> int | None:
    """The number of the first line that was changed, removed or moved; None where all stand."""
    previous = GENESIS
    for number, entry in enumerate(entries):
        if not is_whole(entry) or entry.get("previous") != previous or entry.get("seq") != number:
            return number
        previous = entry.get("hash", GENESIS)
    return None
