"""Resource Graph: one question about everything that the caller can see.

Simulates   POST /providers/Microsoft.ResourceGraph/resources (2021-03-01, 2022-10-01, 2024-04-01)
Faithful    late, by `delays.resource_graph`; `authorizationScopeFilter` leaves out what is assigned above
            unless asked; a page has at most 1,000 rows, and no next one where `id` isn't projected;
            15 questions in 5 seconds, then 429; what the caller may not read is simply not there
Left out    facets, history, the quota's other factors
Source      https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources
            https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data
"""

import asyncio
import base64
import binascii
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.arm import bodies, resource_graph_quota
from sandbox.arm import resource_graph_errors as errors
from sandbox.arm.gate import caller_of
from sandbox.arm.resource_graph_queries import Answer, QueryError, run, tables_of
from sandbox.arm.resource_graph_tables import View, rows
from sandbox.arm.subscriptions import visible_to
from sandbox.entra.bearer import Caller
from sandbox.web import Call, Route
from sandbox.world import Json, World

_SHAPE: bodies.Shape = {
    "subscriptions": None,
    "managementGroups": None,
    "query": None,
    "facets": None,
    "options": {
        "$skipToken": None,
        "$top": None,
        "$skip": None,
        "resultFormat": None,
        "allowPartialScopes": None,
        "authorizationScopeFilter": None,
    },
}
# Whether what is assigned above the scope, and below it, is shown.
_REACH = {
    "AtScopeAndBelow": (False, True),
    "AtScopeAndAbove": (True, False),
    "AtScopeAboveAndBelow": (True, True),
    "AtScopeExact": (False, False),
}
_MOST_ROWS = 1000
_OLD = "2019-04-01"  # knows tables only, as the first version did
_TYPES = {"dynamic": "object", "long": "integer", "int": "integer", "bool": "boolean"}


async def query(world: World, call: Call) -> Response:
    """200 with a page of rows; 400 for what Resource Graph can't do; 403 unreadable scopes; 429."""
    caller = caller_of(world, call)
    quota = resource_graph_quota.take(world, caller.object_id)
    body = bodies.read(call, _SHAPE, "QueryRequest")
    options = body.get("options", {})
    text, top, skip = _text(world, body), _top(world, options), _skip(world, options)
    view = _view(world, caller, body, options)
    now = world.clock.now()
    try:
        tables = {table: rows(world, table, view) for table in tables_of(text)}
        answer = await asyncio.to_thread(run, text, tables, now)
    except QueryError as wrong:
        raise errors.invalid_query(world, wrong) from wrong
    page = Answer(answer.columns, answer.rows[skip : skip + top])
    more = skip + top < len(answer.rows)
    pageable = "id" in [name for name, _ in answer.columns]
    form = options.get("resultFormat") or (
        "table" if call.query["api-version"] == _OLD else "objectArray"
    )
    found: Json = {
        "totalRecords": len(answer.rows),
        "count": len(page.rows),
        "data": _shaped(world, page, form),
        "facets": [],
        "resultTruncated": "true" if more and not pageable else "false",
    }
    if more and pageable:
        found["$skipToken"] = base64.urlsafe_b64encode(str(skip + top).encode()).decode()
    return JSONResponse(found, headers=quota)


def _text(world: World, body: Json) -> str:
    text = body.get("query")
    if not isinstance(text, str) or not text.strip():
        raise errors.bad_request(world, "InvalidQuery", "Query is missing or empty.")
    return text


def _top(world: World, options: Json) -> int:
    top = options.get("$top", _MOST_ROWS)
    if not isinstance(top, int) or isinstance(top, bool) or not 1 <= top <= _MOST_ROWS:
        raise errors.bad_request(
            world, "InvalidParameterValue", f"$top must be between 1 and {_MOST_ROWS}."
        )
    return top


def _skip(world: World, options: Json) -> int:
    if (token := options.get("$skipToken")) is not None:
        try:
            return int(base64.urlsafe_b64decode(token))
        except (TypeError, ValueError, binascii.Error):
            raise errors.bad_request(
                world, "InvalidSkipToken", "The skip token is invalid."
            ) from None
    skip = options.get("$skip", 0)
    if not isinstance(skip, int) or isinstance(skip, bool) or skip < 0:
        raise errors.bad_request(world, "InvalidParameterValue", "$skip must not be negative.")
    return skip


def _view(world: World, caller: Caller, body: Json, options: Json) -> View:
    reach = options.get("authorizationScopeFilter", "AtScopeAndBelow")
    if reach not in _REACH:
        raise errors.bad_request(
            world, "InvalidParameterValue", f"authorizationScopeFilter '{reach}' is unknown."
        )
    above, below = _REACH[reach]
    return View(caller.object_id, _scopes(world, caller, body), above, below)


def _scopes(world: World, caller: Caller, body: Json) -> tuple[str, ...]:
    """What is asked about; without a word, every subscription that the caller sees."""
    seen = {item["subscriptionId"].lower(): item["id"] for item in visible_to(world, caller)}
    if groups := body.get("managementGroups"):
        known = {
            each["name"].lower(): each["id"] for each in world.azure.management_groups.values()
        }
        if unknown := [name for name in groups if str(name).lower() not in known]:
            raise errors.access_denied(world, unknown)
        return tuple(known[str(name).lower()] for name in groups)
    wanted = [str(name).lower() for name in body.get("subscriptions") or seen]
    scopes = tuple(seen[name] for name in wanted if name in seen)
    if wanted and not scopes:
        raise errors.access_denied(world, wanted)
    return scopes


def _shaped(world: World, page: Answer, form: Any) -> Any:
    names = [name for name, _ in page.columns]
    if form == "objectArray":
        return [dict(zip(names, row, strict=True)) for row in page.rows]
    if form == "table":
        columns = [{"name": name, "type": _TYPES.get(kind, kind)} for name, kind in page.columns]
        return {"columns": columns, "rows": page.rows}
    raise errors.bad_request(world, "InvalidParameterValue", f"resultFormat '{form}' is unknown.")


ROUTES = [Route("POST", "/providers/Microsoft.ResourceGraph/resources", query)]
