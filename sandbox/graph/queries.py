"""Reads of one object and of collections: $filter, $search, $orderby, $top, $count and pages.

Faithful    collections come from an index that lags behind by `delays.directory`, all pages of one read
            from the same moment; 100 objects a page, at most 999, with $expand 100; `$count` and `$search` need
            ConsistencyLevel: eventual; no `$skip`
Left out    $format; $orderby on more than one property
Source      https://learn.microsoft.com/graph/query-parameters
            https://learn.microsoft.com/graph/paging
            https://learn.microsoft.com/graph/api/application-list
"""

import base64
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from sandbox.graph import projections
from sandbox.graph.errors import bad_request, malformed, unsupported_query
from sandbox.graph.exchange import Reply, Request, spelled_out
from sandbox.graph.filters import compile_filter
from sandbox.graph.projections import Expand
from sandbox.graph.schema import Resource
from sandbox.world import Json

_OPTIONS = {"$select", "$expand", "$filter", "$top", "$count", "$orderby", "$search", "$skiptoken"}
_PAGE, _LARGEST_PAGE = 100, 999
# Of directory objects, whatever $top says: https://learn.microsoft.com/graph/query-parameters#expand
_LARGEST_EXPANDED_PAGE = 100


def no_relations(request: Request, item: Json, name: str) -> list[Json]:
    """For resources that have none that can be expanded or counted."""
    del request, item, name
    return []


def one(
    request: Request,
    resource: Resource,
    item: Json,
    *,
    expand: Expand = no_relations,
    context: str | None = None,
    status: int = 200,
) -> Reply:
    """A single object, after $select and $expand."""
    _check_options(request, {"$select", "$expand"})
    shown = projections.project(request, resource, item, expand)
    where = context or f"{resource.collection}{projections.selected(request)}/$entity"
    return Reply(status, {"@odata.context": f"{request.root}/$metadata#{where}", **shown})


def listed(
    request: Request,
    resource: Resource,
    items: Callable[[datetime], Sequence[Json]],
    *,
    expand: Expand = no_relations,
    context: str | None = None,
) -> Reply:
    """A page of a collection. `items` gives what was known at a moment, so that all pages fit together."""
    _check_options(request, _OPTIONS)
    moment, offset = _position(request)
    found = _matching(request, resource, items(moment), expand)
    size = _page_size(request)
    page = found[offset : offset + size]
    where = context or f"{resource.collection}{projections.selected(request)}"
    body: Json = {"@odata.context": f"{request.root}/$metadata#{where}"}
    if request.query.get("$count", "").lower() == "true" and request.advanced:
        body["@odata.count"] = len(found)
    if offset + size < len(found):
        body["@odata.nextLink"] = _next_link(request, moment, offset + size)
    body["value"] = [projections.project(request, resource, item, expand) for item in page]
    return Reply(200, body)


def counted(request: Request, resource: Resource, items: Sequence[Json], expand: Expand) -> Reply:
    """`/$count`: a plain number, from the index only."""
    if not request.advanced:
        raise bad_request("$count is not currently supported.", "Request_UnsupportedQuery")
    return Reply(200, str(len(_matching(request, resource, items, expand))))


def indexed_until(request: Request) -> datetime:
    """The index has heard of everything up to this moment."""
    return request.world.seen_by_now(request.world.delays.directory)


def _check_options(request: Request, known: set[str]) -> None:
    for name in request.query:
        if name == "$skip":
            raise bad_request("'$skip' is not supported by the service.")
        if name.startswith("$") and name not in known:
            raise malformed(f"The query specified in the URI is not valid. Option '{name}'.")


def _matching(
    request: Request, resource: Resource, items: Sequence[Json], expand: Expand
) -> list[Json]:
    advanced = request.advanced and request.query.get("$count", "").lower() == "true"
    advanced = advanced or (request.advanced and request.path.lower().endswith("/$count"))
    found = list(items)
    if text := request.query.get("$filter"):
        test = compile_filter(
            text,
            resource,
            advanced=advanced,
            count_related=lambda item, name: len(expand(request, item, name)),
        )
        found = [item for item in found if test(item)]
    if text := request.query.get("$search"):
        found = _search(request, text, found)
    if order := request.query.get("$orderby"):
        if request.query.get("$filter") and not advanced and resource.name != "directoryAudit":
            raise unsupported_query("Sorting not supported for current query.")
        found = _sorted(resource, order, found)
    return found


def _search(request: Request, text: str, items: list[Json]) -> list[Json]:
    """`"displayName:word"`: words that begin so."""
    if not request.advanced:
        raise bad_request(
            "Request with $search query parameter only works through MSGraph with a special "
            "request header: 'ConsistencyLevel: eventual'"
        )
    match = re.fullmatch(r'"(displayName|description):(.+)"', text.strip())
    if match is None:
        raise malformed(f"Syntax error: character ':' is not valid at position 0 in '{text}'.")
    name, wanted = match.group(1), match.group(2).lower()
    return [
        item
        for item in items
        if any(word.startswith(wanted) for word in re.findall(r"\w+", str(item.get(name)).lower()))
        or wanted in str(item.get(name)).lower()
    ]


def _sorted(resource: Resource, order: str, items: list[Json]) -> list[Json]:
    name, _, direction = order.strip().partition(" ")
    if name not in resource.properties:
        raise malformed(
            f"Could not find a property named '{name}' on type '{resource.odata_type[1:]}'."
        )
    return sorted(
        items,
        key=lambda item: str(item.get(name) or "").lower(),
        reverse=direction.strip().lower() == "desc",
    )


def _position(request: Request) -> tuple[datetime, int]:
    """The moment whose state is shown, and how much of it has been shown already."""
    token = request.query.get("$skiptoken")
    if token is None:
        return indexed_until(request), 0
    try:
        at, offset = json.loads(base64.urlsafe_b64decode(token))
        return datetime.fromisoformat(at), int(offset)
    except (ValueError, TypeError) as wrong:
        raise bad_request("Invalid page token.", "Directory_ExpiredPageToken") from wrong


def _next_link(request: Request, moment: datetime, offset: int) -> str:
    token = base64.urlsafe_b64encode(json.dumps([moment.isoformat(), offset]).encode()).decode()
    query = urlencode({**request.query, "$skiptoken": token}, quote_via=quote, safe="$(),:'/")
    return f"{request.root}{spelled_out(request.path)}?{query}"


def _page_size(request: Request) -> int:
    text = request.query.get("$top")
    if text is None:
        return _PAGE
    if not text.isdigit():
        raise malformed(f"Invalid value '{text}' for $top query option found.")
    if not 1 <= int(text) <= _LARGEST_PAGE:
        raise unsupported_query(
            f"Invalid page size specified: '{text}'. Must be between 1 and 999 inclusive."
        )
    return min(int(text), _LARGEST_EXPANDED_PAGE) if "$expand" in request.query else int(text)
