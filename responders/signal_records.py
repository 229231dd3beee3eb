"""Responder: what became of every signal: one record for each (source, id), and an index by the time of arrival.

Stops    a second beginning of the same signal
Leaves   a record and a line of the index per signal, and one more where nobody could handle it
Undo     none needed
Needs    the evidence store
Source   https://learn.microsoft.com/azure/event-grid/delivery-and-retry (every delivery is at-least-once)

The record is made by a conditional create, before anything else is done about a signal, and changed by conditional
replaces until it has ended. So two deliveries find each other, whichever instances they reach, and what a worker leaves
half done is found by the sweep. The index is written once, and its names are what a list pages through.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Literal, NotRequired, TypedDict

from responders.errors import ContractChangedError, NotFoundError
from responders.evidence import EvidenceStore, canonical, digest
from responders.model import Signal

Fate = Literal["received", "queued", "waiting", "accepted", "recorded", "refused", "poisoned"]
# Nothing changes such a record any more, and the same signal gets the same answer.
_ENDED = frozenset[Fate]({"accepted", "recorded"})
_SETTLED = _ENDED | {"refused", "waiting", "poisoned"}  # what no sweep touches
_INDEX = "index/signals"
_POISONED = "index/poisoned"  # names of those that were given up at least once
_BETWEEN = "~"
_READERS = 16  # records that are read side by side
_MOST_KNOWN, _MOST_KEPT = 200_000, 2_000


class Record(TypedDict):
    """One signal and what became of it so far."""

    signal: Signal
    status: Fate
    why: str
    incident_id: str | None
    joined: bool
    mode: str
    code: str | None
    candidates: list[str]
    received_at: str
    changed_at: str
    attempts: int  # that did not come to an end
    run_id: NotRequired[str | None]  # of a quiet-day playbook, in place of an incident
    told: NotRequired[str]  # whether people were told that it was given up


def key(signal: Signal) -> str:
    """The same for every delivery of a signal."""
    return digest(f"{signal['source']}\n{signal['signal_id']}".encode())[:16]


def url(signal: Signal) -> str:
    """Where the API shows its record."""
    return f"/api/signals/{signal['source']}/{key(signal)}"


def path(signal: Signal) -> str:
    """Where its record lies."""
    return _path(signal["source"], key(signal))


def begin(
    store: EvidenceStore, signal: Signal, status: Fate = "received", came: datetime | None = None
) -> tuple[Record, bool]:
    """The signal's record, and whether this call made it. Nothing is done about a signal before that.

    `came`: when its delivery began to be handled.
    """
    now = (came or datetime.now(UTC)).isoformat(timespec="milliseconds")
    fresh: Record = {
        "signal": signal,
        "status": status,
        "why": "",
        "incident_id": None,
        "joined": False,
        "mode": "record",
        "code": None,
        "candidates": [],
        "received_at": now,
        "changed_at": now,
        "attempts": 0,
    }
    known = store.claim(path(signal), canonical(fresh))
    if known is None:
        return fresh, True
    record = _parsed(known)
    if record["status"] == "waiting" and signal["hint"] and signal != record["signal"]:
        # What it waited for: now it says whose identity it is about.
        record = change(store, signal, lambda now: {**now, "signal": signal})
    return record, False


def opened(
    store: EvidenceStore, signal: Signal, status: Fate = "received", came: datetime | None = None
) -> Record:
    """The signal's record, which is on the list."""
    record, _ = begin(store, signal, status, came)
    if not is_ended(record):
        enlist(store, record)
    return record


def enlist(store: EvidenceStore, record: Record) -> None:
    """Put it on the list. Safe to repeat."""
    name = name_of(record)
    store.put(f"{_INDEX}/{name[:10]}/{name}.json", b"{}\n")


def name_of(record: Record) -> str:
    """Its name on the list: names sort by the time of arrival."""
    signal = record["signal"]
    return _BETWEEN.join((record["received_at"], signal["source"], key(signal)))


def parts(name: str) -> tuple[datetime, str, str]:
    """When it arrived, where from, and its key, as its name on the list says it."""
    received_at, source, own = name.split(_BETWEEN)
    return datetime.fromisoformat(received_at), source, own


def change(store: EvidenceStore, signal: Signal, how: Callable[[Record], Record]) -> Record:
    """Change a record that has not ended. Whoever is faster counts: one that has ended stays as it is."""
    where = path(signal)
    while (content := store.claimed(where)) is not None:
        record = _parsed(content)
        if is_ended(record):
            return record
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        changed: Record = {**how(record), "changed_at": now}
        if store.replace_claim(where, content, canonical(changed)):
            return changed
    raise NotFoundError(f"no record at {where}")


def poison(store: EvidenceStore, signal: Signal, told: str) -> None:
    """Note that nobody could handle it, and whether people were told. One that came to its end meanwhile stays so."""
    now = change(store, signal, lambda now: {**now, "status": "poisoned", "told": told[:300]})
    if now["status"] == "poisoned":
        name = name_of(now)
        store.put(f"{_POISONED}/{name[:10]}/{name}.json", b"{}\n")


def poisoned(store: EvidenceStore, now: datetime, since: timedelta) -> list[Record]:
    """Signals that arrived within that time and that nobody could handle to this day, the oldest first."""
    found = []
    for day in sorted(f"{now - timedelta(days=back):%Y-%m-%d}" for back in range(since.days + 2)):
        for path in store.list(f"{_POISONED}/{day}"):
            record = read(store, path.rpartition("/")[2].removesuffix(".json"))
            arrived = datetime.fromisoformat(record["received_at"])
            if record["status"] == "poisoned" and now - arrived <= since:
                found.append(record)
    return found


def is_ended(record: Record) -> bool:
    """Whether the same signal is answered with this from now on."""
    return record["status"] in _ENDED


def find(store: EvidenceStore, source: str, own: str) -> Record | None:
    """The record of this source and key; None where no such signal was kept."""
    content = store.claimed(_path(source, own))
    return None if content is None else _parsed(content)


_kept: dict[str, bytes] = {}


def read(store: EvidenceStore, name: str) -> Record:
    """The record of this name on the list. One that has ended is kept in memory: it never changes."""
    _, source, own = parts(name)
    content = _kept.get(name) or store.claimed(_path(source, own))
    if content is None:
        raise NotFoundError(f"no record of the signal {name}")
    record = _parsed(content)
    if is_ended(record):
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[name] = content
    return record


def names(store: EvidenceStore, day: str | None = None) -> list[str]:
    """Every signal by its name on the list, the newest first; of one day (2026-11-27) or of all."""
    folder = _INDEX if day is None else f"{_INDEX}/{day}"
    found = (one.rpartition("/")[2].removesuffix(".json") for one in store.list(folder))
    return sorted(found, reverse=True)


_done: set[str] = set()  # names whose records no sweep has to look at any more


def unfinished(store: EvidenceStore, now: datetime, since: timedelta) -> Iterator[Record]:
    """Records that have not come to an end, of what arrived within that time. Each settled one is read once."""
    if len(_done) > _MOST_KNOWN:
        _done.clear()
    days = {f"{now - timedelta(days=back):%Y-%m-%d}" for back in range(since.days + 2)}
    todo = [one for day in sorted(days) for one in reversed(names(store, day)) if one not in _done]
    with ThreadPoolExecutor(_READERS) as readers:
        for name, record in zip(todo, readers.map(lambda one: read(store, one), todo), strict=True):
            if record["status"] in _SETTLED:
                _done.add(name)
            else:
                yield record


def _path(source: str, own: str) -> str:
    return f"signals/{source}/{own}.json"


def _parsed(content: bytes) -> Record:
    match json.loads(content):
        case {"signal": dict(), "status": str(), "received_at": str()} as found:
            record: Record = found
            return record
        case _:
            raise ContractChangedError("a record of a signal is no such record")
