"""Which signals came in, the newest first, and what became of each: filtered and paged."""

import re
from typing import Annotated, TypedDict, get_args

from pydantic import BaseModel, ConfigDict, Field

from responders import signal_records
from responders.evidence import EvidenceStore
from responders.model import Source
from responders.signal_records import Fate, Record
from triggers.cursors import CursorField, cursor
from triggers.moments import Moment

# Records that one call reads where few of them fit a filter: the rest is behind the cursor.
_MOST_READ = 500
_KEY = re.compile(r"[0-9a-f]{16}")


class SignalsQuery(BaseModel):
    """What the list is narrowed to."""

    model_config = ConfigDict(extra="forbid")

    source: Source | None = None
    status: Fate | None = None
    since: Moment | None = Field(default=None, description="Received then or later.")
    until: Moment | None = Field(default=None, description="Received before that.")
    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: CursorField | None = None


class SignalsPage(TypedDict):
    """A page. It may hold fewer than asked for; the last one alone has no `next_cursor`."""

    signals: list[Record]
    next_cursor: str | None


def page(store: EvidenceStore, query: SignalsQuery) -> SignalsPage:
    """The page that the query asks for."""
    rest = [one for one in signal_records.names(store) if _fits(one, query)]
    found: list[Record] = []
    seen = 0
    while seen < len(rest) and len(found) < query.limit and seen < _MOST_READ:
        record = signal_records.read(store, rest[seen])
        seen += 1
        if query.status is None or record["status"] == query.status:
            found.append(record)
    more = cursor(rest[seen - 1]) if seen < len(rest) else None
    return {"signals": found, "next_cursor": more}


def one(store: EvidenceStore, source: str, key: str) -> Record | None:
    """The record at that address; what is no source or no key of ours is never looked up."""
    if source not in get_args(Source) or not _KEY.fullmatch(key):
        return None
    return signal_records.find(store, source, key)


def _fits(name: str, query: SignalsQuery) -> bool:
    received_at, source, _ = signal_records.parts(name)
    return (
        (query.cursor is None or name < query.cursor)
        and (query.source is None or source == query.source)
        and (query.since is None or received_at >= query.since)
        and (query.until is None or received_at < query.until)
    )
