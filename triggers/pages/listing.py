"""A list on a page, filtered by what the query says, a page at a time. Lists differ only in what `Listing` names."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import azure.functions as func
import structlog
from pydantic import BaseModel, ValidationError

from responders.model import Json
from triggers import people
from triggers.pages import consent_pages, filters, rendering, visitors
from triggers.pages.filters import Filter

Query = TypeVar("Query", bound=BaseModel)
Find = Callable[[Query], Awaitable[Mapping[str, Any]]]


class Listing(NamedTuple, Generic[Query]):
    """One list: where it is, how it looks, what it can be filtered by."""

    path: str
    template: str
    rows: str  # under which name a page of the list has its rows
    fields: Sequence[Filter]
    query: type[Query]


async def show(
    req: func.HttpRequest, listing: Listing[Query], find: Find[Query]
) -> func.HttpResponse:
    """200 with a page of the list; 400 with the form again where a filter makes no sense.

    `find` answers a mapping with the rows, `next_cursor`, and `failure` where the page has something to say above all.
    """
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.READ)
    if isinstance(person, func.HttpResponse):
        return person
    said = filters.sent(req)
    context: Json = {"person": person, "filtered": bool(said)}
    context["filters"] = filters.filled(listing.fields, said)
    try:
        query = listing.query.model_validate(filters.dated(said))
    except ValidationError as problem:
        wrong = consent_pages.people_say(problem)
        nothing: Json = {"rows": [], "next": "", "failure": wrong}
        return rendering.page(req, listing.template, 400, **context, **nothing)
    page = await find(query)
    found: Json = {
        "rows": page[listing.rows],
        "next": filters.following(listing.path, said, page["next_cursor"]),
        "failure": page.get("failure", ""),
    }
    return rendering.page(req, listing.template, **context, **found)
