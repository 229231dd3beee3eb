"""Trigger: the page of all incidents, filtered and paged. Nothing here changes anything."""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from responders.model import Json
from triggers import incident_list, intake
from triggers.incident_list import ListQuery
from triggers.pages import failing, incident_view, listing, words
from triggers.pages.filters import Filter
from triggers.pages.listing import Listing

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
_LIST = Listing("/incidents", "list.html", "incidents", _FIELDS, ListQuery)


@bp.route(route="incidents", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_incidents(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the list; 400 with the form again where a filter makes no sense."""

    async def find(query: ListQuery) -> Json:
        page = await incident_list.page(client, query)
        stopped = await asyncio.to_thread(incident_view.why_nothing_acts, intake.store())
        return {**page, "failure": stopped}

    return await listing.show(req, _LIST, find)
