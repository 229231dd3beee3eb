"""Trigger: the page of all signals, with what became of each. Nothing here changes anything."""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from responders.model import Json
from triggers import intake, signal_list
from triggers.pages import failing, listing, words
from triggers.pages.filters import Filter
from triggers.pages.listing import Listing
from triggers.signal_list import SignalsQuery

bp = df.Blueprint()
_FIELDS = (
    Filter("status", "State", [(one, words.fate(one).text) for one in words.FATES]),
    Filter("source", "Source", [(one, one) for one in words.SOURCES]),
    Filter("since", "Received from", type="date"),
    Filter("until", "Received until", type="date"),
)
_LIST = Listing("/signals", "signals.html", "signals", _FIELDS, SignalsQuery)


@bp.route(route="signals", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@failing.said
async def page_signals(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the list; 400 with the form again where a filter makes no sense."""

    async def find(query: SignalsQuery) -> Json:
        return {**await asyncio.to_thread(signal_list.page, intake.store(), query)}

    return await listing.show(req, _LIST, find)
