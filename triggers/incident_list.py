"""Which incidents there are, the newest first: filtered and paged, for the API and for the page.

What never changes stands in the index of the evidence store, and so does how an incident ended. Only of those that are
open Durable is asked, and only of as many as the page needs.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Annotated, NamedTuple, TypedDict, TypeVar

import azure.durable_functions as df
from pydantic import BaseModel, ConfigDict, Field

from playbooks.policy import Guid
from responders import incident_index
from responders.evidence import EvidenceStore
from responders.incident_index import Closed, Opened
from responders.model import Mode, Source
from triggers import instances, intake, status
from triggers.cursors import CursorField, cursor
from triggers.moments import Moment

_AT_ONCE = 16  # questions to Durable, or to the store, side by side
# Open incidents that one call asks about where few of them fit a filter: the rest is behind the cursor.
_MOST_ASKED = 500
_Words = Annotated[str, Field(max_length=200, pattern=r"^[a-z_]+(,[a-z_]+)*$")]
Answer = TypeVar("Answer")


class ListQuery(BaseModel):
    """What a list is narrowed to. `phase` and `outcome` take several words with commas between them."""

    model_config = ConfigDict(extra="forbid")

    phase: _Words | None = None
    outcome: _Words | None = None
    mode: Mode | None = None
    source: Source | None = None
    principal: Guid | None = Field(default=None, description="Object id or client id.")
    since: Moment | None = Field(default=None, description="Opened then or later.")
    until: Moment | None = Field(default=None, description="Opened before that.")
    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: CursorField | None = None


class Listed(TypedDict):
    """One line of the list."""

    incident_id: str
    opened_at: str
    mode: str
    phase: str
    outcome: str | None
    principal: incident_index.OfPrincipal
    signal: incident_index.OfSignal
    status_url: str


class Page(TypedDict):
    """A page of the list. It may hold fewer than asked for; the last one alone has no `next_cursor`."""

    incidents: list[Listed]
    next_cursor: str | None


class Stands(NamedTuple):
    """How an incident stands, as far as a list says it."""

    phase: str
    outcome: str | None
    mode: str


async def page(client: df.DurableOrchestrationClient, query: ListQuery) -> Page:
    """The page that the query asks for."""
    store = intake.store()
    rest, ended = await asyncio.to_thread(_fitting, store, query)
    found: list[tuple[Opened, Stands]] = []
    seen = asked = 0
    while seen < len(rest) and len(found) < query.limit and asked < _MOST_ASKED:
        chunk = rest[seen : seen + query.limit]
        asked += sum(1 for one in chunk if one.incident_id not in ended)
        stands = await _side_by_side([_standing(client, one, ended) for one in chunk])
        for one, how in zip(chunk, stands, strict=True):
            seen += 1
            if _as_asked(how, query):
                found.append((one, how))
            if len(found) == query.limit:
                break
    lines = await _side_by_side([asyncio.to_thread(_line, store, *one) for one in found])
    more = cursor(rest[seen - 1].name) if seen < len(rest) else None
    return {"incidents": lines, "next_cursor": more}


def _fitting(store: EvidenceStore, query: ListQuery) -> tuple[list[Opened], dict[str, Closed]]:
    """What the names alone say: which incidents the page may be of, and which of all are over."""
    # Read before the other one: who is closed meanwhile is open here, and Durable knows better.
    ended = incident_index.all_closed(store)
    return [one for one in incident_index.all_opened(store) if _fits(one, query)], ended


def _fits(one: Opened, query: ListQuery) -> bool:
    return (
        (query.cursor is None or one.name < query.cursor)
        and (query.source is None or one.source == query.source)
        and (query.principal is None or query.principal.lower() in {one.object_id, one.app_id})
        and (query.since is None or one.moment >= query.since)
        and (query.until is None or one.moment < query.until)
    )


def _as_asked(how: Stands, query: ListQuery) -> bool:
    return (
        (query.phase is None or how.phase in query.phase.split(","))
        and (query.outcome is None or how.outcome in query.outcome.split(","))
        and (query.mode is None or how.mode == query.mode)
    )


async def _standing(
    client: df.DurableOrchestrationClient, one: Opened, ended: dict[str, Closed]
) -> Stands:
    if (end := ended.get(one.incident_id)) is not None:
        return Stands("refused" if end.outcome == "refused" else "closed", end.outcome, end.mode)
    durable = await instances.status(client, one.incident_id)
    if durable is None:
        return Stands("unknown", None, one.mode)  # not started yet, or its history was deleted
    told = status.told_by(durable)
    return Stands(status.phase_of(durable), told.get("outcome"), told.get("mode") or one.mode)


def _line(store: EvidenceStore, one: Opened, how: Stands) -> Listed:
    row = incident_index.row(store, one.name)  # type: ignore[arg-type]  # a protocol hides that stores are hashable
    return {
        **row,
        "phase": how.phase,
        "outcome": how.outcome,
        "mode": how.mode,
        "status_url": f"/api/incidents/{one.incident_id}",
    }


async def _side_by_side(questions: Sequence[Awaitable[Answer]]) -> list[Answer]:
    """All answers in order, a few questions at a time."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def ask(question: Awaitable[Answer]) -> Answer:
        async with free:
            return await question

    return await asyncio.gather(*(ask(one) for one in questions))
