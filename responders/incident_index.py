"""Responder: which incidents there are, so that a list of thousands is read without opening any of them.

Stops    nothing
Leaves   two small files per incident: one when it is opened, one when it is closed
Undo     none needed
Needs    the evidence store
Source   https://learn.microsoft.com/rest/api/storageservices/list-blobs (names in order, 5,000 a call)

What a list is filtered by stands in the files' names, which sort by time. Both are written once, so nothing is ever
out of step, however many instances write.
"""

import json
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, TypedDict

from responders.errors import ContractChangedError
from responders.evidence import EvidenceStore
from responders.model import Incident, Mode, PrincipalKind, Source

_OPENED, _CLOSED = "index/opened", "index/closed"
_BETWEEN = "~"  # in no id, no mode, no source and no outcome
_FIELDS = 6


class Opened(NamedTuple):
    """An incident as its name in the index says it."""

    opened_at: str  # fixed width, so that names sort by it
    incident_id: str
    mode: Mode
    source: Source
    object_id: str
    app_id: str

    @property
    def name(self) -> str:
        """The name in the index; a later incident has a greater one."""
        return _BETWEEN.join(self)

    @property
    def moment(self) -> datetime:
        """When it was opened."""
        return datetime.fromisoformat(self.opened_at)


class Closed(NamedTuple):
    """How an incident ended."""

    outcome: str
    mode: Mode  # as deep as it went in the end


class OfPrincipal(TypedDict):
    """Whom it is about."""

    kind: PrincipalKind
    object_id: str
    app_id: str
    display_name: str


class OfSignal(TypedDict):
    """What opened it."""

    source: Source
    kind: str
    title: str
    severity: str


class Row(TypedDict):
    """What a list shows of an incident and never changes."""

    incident_id: str
    opened_at: str
    principal: OfPrincipal
    signal: OfSignal


def opened(store: EvidenceStore, incident: Incident) -> None:
    """Put an incident on the list. Safe to repeat."""
    principal, signal = incident["principal"], incident["signal"]
    row: Row = {
        "incident_id": incident["incident_id"],
        "opened_at": incident["opened_at"],
        "principal": {
            "kind": principal["kind"],
            "object_id": principal["object_id"],
            "app_id": principal["app_id"],
            "display_name": principal["display_name"],
        },
        "signal": {
            "source": signal["source"],
            "kind": signal["kind"],
            "title": signal["title"],
            "severity": signal["severity"],
        },
    }
    name = Opened(
        incident["opened_at"],
        incident["incident_id"],
        incident["mode"],
        signal["source"],
        principal["object_id"],
        principal["app_id"],
    ).name
    store.put_json(f"{_OPENED}/{name}.json", row)


def closed(store: EvidenceStore, incident_id: str, how: Closed) -> None:
    """Note how an incident ended. Safe to repeat."""
    name = _BETWEEN.join((incident_id, how.outcome, how.mode))
    store.put(f"{_CLOSED}/{name}.json", json.dumps({"incident_id": incident_id}).encode())


def all_opened(store: EvidenceStore) -> list[Opened]:
    """Every incident once, the newest first.

    One that was about to be started when an instance died has a name from each attempt: the later one counts.
    """
    found: dict[str, Opened] = {}
    for path in reversed(store.list(_OPENED)):
        parts = _parts(path)
        if len(parts) != _FIELDS:
            raise ContractChangedError(f"{path} is no name of the index")
        found.setdefault(parts[1], Opened._make(parts))
    return list(found.values())


def all_closed(store: EvidenceStore) -> dict[str, Closed]:
    """How each incident that is over has ended, by its id."""
    found = {}
    for path in store.list(_CLOSED):
        incident_id, *how = _parts(path)
        found[incident_id] = Closed._make(how)
    return found


@lru_cache(maxsize=2_000)  # a page is asked for again and again, and a row never changes
def row(store: EvidenceStore, name: str) -> Row:
    """What the list shows of the incident with this name in the index."""
    found: Row = store.get_json(f"{_OPENED}/{name}.json")
    return found


def _parts(path: str) -> list[str]:
    return path.rpartition("/")[2].removesuffix(".json").split(_BETWEEN)
