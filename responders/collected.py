"""Rows from one log source, with everything that is needed to trust them or not."""

from datetime import datetime, timedelta
from typing import NotRequired, TypedDict

from responders.errors import ResponderError, TransientError
from responders.model import Json
from responders.version import VERSION

COLLECTOR = f"firebreak {VERSION}"  # who collected


class Collected(TypedDict):
    """What was asked, what came, and what is missing. An empty `rows` with a gap is not "no activity"."""

    source: str
    rows: list[Json]
    query: str  # as sent, so that anyone can ask again
    gaps: list[str]  # each names a table or subscription, and why it is missing or incomplete
    start: str  # RFC 3339, UTC
    end: str
    collected: NotRequired[bool]  # False: nothing is known, which is not the same as no rows
    complete: NotRequired[bool]  # False: some of the window is missing, by the gaps
    plan: NotRequired[str | None]  # of the table, where it had to be looked up
    collector: NotRequired[str]


def late(end: datetime, lag: timedelta, source: str) -> str:
    """The gap that every collection has at its end."""
    since = (end - lag).isoformat(timespec="seconds")
    minutes = round(lag.total_seconds() / 60)
    return f"{source}: what happened after {since} may arrive up to {minutes} minutes late; sweep again"


def gaps_of(errors: list[ResponderError], sources: int) -> list[str]:
    """Errors as gaps. Raises where time may still help and there is nothing else to show."""
    if errors and len(errors) == sources and any(isinstance(one, TransientError) for one in errors):
        raise TransientError("; ".join(str(one) for one in errors))
    return [f"not collected: {one}" for one in errors]
