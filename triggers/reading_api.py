"""Trigger: who reads: which incidents there are, their steps, their reports, the signals that came in."""

import asyncio
import json
from typing import Annotated

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field

from responders.evidence import EvidenceStore
from responders.journal import Journal
from triggers import documents, edge, incident_list, intake, reports, signal_list, tags
from triggers.answers import answer, error, unchanged
from triggers.cursors import CursorField, cursor
from triggers.edge import Call, Nothing, Operation, Said
from triggers.incident_list import ListQuery
from triggers.refusals import unknown
from triggers.reports import Form, Report
from triggers.signal_list import SignalsQuery

bp = df.Blueprint()
# A report names things that an attacker may have named: a browser is to run and load nothing, whatever is in it.
INERT = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "X-Content-Type-Options": "nosniff",
}


class StepsQuery(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: CursorField | None = None


class ReportQuery(BaseModel):
    """In which form."""

    model_config = ConfigDict(extra="forbid")

    format: Form = "json"


LIST: Operation[Nothing, ListQuery] = Operation(
    name="list_incidents",
    method="GET",
    route="api/incidents",
    summary="Incidents, the newest first",
    query=ListQuery,
    answers={200: Said("a page", documents.PageDocument)},
)
STEPS: Operation[Nothing, StepsQuery] = Operation(
    name="read_steps",
    method="GET",
    route="api/incidents/{incident_id}/steps",
    summary="The steps of an incident, as they were begun",
    query=StepsQuery,
    answers={200: Said("a page", documents.StepsDocument)},
)
REPORT: Operation[Nothing, ReportQuery] = Operation(
    name="read_report",
    method="GET",
    route="api/incidents/{incident_id}/report",
    summary="The newest report",
    query=ReportQuery,
    answers={
        200: Said("the document", also=("text/markdown", "text/html"), tagged=True),
        304: Said("no newer one since If-None-Match", media=""),
    },
    errors={404: "NoReport"},
)
SIGNALS: Operation[Nothing, SignalsQuery] = Operation(
    name="list_signals",
    method="GET",
    route="api/signals",
    summary="Signals, the newest first, and what became of each",
    query=SignalsQuery,
    answers={200: Said("a page", documents.SignalsDocument)},
)
SIGNAL: Operation[Nothing, Nothing] = Operation(
    name="read_signal",
    method="GET",
    route="api/signals/{source}/{key}",
    summary="What became of one signal",
    answers={200: Said("as it stands", documents.SignalDocument)},
    errors={404: "UnknownSignal"},
)
OPERATIONS = (LIST, STEPS, REPORT, SIGNALS, SIGNAL)


@bp.route(**LIST.binding)
@bp.durable_client_input(client_name="client")
async def list_incidents(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with a page; 400 for a filter that makes no sense."""

    async def act(call: Call[Nothing, ListQuery]) -> func.HttpResponse:
        return answer(200, await incident_list.page(call.client, call.query))

    return await edge.serve(req, client, LIST, act)


@bp.route(**STEPS.binding)
async def read_steps(req: func.HttpRequest) -> func.HttpResponse:
    """200 with a page of the journal's steps; 404 where nothing was ever begun for such an incident."""

    async def act(call: Call[Nothing, StepsQuery]) -> func.HttpResponse:
        return await asyncio.to_thread(_steps, intake.store(), call.incident_id, call.query)

    return await edge.serve(req, None, STEPS, act)


def _steps(store: EvidenceStore, incident_id: str, query: StepsQuery) -> func.HttpResponse:
    steps = Journal(store, incident_id).steps()
    if not steps:
        return unknown(incident_id)
    # Steps stand in the order of their first intent, which only grows: a number stays good.
    first = int(query.cursor) if query.cursor and query.cursor.isdecimal() else 0
    last = first + query.limit
    more = cursor(str(last)) if last < len(steps) else None
    body = {"incident_id": incident_id, "steps": steps[first:last], "next_cursor": more}
    return answer(200, body)


@bp.route(**REPORT.binding)
async def read_report(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the newest report as JSON, Markdown or HTML; 304 where there is no newer one; 404 before the first."""

    async def act(call: Call[Nothing, ReportQuery]) -> func.HttpResponse:
        found = await asyncio.to_thread(reports.newest, intake.store(), call.incident_id)
        if found is None:
            said = f"no report of incident {call.incident_id}"
            todo = "check the id; the first report comes with containment"
            return error(404, "NoReport", said, todo)
        tag = tags.of_bytes(f"{found.name} {call.query.format}".encode() + found.markdown)
        if tags.is_known(call.headers.get("If-None-Match"), tag):
            return unchanged(tag)
        return _written(found, call.query.format, {**INERT, "ETag": tag})

    return await edge.serve(req, None, REPORT, act)


def _written(report: Report, form: Form, headers: dict[str, str]) -> func.HttpResponse:
    said = {**headers, "Cache-Control": "no-store"}
    if form == "json":
        text = json.dumps(report.document, ensure_ascii=False)
        return func.HttpResponse(text, headers=said, mimetype="application/json", charset="utf-8")
    body, media = (
        (report.html(), "text/html") if form == "html" else (report.markdown, "text/markdown")
    )
    return func.HttpResponse(body, headers=said, mimetype=media, charset="utf-8")


@bp.route(**SIGNALS.binding)
async def list_signals(req: func.HttpRequest) -> func.HttpResponse:
    """200 with a page; 400 for a filter that makes no sense."""

    async def act(call: Call[Nothing, SignalsQuery]) -> func.HttpResponse:
        return answer(200, await asyncio.to_thread(signal_list.page, intake.store(), call.query))

    return await edge.serve(req, None, SIGNALS, act)


@bp.route(**SIGNAL.binding)
async def read_signal(req: func.HttpRequest) -> func.HttpResponse:
    """200 with its record; 404 where none was kept under that key."""

    async def act(_call: Call[Nothing, Nothing]) -> func.HttpResponse:
        source, own = (req.route_params.get(one, "") for one in ("source", "key"))
        found = await asyncio.to_thread(signal_list.one, intake.store(), source, own)
        if found is not None:
            return answer(200, found)
        said = f"no signal {source[:40]!r} {own[:40]!r} was kept"
        todo = "check the address; what the queue alone could keep is here once it is handled"
        return error(404, "UnknownSignal", said, todo)

    return await edge.serve(req, None, SIGNAL, act)
