"""Trigger: the page of all signals, with what became of each. Nothing here changes anything."""

import asyncio

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from responders.model import Json
from triggers import intake, people, signal_list
from triggers.pages import consent_pages, failing, filters, rendering, visitors, words
from triggers.pages.filters import Filter
from triggers.signal_list import SignalsQuery

bp = df.Blueprint()
_FIELDS = (
    Filter("status", "State", [(one, words.fate(one).text) for one in words.FATES]),
    Filter("source", "Source", [(one, one) for one in words.SOURCES]),
    Filter("since", "Received from", type="date"),
    Filter("until", "Received until", type="date"),
)


@bp.route(route="signals", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@failing.said
async def page_signals(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the list; 400 with the form again where a filter makes no sense."""
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.READ)
    if isinstance(person, func.HttpResponse):
        return person
    said = filters.sent(req)
    context: Json = {"person": person, "filtered": bool(said)}
    context["filters"] = filters.filled(_FIELDS, said)
    try:
        query = SignalsQuery.model_validate(filters.dated(said))
    except ValidationError as problem:
        wrong = consent_pages.people_say(problem)
        nothing: Json = {"rows": [], "next": "", "failure": wrong}
        return rendering.page(req, "signals.html", 400, **context, **nothing)
    page = await asyncio.to_thread(signal_list.page, intake.store(), query)
    following = filters.following("/signals", said, page["next_cursor"])
    found: Json = {"rows": page["signals"], "next": following, "failure": ""}
    return rendering.page(req, "signals.html", **context, **found)
