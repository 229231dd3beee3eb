"""JSON batching: up to 20 requests in one, each with a reply of its own.

Faithful    relative URLs, dependsOn with 424 where one that it waits for failed, a status per item
Left out    items run one after the other, in their order
Source      https://learn.microsoft.com/graph/json-batching
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.faults import Faults
from sandbox.graph.errors import GraphError, malformed
from sandbox.graph.exchange import Reply, Request
from sandbox.web import Call
from sandbox.world import Json

Answer = Callable[[Request, str], Reply]  # request, URL as it was asked for
_MOST = 20
_METHODS = {"GET", "POST", "PATCH", "PUT", "DELETE"}


def run(batch: Request, answer: Answer) -> Reply:
    """200 with all replies. Raises 400 where the batch itself is wrong."""
    steps = _steps(batch.body)
    replies: dict[str, Reply] = {}
    for step in steps:
        failed = [each for each in step.get("dependsOn") or [] if replies[each].status >= 400]
        replies[step["id"]] = _failed_dependency() if failed else _one(batch, step, answer)
    shown = [_shown(key, reply) for key, reply in replies.items()]
    return Reply(200, {"responses": shown})


def _steps(body: Any) -> list[Json]:
    steps = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(steps, list) or not steps:
        raise malformed("Invalid batch payload format.")
    if len(steps) > _MOST:
        raise malformed(f"Number of batch request steps exceeds the maximum value of {_MOST}.")
    seen: set[str] = set()
    for step in steps:
        _check(step, seen)
        seen.add(step["id"])
    return steps


def _check(step: Any, seen: set[str]) -> None:
    if not isinstance(step, dict) or not isinstance(step.get("id"), str):
        raise malformed("Batch request ids must be non-empty strings.")
    name = step["id"]
    if name in seen:
        raise malformed(f"Batch request id: {name} is duplicated.")
    if str(step.get("method", "")).upper() not in _METHODS:
        raise malformed(f"Invalid method of the batch request with id: {name}.")
    if not str(step.get("url", "")).startswith("/"):
        raise malformed(f"The url of the batch request with id: {name} must be relative.")
    if "body" in step and "content-type" not in {
        each.lower() for each in step.get("headers") or {}
    }:
        raise malformed(f"Write request id : {name} does not contain Content-Type header or body.")
    if unknown := [each for each in step.get("dependsOn") or [] if each not in seen]:
        raise malformed(f"Request Id: {name} depends on the unknown or later request {unknown[0]}.")


def _one(batch: Request, step: Json, answer: Answer) -> Reply:
    parts = urlsplit(step["url"])
    request = replace(
        batch,
        method=step["method"].upper(),
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={
            "user-agent": batch.headers.get("user-agent", ""),
            **{name.lower(): str(value) for name, value in (step.get("headers") or {}).items()},
        },
        body=step.get("body"),
        request_id=str(uuid.uuid4()),
    )
    return _spoilt(request) or answer(request, f"{batch.root}{step['url']}")


def _spoilt(request: Request) -> Reply | None:
    """The reply that a fault puts in the place of this one's; the batch as a whole has met its own faults."""
    faults: Faults | None = request.world.caches.get("faults")
    call = Call(
        service="graph",
        method=request.method,
        path=f"/{request.version}{request.path}",
        query=dict(request.query),
        headers=dict(request.headers),
        body=b"",
        origin=request.origin,
        client_ip=request.client_ip,
    )
    fault = faults.take(call, kinds=("status",)) if faults else None
    if fault is None:
        return None
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    return Reply(fault.status, fault.body, headers)


def _failed_dependency() -> Reply:
    refusal = GraphError(424, "FailedDependency", "A request that this one depends on has failed.")
    return Reply(424, {"error": {"code": refusal.code, "message": refusal.message}})


def _shown(key: str, reply: Reply) -> Json:
    shown: Json = {"id": key, "status": reply.status, "headers": dict(reply.headers)}
    if reply.body is not None:
        shown["headers"]["Content-Type"] = "application/json"
        shown["body"] = reply.body
    return shown
