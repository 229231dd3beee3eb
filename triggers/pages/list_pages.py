"""Trigger: the page of all incidents, filtered and paged. Nothing here changes anything."""

import asyncio

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from responders.model import Json
from triggers import incident_list, intake, people
from triggers.incident_list import ListQuery
from triggers.pages import (
    consent_pages,
    failing,
    filters,
    incident_view,
    rendering,
    visitors,
    words,
)
from triggers.pages.filters import Filter

bp = df.Blueprint()
_FIELDS = (
    Filter("phase", "State", [(one, words.phase(one).text) for one in words.PHASES]),
    Filter("outcome", "Outcome", [(one, words.outcome(one).text) for one in words.OUTCOMES]),
    Filter("mode", "Mode", [(one, one) for one in ("plan", "contain", "respond")]),
    Filter("source", "Source", [(one, one) for one in words.SOURCES]),
    Filter("principal", "Object or client id", type="search"),
    Filter("since", "Opened from", type="date"),
    Filter("until", "Opened until", type="date"),
)


@bp.route(route="incidents", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_incidents(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the list; 400 with the form again where a filter makes no sense."""
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.READ)
    if isinstance(person, func.HttpResponse):
        return person
    said = filters.sent(req)
    context: Json = {"person": person, "filtered": bool(said)}
    context["filters"] = filters.filled(_FIELDS, said)
    try:
        query = ListQuery.model_validate(filters.dated(said))
    except ValidationError as problem:
        wrong = consent_pages.people_say(problem)
        nothing: Json = {"rows": [], "next": "", "failure": wrong}
        return rendering.page(req, "list.html", 400, **context, **nothing)
    page = await incident_list.page(client, query)
    stopped = await asyncio.to_thread(incident_view.why_nothing_acts, intake.store())
    following = filters.following("/incidents", said, page["next_cursor"])
    found: Json = {"rows": page["incidents"], "next": following, "failure": stopped}
    return rendering.page(req, "list.html", **context, **found)
