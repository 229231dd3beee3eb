"""Microsoft Graph: v1.0 of what an incident in the directory needs, and the logs of beta.

Simulates   applications, service principals, their credentials, owners and grants, groups, directory roles, risk,
            deleted items, logs, $batch
Faithful    tokens for Graph only; permissions by the token's claims; limits and conflicts; error objects with request
            ids; a log row per call
Left out    continuous access evaluation
Source      https://learn.microsoft.com/graph/api/overview
"""

import asyncio
import json
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sandbox.entra.bearer import Caller, InvalidTokenError, authenticate
from sandbox.entra.resources import GRAPH
from sandbox.graph import activity, batch, conflicts
from sandbox.graph.dispatch import answer, refuse, size
from sandbox.graph.errors import GraphError, malformed, refuse_token
from sandbox.graph.exchange import Reply, Request
from sandbox.web import Call
from sandbox.world import World

_VERSIONS = ("v1.0", "beta")
_WRITES = ("POST", "PATCH", "PUT")
_JSON = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)


async def serve(world: World, call: Call) -> Response:
    """Answer one call."""
    request_id = str(uuid.uuid4())
    correlation_id = call.headers.get("client-request-id") or request_id
    try:
        reply = await _serve(world, call, request_id, correlation_id)
    except GraphError as refusal:
        reply = refuse(world, refusal, request_id, correlation_id)
    return _response(reply, request_id, correlation_id)


async def _serve(world: World, call: Call, request_id: str, correlation_id: str) -> Reply:
    version, path = _split(call.path)
    request = Request(
        world=world,
        caller=_caller(world, call),
        method=call.method,
        version=version,
        path=path,
        query=call.query,
        headers=call.headers,
        body=None,
        origin=call.origin,
        client_ip=call.client_ip,
        request_id=request_id,
        correlation_id=correlation_id,
    )
    uri = call.origin + quote(call.path, safe="/$()',=") + _query(call)
    try:
        request = replace(request, body=_body(call))
    except GraphError as refusal:
        reply = refuse(world, refusal, request_id, correlation_id)
        return _logged(request, reply, uri, request_id)
    if request.path == "/$batch" and call.method == "POST":
        return batch.run(request, lambda step, url: _logged(step, answer(step), url, request_id))
    return _logged(request, await _one(request), uri, request_id)


async def _one(request: Request) -> Reply:
    """A write takes a moment, and nothing else may write to the same object meanwhile."""
    try:
        with conflicts.writing(request) as writes:
            reply = answer(request)
            if writes:
                await asyncio.sleep(request.world.delays.directory_writes)
            return reply
    except GraphError as refusal:
        return refuse(request.world, refusal, request.request_id, request.correlation_id)


def _logged(request: Request, reply: Reply, uri: str, operation_id: str) -> Reply:
    activity.record(
        request, uri=uri, operation_id=operation_id, status=reply.status, size=size(reply.body)
    )
    return reply


def _split(path: str) -> tuple[str, str]:
    version, _, rest = path.lstrip("/").partition("/")
    if version.lower() not in _VERSIONS:
        raise malformed(f"Invalid version: {version}")
    return version.lower(), f"/{rest}"


def _caller(world: World, call: Call) -> Caller:
    try:
        return authenticate(world, call, [GRAPH])
    except InvalidTokenError as invalid:
        refuse_token(str(invalid))


def _body(call: Call) -> Any:
    """The JSON that was sent, None for nothing. Raises 400, 415."""
    if call.method not in _WRITES or not call.body:
        return None
    content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content_type:
        raise GraphError(
            400,
            "Request_BadRequest",
            "Write requests (excluding DELETE) must contain the Content-Type header declaration.",
        )
    if content_type != "application/json":
        raise GraphError(
            415,
            "RequestBodyRead",
            "A supported MIME type could not be found that matches the content type of the "
            f"request. None of the supported type(s) matches the content type '{content_type}'.",
        )
    try:
        return call.json()
    except ValueError as wrong:
        raise malformed(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and "
            "payload is of valid JSON format."
        ) from wrong


def _query(call: Call) -> str:
    if not call.query:
        return ""
    return "?" + urlencode(call.query, quote_via=quote, safe="$(),:'/")


def _response(reply: Reply, request_id: str, correlation_id: str) -> Response:
    headers = {
        "request-id": request_id,
        "client-request-id": correlation_id,
        "Cache-Control": "no-cache",
        "Strict-Transport-Security": "max-age=31536000",
        **reply.headers,
    }
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    if isinstance(reply.body, str):
        return Response(reply.body, reply.status, headers, media_type="text/plain")
    headers["Content-Type"] = _JSON
    headers["OData-Version"] = "4.0"
    return Response(json.dumps(reply.body, ensure_ascii=False), reply.status, headers)
