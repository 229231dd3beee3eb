"""How runs of quiet-day playbooks stand, one and all, for the API and for the pages."""

import asyncio
from typing import Annotated, Literal

import azure.durable_functions as df
from pydantic import BaseModel, ConfigDict, Field

from playbooks.runs.catalogue import PLAYBOOKS
from playbooks.runs.model import Difference, Document, Json, Run, RunMode, folder
from responders import run_records
from responders.errors import NotFoundError
from responders.evidence import EvidenceStore
from responders.journal import Journal
from triggers import instances, intake
from triggers.cursors import CursorField, cursor

PlaybookName = Literal[tuple(sorted(PLAYBOOKS))]  # type: ignore[valid-type]  # the table is the source
_AT_ONCE = 16
_MOST_READ = (
    500  # runs that one call reads where few of them fit a filter: the rest is behind the cursor
)


class RunsQuery(BaseModel):
    """What the list is narrowed to."""

    model_config = ConfigDict(extra="forbid")

    playbook: PlaybookName | None = None  # type: ignore[valid-type]
    mode: RunMode | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: CursorField | None = None


async def page(client: df.DurableOrchestrationClient, query: RunsQuery) -> Json:
    """Runs, the newest first."""
    store = intake.store()
    known = await asyncio.to_thread(run_records.names, store, query.playbook)
    if query.cursor is not None:
        known = known[known.index(query.cursor) + 1 :] if query.cursor in known else []
    found: list[Json] = []
    seen = 0
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(run_id: str) -> Json | None:
        async with free:
            return await listed(client, store, run_id)

    while seen < len(known) and len(found) < query.limit and seen < _MOST_READ:
        chunk = known[seen : seen + query.limit - len(found)]
        seen += len(chunk)
        rows = await asyncio.gather(*(one(run_id) for run_id in chunk))
        found += [row for row in rows if row and query.mode in {None, row["mode"]}]
    more = cursor(known[seen - 1]) if seen < len(known) else None
    return {"runs": found, "next_cursor": more}


async def listed(
    client: df.DurableOrchestrationClient, store: EvidenceStore, run_id: str
) -> Json | None:
    """One line: as it was opened, and how it stands. None where there is no such run."""
    run: Run | None = await asyncio.to_thread(run_records.read, store, run_id)
    if run is None:
        return None
    how = await asyncio.to_thread(run_records.end_of, store, run_id)
    if how is not None:
        stands: Json = {"phase": "ended", **how}
    else:
        stands = {"phase": await _phase(client, run_id), "status": None, "summary": ""}
        if stands["phase"] == "failed":
            stands |= {"status": "failed", "summary": "it broke: the log has the reason"}
    shown = {**run, **stands, "status_url": f"/api/runs/{run_id}"}
    return {name: value for name, value in shown.items() if name != "document"}


async def of(client: df.DurableOrchestrationClient, run_id: str) -> Json | None:
    """One run with its steps."""
    store = intake.store()
    row = await listed(client, store, run_id)
    if row is None:
        return None
    where = f"runs/{row['playbook']}/{run_id}"
    journal = Journal(store, run_id, folder=where)
    steps, manifest = await asyncio.gather(
        asyncio.to_thread(journal.steps), asyncio.to_thread(run_records.seal_of, store, run_id)
    )
    return {**row, "manifest": manifest, "steps": steps}


def result_of(store: EvidenceStore, run_id: str) -> tuple[Run, Document, Difference] | None:
    """What a run found, and what of it is new; None while it has not ended."""
    run: Run | None = run_records.read(store, run_id)
    how = None if run is None else run_records.end_of(store, run_id)
    if run is None or how is None:
        return None
    try:
        return (
            run,
            store.get_json(how["document"]),
            store.get_json(f"{folder(run)}/difference.json"),
        )
    except NotFoundError:
        return None


async def _phase(client: df.DurableOrchestrationClient, run_id: str) -> str:
    durable = await instances.status(client, run_id)
    if durable is None:
        return "unknown"  # not started yet, or its history was deleted
    if durable.runtime_status is not None and durable.runtime_status.name in instances.OVER:
        return "failed"  # it is over and never came to its end
    return instances.phase_told(durable) or "starting"
