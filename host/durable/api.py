"""The HTTP API of Durable Functions, for the SDK's client (RPC) and, with a key, for people (webhooks).

Paths, status codes and bodies as in
https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-http-api and HttpApiHandler.cs of
Azure/azure-functions-durable-extension. Left out: waiting for completion in the start call, paging, listing entities.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.responses import JSONResponse, Response

from host.durable import statuses
from host.durable.client import (
    AlreadyExistsError,
    Client,
    Command,
    GoneError,
    NotFoundError,
    StillRunningError,
)
from host.durable.effects import UnservedActionError, require
from host.durable.entities import Entities
from host.durable.instance_ids import InvalidInstanceIdError
from host.durable.links import Links
from host.durable.store import Instance
from host.worker import Worker


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request below the API's root."""

    method: str
    segments: Sequence[str]  # percent-decoded
    query: Mapping[str, str]
    body: bytes
    content_type: str
    traceparent: str | None
    origin: str  # for the links in an answer


class BadQueryError(ValueError):
    """A query parameter can't be read."""


class DurableApi:
    """Answers calls; the RPC endpoint's without links, because its clients make their own."""

    def __init__(self, client: Client, entities: Entities, worker: Worker, links: Links) -> None:
        self._links = links
        self._client = client
        self._entities = entities
        self._worker = worker

    async def answer(self, call: ApiCall, *, linked: bool) -> Response:
        """Route a call; every refusal of the client's acts has its status code here."""
        try:
            return self._route(call, self._links if linked else None)
        except (UnservedActionError, InvalidInstanceIdError, BadQueryError) as refused:
            return _refusal(400, "One or more of the arguments submitted is incorrect", refused)
        except AlreadyExistsError as taken:
            return _refusal(409, "The instance already exists", taken)
        except StillRunningError as running:
            return _refusal(409, "The instance is still running", running)
        except NotFoundError:
            return Response(status_code=404)
        except GoneError:
            return Response(status_code=410)

    def _route(self, call: ApiCall, links: Links | None) -> Response:  # noqa: PLR0911 - the table of contents
        match call.method, [s if i != 1 else "*" for i, s in enumerate(call.segments)]:
            case "POST", ["orchestrators", "*", *rest] if len(rest) <= 1:
                return self._start(call, links, rest[0] if rest else None)
            case "GET", ["instances"]:
                return self._list(call)
            case "GET", ["instances", "*"]:
                return self._status(call)
            case "DELETE", ["instances"]:
                return self._purge_many(call)
            case "DELETE", ["instances", "*"]:
                self._client.purge(call.segments[1])
                return JSONResponse({"instancesDeleted": 1})
            case "POST", ["instances", "*", "raiseEvent", name]:
                return self._raise_event(call, name)
            case "POST", ["instances", "*", "terminate" | "suspend" | "resume" as command]:
                return self._command(call, command)
            case "POST", ["instances", "*", "restart"]:
                return self._restart(call, links)
            case "POST", ["instances", "*", "rewind"]:
                self._client.instance(call.segments[1])
                return _refusal(501, "This host can't rewind: restart the instance instead", None)
            case "GET" | "POST", ["entities", "*", key]:
                return self._entity(call, key)
            case _:
                return Response(status_code=404)

    def _start(self, call: ApiCall, links: Links | None, instance_id: str | None) -> Response:
        body = _json_text(call.body)
        if call.body and body is None:
            return _refusal(400, "Invalid JSON content", None)
        started = self._client.start(
            call.segments[1],
            instance_id,
            body,
            version=call.query.get("version"),
            traceparent=call.traceparent,
        )
        return _accepted(started, links, call.origin)

    def _status(self, call: ApiCall) -> Response:
        instance = self._client.instance(call.segments[1])
        document = statuses.status(instance, show_input=_flag(call, "showInput", default=True))
        if _flag(call, "showHistory"):
            document["historyEvents"] = statuses.shown_history(
                self._client.history(instance.instance_id),
                show_output=_flag(call, "showHistoryOutput"),
            )
        failed = instance.status == "Failed" and _flag(call, "returnInternalServerErrorOnFailure")
        if instance.is_finished:
            return JSONResponse(document, 500 if failed else 200)
        return JSONResponse(document, 202, {"Retry-After": "5"})

    def _list(self, call: ApiCall) -> Response:
        found = self._query(call)
        show_input = _flag(call, "showInput", default=True)
        top = call.query.get("top", "")
        if top and not top.isdecimal():
            raise BadQueryError(f"top isn't a number: {top}")
        shown = found[: int(top)] if top else found
        return JSONResponse([statuses.status(i, show_input=show_input) for i in shown])

    def _query(self, call: ApiCall) -> list[Instance]:
        return self._client.query(
            created_from=_moment(call, "createdTimeFrom"),
            created_to=_moment(call, "createdTimeTo"),
            statuses=[s for s in call.query.get("runtimeStatus", "").split(",") if s],
            prefix=call.query.get("instanceIdPrefix", ""),
        )

    def _purge_many(self, call: ApiCall) -> Response:
        if not call.query.get("createdTimeFrom"):
            return _refusal(400, "Please provide value for 'createdTimeFrom' parameter.", None)
        deleted = self._client.purge_by(self._query(call))
        return JSONResponse({"instancesDeleted": deleted}, 200 if deleted else 404)

    def _raise_event(self, call: ApiCall, name: str) -> Response:
        self._client.instance(call.segments[1])
        if call.content_type.partition(";")[0].strip().lower() != "application/json":
            return _refusal(400, "Only application/json request content is supported", None)
        body = _json_text(call.body)
        if body is None:
            return _refusal(400, "Invalid JSON content", None)
        self._client.raise_event(call.segments[1], name, body)
        return Response(status_code=202)

    def _command(self, call: ApiCall, command: Command) -> Response:
        self._client.command(call.segments[1], command, call.query.get("reason", ""))
        return Response(status_code=202)

    def _restart(self, call: ApiCall, links: Links | None) -> Response:
        new_id = _flag(call, "restartWithNewInstanceId", default=True)
        return _accepted(self._client.restart(call.segments[1], new_id=new_id), links, call.origin)

    def _entity(self, call: ApiCall, key: str) -> Response:
        entity_id = f"@{call.segments[1].lower()}@{key}"
        if call.method == "GET":
            state = self._entities.state(entity_id)
            if state is None:
                return Response(status_code=404)
            return Response(state, media_type="application/json")
        require(self._worker, "entityTrigger", call.segments[1])
        body = call.body.decode() if call.body else None
        self._entities.signal(entity_id, call.query.get("op", ""), body)
        return Response(status_code=202)


def _accepted(instance_id: str, links: Links | None, origin: str) -> Response:
    if links is None:
        return JSONResponse({"id": instance_id}, 202)
    payload = links.management(origin, instance_id)
    headers = {"Location": payload["statusQueryGetUri"], "Retry-After": "10"}
    return JSONResponse(payload, 202, headers)


def _refusal(status_code: int, message: str, why: Exception | None) -> Response:
    """The extension's error body; the SDK reads `ExceptionMessage`."""
    return JSONResponse(
        {"Message": message, "ExceptionMessage": str(why) if why else message}, status_code
    )


def _json_text(body: bytes) -> str | None:
    """The body as text where it is JSON."""
    try:
        text = body.decode()
        json.loads(text)
    except ValueError:
        return None
    return text


def _flag(call: ApiCall, name: str, *, default: bool = False) -> bool:
    return call.query.get(name, str(default)).lower() == "true"


def _moment(call: ApiCall, name: str) -> datetime | None:
    text = call.query.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as malformed:
        raise BadQueryError(f"{name} isn't a date and time: {text}") from malformed
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
