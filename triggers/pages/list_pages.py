"""Trigger: the page of all incidents, filtered and paged. Nothing here changes anything."""

import asyncio
from typing import Any, NamedTuple
from urllib.parse import urlencode

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from responders.model import Json
from triggers import incident_list, intake, people
from triggers.incident_list import ListQuery
from triggers.pages import consent_pages, incident_view, rendering, visitors, words

bp = df.Blueprint()
_MODES = ("plan", "contain", "respond")
_DAY = 10  # characters: what a browser's date field sends


class Filter(NamedTuple):
    """One field of the form above the list."""

    name: str
    text: str
    value: str
    options: list[tuple[str, str]]
    type: str


@bp.route(route="incidents", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def page_incidents(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the list; 400 with the form again where a filter makes no sense."""
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.READ)
    if isinstance(person, func.HttpResponse):
        return person
    sent = {name: value.strip() for name, value in req.params.items() if value.strip()}
    context: Json = {"person": person, "filters": _filters(sent), "filtered": bool(sent)}
    try:
        query = ListQuery.model_validate(_dated(sent))
    except ValidationError as problem:
        said = consent_pages.people_say(problem)
        nothing: Json = {"rows": [], "next": "", "failure": said}
        return rendering.page(req, "list.html", 400, **context, **nothing)
    page = await incident_list.page(client, query)
    stopped = await asyncio.to_thread(incident_view.why_nothing_acts, intake.store())
    more = page["next_cursor"]
    following = f"/incidents?{urlencode({**sent, 'cursor': more})}" if more else ""
    found: Json = {"rows": page["incidents"], "next": following, "failure": stopped}
    return rendering.page(req, "list.html", **context, **found)


def _dated(sent: Json) -> dict[str, Any]:
    """A day from a browser's date field begins at midnight in UTC, and the last one counts as a whole."""
    dated = dict(sent)
    for name, clock in (("since", "00:00:00"), ("until", "23:59:59.999")):
        if len(dated.get(name, "")) == _DAY:
            dated[name] = f"{dated[name]}T{clock}+00:00"
    return dated


def _filters(sent: Json) -> list[Filter]:
    phases = [(one, words.phase(one).text) for one in words.PHASES]
    outcomes = [(one, words.outcome(one).text) for one in words.OUTCOMES]
    modes, sources = ([(one, one) for one in found] for found in (_MODES, words.SOURCES))
    rows: list[tuple[str, str, list[tuple[str, str]], str]] = [
        ("phase", "State", phases, ""),
        ("outcome", "Outcome", outcomes, ""),
        ("mode", "Mode", modes, ""),
        ("source", "Source", sources, ""),
        ("principal", "Object or client id", [], "search"),
        ("since", "Opened from", [], "date"),
        ("until", "Opened until", [], "date"),
    ]
    return [
        Filter(name, text, str(sent.get(name, ""))[:100], options, kind)
        for name, text, options, kind in rows
    ]
