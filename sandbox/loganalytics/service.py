"""The Log Analytics query API.

Simulates   /v1/workspaces/{id}/query (GET and POST), /v1/$batch and /v1/workspaces/{id}/search
Faithful    audience, Azure RBAC on the workspace and on its tables, types, errors, `timespan`, `Prefer`, answers that
            are cut short, throttling; a table on a cheaper plan is searched only, alone, without a window in the text
Choice      a query of a table that may not be read is refused, as one of the workspace is
Left out    queries in the context of a resource, metadata; the words in which Azure refuses a cheaper table
Source      https://learn.microsoft.com/azure/azure-monitor/logs/api/overview
            https://learn.microsoft.com/rest/api/loganalytics/query
            https://learn.microsoft.com/azure/azure-monitor/logs/basic-logs-query
"""

import asyncio
import json
import re
import threading
import time
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from sandbox.arm.access import allows
from sandbox.entra import resources
from sandbox.entra.bearer import Caller, InvalidTokenError, authenticate
from sandbox.loganalytics import kql, limits, timespans
from sandbox.loganalytics.errors import (
    LogsError,
    bad_argument,
    invalid_body,
    semantic_error,
    too_many_records,
)
from sandbox.loganalytics.rewriting import mentioned
from sandbox.web import Call, Route, Router
from sandbox.world import Json, World

_TYPE = "Microsoft.OperationalInsights/workspaces"
_QUERY = f"{_TYPE}/query/read"
_DATA = f"{_TYPE}/tables/data/read"
_KNOWN = {"query", "timespan", "workspaces"}
_TIME_IN_TEXT = re.compile(r"\bwhere\s+TimeGenerated\b")
_MOST_REQUESTS = 100  # https://learn.microsoft.com/azure/azure-monitor/logs/api/batch-queries


@dataclass(frozen=True, slots=True)
class _Query:
    """One query, wherever it came from."""

    workspace: str
    body: Json
    prefer: str


async def serve(world: World, call: Call) -> Response:
    """Answer one call."""
    try:
        found = _ROUTER.find(call)
        if found is None:
            raise _no_route(call)
        handler, routed = found
        return await handler(world, routed)
    except LogsError as error:
        return error.response()


async def get_query(world: World, call: Call) -> Response:
    """200, 400, 401, 403, 404."""
    caller = _caller(world, call)
    body = {name: call.query[name] for name in ("query", "timespan") if name in call.query}
    prefer = call.headers.get("prefer", "")
    return JSONResponse(await _run(world, caller, _Query(call.params["workspace"], body, prefer)))


async def post_query(world: World, call: Call) -> Response:
    """200, 400, 401, 403, 404, 415."""
    caller = _caller(world, call)
    prefer = call.headers.get("prefer", "")
    query = _Query(call.params["workspace"], _json(call), prefer)
    return JSONResponse(await _run(world, caller, query))


async def post_batch(world: World, call: Call) -> Response:
    """200 with a status for each request, 400, 401, 415."""
    caller = _caller(world, call)
    requests = _json(call).get("requests")
    if not isinstance(requests, list) or not 0 < len(requests) <= _MOST_REQUESTS:
        raise invalid_body(f"'requests' must be a list of 1 to {_MOST_REQUESTS} queries")
    answers = await asyncio.gather(*(_one(world, caller, each) for each in requests))
    return JSONResponse({"responses": answers})


async def post_search(world: World, call: Call) -> Response:
    """200, 400 for more than one table or a window in the text, 401, 403, 404, 415, 429."""
    caller = _caller(world, call)
    query = _Query(call.params["workspace"], _json(call), call.headers.get("prefer", ""))
    _authorize(world, caller, query.workspace, _text_of(query))
    text, timespan = _check({**query.body, "timespan": call.query.get("timespan", "")})
    if not timespan:
        raise bad_argument({"code": "QueryValidationError", "message": "The timespan is missing"})
    if len(mentioned(text)) != 1 or _TIME_IN_TEXT.search(text):
        raise semantic_error("a search is of one table, and its time range is in the timespan")
    async with limits.one_search(world, caller):
        return JSONResponse(await _answer(world, query, text, timespan))


async def _one(world: World, caller: Caller, request: object) -> Json:
    match request:
        case {"id": str(name), "workspace": str(workspace), "body": dict(body), **rest}:
            given = rest.get("headers")
            headers = given if isinstance(given, dict) else {}
        case _:
            raise invalid_body("each request needs 'id', 'workspace' and 'body'")
    prefer = next((value for key, value in headers.items() if key.lower() == "prefer"), "")
    try:
        answer = await _run(world, caller, _Query(workspace, body, prefer))
    except LogsError as error:
        return {"id": name, "status": error.status, "headers": error.headers, "body": error.body}
    return {"id": name, "status": 200, "headers": {}, "body": answer}


async def _run(world: World, caller: Caller, query: _Query) -> Json:
    _authorize(world, caller, query.workspace, _text_of(query))
    text, timespan = _check(query.body)
    for other in query.body.get("workspaces") or []:
        _authorize(world, caller, str(other), text)
    for table in mentioned(text):
        if world.logs.plans.get(table) in ("Basic", "Auxiliary"):
            raise semantic_error(f"The table '{table}' can't be queried on its plan: search it")
    async with limits.one_query(world, caller):
        return await _answer(world, query, text, timespan)


async def _answer(world: World, query: _Query, text: str, timespan: str) -> Json:
    span = timespans.parse(timespan, world.clock.now()) if timespan else None
    started = time.perf_counter()
    result = await asyncio.to_thread(kql.run, world, text, span)
    answer: Json = {"tables": [result.table()]}
    if result.limit is not None:
        answer["error"] = too_many_records(result.limit)
    if "include-statistics=true" in query.prefer.replace(" ", ""):
        answer["statistics"] = _statistics(time.perf_counter() - started, len(result.rows))
    return answer


def _check(body: Json) -> tuple[str, str]:
    unknown = body.keys() - _KNOWN
    if unknown:
        raise invalid_body(f"unknown properties: {', '.join(sorted(unknown))}")
    text, timespan = body.get("query"), body.get("timespan") or ""
    if not isinstance(text, str) or not text.strip():
        raise bad_argument({"code": "QueryValidationError", "message": "The query is missing"})
    if not isinstance(timespan, str):
        raise invalid_body("'timespan' must be a string")
    return text, timespan


def _text_of(query: _Query) -> str:
    """As far as it is one: who may not ask hears that before what is wrong with the question."""
    text = query.body.get("query")
    return text if isinstance(text, str) else ""


def _authorize(world: World, caller: Caller, name: str, text: str) -> None:
    """The workspace is there, under its customer id or its resource id, and so many of its tables may be queried."""
    for resource in world.azure.resources.values():
        if resource["type"].lower() == _TYPE.lower() and name.lower() in (
            resource["properties"]["customerId"].lower(),
            resource["id"].lower(),
        ):
            if allows(world, caller.object_id, _QUERY, resource["id"]) and all(
                _may_read(world, caller, table, resource["id"]) for table in mentioned(text)
            ):
                return
            raise LogsError(
                403,
                "InsufficientAccessError",
                "The provided credentials have insufficient access to perform the requested "
                "operation",
            )
    raise LogsError(404, "WorkspaceNotFoundError", f"The workspace could not be found: {name}")


def _may_read(world: World, caller: Caller, table: str, workspace: str) -> bool:
    """By an action for each table, as older roles have it for all of them, or by the data action of newer roles.

    https://learn.microsoft.com/azure/azure-monitor/logs/manage-access#set-table-level-read-access
    https://learn.microsoft.com/azure/azure-monitor/logs/granular-rbac-log-analytics
    """
    return allows(world, caller.object_id, f"{_TYPE}/query/{table}/read", workspace) or allows(
        world, caller.object_id, _DATA, workspace, data_action=True
    )


def _caller(world: World, call: Call) -> Caller:
    try:
        return authenticate(world, call, [resources.LOG_ANALYTICS])
    except InvalidTokenError as invalid:
        if not call.headers.get("authorization"):
            raise LogsError(
                401, "AuthorizationRequiredError", "Valid authentication was not provided"
            ) from invalid
        raise LogsError(
            401, "InvalidTokenError", "The provided authentication is not valid for this resource"
        ) from invalid


def _json(call: Call) -> Json:
    media = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise LogsError(415, "UnsupportedMediaType", "The content type must be application/json")
    try:
        body = call.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise invalid_body("The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise invalid_body("The request body is not a JSON object")
    return body


def _statistics(seconds: float, rows: int) -> Json:
    return {
        "query": {
            "executionTime": round(seconds, 7),
            "datasetStatistics": [{"tableRowCount": rows}],
        }
    }


def _no_route(call: Call) -> LogsError:
    if _ROUTER.methods(call.path):
        return LogsError(405, "MethodNotAllowedError", f"{call.method} is not allowed here")
    return LogsError(404, "PathNotFoundError", "The requested path does not exist")


ROUTES = [
    Route("GET", "/v1/workspaces/{workspace}/query", get_query),
    Route("POST", "/v1/workspaces/{workspace}/query", post_query),
    Route("POST", "/v1/workspaces/{workspace}/search", post_search),
    Route("POST", "/v1/$batch", post_batch),
]
_ROUTER = Router(ROUTES)
threading.Thread(target=kql.warm_up, name="kql-warm-up", daemon=True).start()
