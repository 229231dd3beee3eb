"""Everything that comes in on the public port, and who may pass.

Order as in Azure: App Service authentication, then the key, then the function.
"""

from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from host import eventgrid, keys, log, sign_in
from host.durable import links
from host.durable.api import ApiCall, DurableApi
from host.eventgrid import EventGrid
from host.http_routes import Routes
from host.keys import Keys
from host.protos import Message, TypedData
from host.sign_in import BadTokenError, SignIn
from host.timers import Timers
from host.worker import Worker

# The platform's own limit. https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#limits
_LONGEST_BODY = 100 * 1024 * 1024


class BodyTooLongError(Exception):
    """More than the platform takes."""


class FrontDoor:
    """The ASGI app of the public port."""

    def __init__(
        self,
        worker: Worker,
        key_ring: Keys,
        api: DurableApi,
        timers: Timers,
        *,
        route_prefix: str,
        signing_in: SignIn | None,
    ) -> None:
        self._worker = worker
        self._keys = key_ring
        self._api = api
        self._timers = timers
        self._event_grid = EventGrid(worker)
        self._routes = Routes(worker.of("httpTrigger"))
        self._prefix = f"/{route_prefix}/" if route_prefix else "/"
        self._sign_in = signing_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        headers = sign_in.without_forged(_joined(request))
        if self._sign_in:
            try:
                headers |= await self._sign_in.principal(headers.get("authorization"))
            except BadTokenError as refused:
                log.warning("bearer token refused", reason=str(refused), path=request.url.path)
                return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        try:
            return await self._dispatch(request, headers)
        except BodyTooLongError:
            return Response(status_code=413)

    async def _dispatch(  # noqa: PLR0911 - the table of contents
        self, request: Request, headers: dict[str, str]
    ) -> Response:
        raw_path = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
        key = headers.get("x-functions-key") or request.query_params.get("code")
        lowered = raw_path.lower().rstrip("/")
        if lowered == eventgrid.PATH:
            if not self._keys.opens_system(key, keys.EVENT_GRID):
                return Response(status_code=401)
            name = request.query_params.get("functionName")
            body = await _body(request)
            return await self._event_grid.answer(request.method, name, headers, body)
        if lowered.startswith(f"{links.ROOT}/"):
            if not self._keys.opens_system(key, keys.DURABLE_TASK):
                return Response(status_code=401)
            call = await api_call(request, raw_path[len(links.ROOT) :])
            return await self._api.answer(call, linked=True)
        if lowered.startswith("/admin/"):
            return await self._admin(request, lowered, key)
        if lowered == "":
            return Response("The function app is up and running.")
        return await self._function(request, raw_path, headers, key)

    async def _admin(self, request: Request, path: str, key: str | None) -> Response:
        """The two admin calls that local work needs: is it up, and run this timer now."""
        if path == "/admin/host/ping":
            return Response()
        if not self._keys.opens_function(key, "ADMIN"):
            return Response(status_code=401)
        if path == "/admin/host/status":
            return JSONResponse({"state": "Running"})
        if request.method == "POST" and path.startswith("/admin/functions/"):
            found = self._timers.run_now(path.rpartition("/")[2])
            return Response(status_code=202 if found else 404)
        return Response(status_code=404)

    async def _function(
        self, request: Request, raw_path: str, headers: dict[str, str], key: str | None
    ) -> Response:
        if not raw_path.lower().startswith(self._prefix.lower()):
            return Response(status_code=404)
        found = self._routes.find(request.method, raw_path[len(self._prefix) :])
        if found is None:
            return Response(status_code=404)
        route, parameters = found
        if not self._keys.opens_function(key, route.auth_level):
            log.warning("no valid key", function=route.function.name)
            return Response(status_code=401)
        http = Message(
            method=request.method,
            url=str(request.url),
            headers=headers,
            params=parameters,
            query=dict(request.query_params),
            body=TypedData(bytes=await _body(request)),
        )
        outcome = await self._worker.call(
            route.function, TypedData(http=http), headers.get("traceparent")
        )
        if outcome.error is not None:
            log.error(
                "http function failed",
                function=route.function.name,
                error=outcome.error,
                stack=outcome.stack,
            )
            return Response(status_code=500)
        return _response(outcome.value)


async def api_call(request: Request, raw_path: str) -> ApiCall:
    """A request to the Durable API, with its path below the root taken apart."""
    return ApiCall(
        method=request.method,
        segments=[unquote(part) for part in raw_path.strip("/").split("/") if part],
        query=dict(request.query_params),
        body=await _body(request),
        content_type=request.headers.get("content-type", ""),
        traceparent=request.headers.get("traceparent"),
        origin=f"{request.url.scheme}://{request.url.netloc}",
    )


async def _body(request: Request) -> bytes:
    if int(request.headers.get("content-length") or 0) > _LONGEST_BODY:
        raise BodyTooLongError
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > _LONGEST_BODY:
            raise BodyTooLongError
        parts.append(part)
    return b"".join(parts)


def _joined(request: Request) -> dict[str, str]:
    """The headers with repeated ones in one line, as the worker protocol carries them."""
    joined: dict[str, str] = {}
    for name, value in request.headers.items():
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _response(value: TypedData | None) -> Response:
    """What the function returned, as HTTP."""
    kind = value.WhichOneof("data") if value else None
    if value is None or kind is None:
        return Response(status_code=204)
    if kind != "http":
        return Response(_content(value), media_type="text/plain")
    http = value.http
    response = Response(_content(http.body), int(http.status_code))
    for name, text in http.headers.items():
        response.headers[name] = text
    for cookie in http.cookies or ():
        _set_cookie(response, cookie)
    return response


def _content(value: TypedData) -> bytes:
    content: Any = getattr(value, value.WhichOneof("data") or "bytes", b"")
    return content if isinstance(content, bytes) else str(content).encode()


def _set_cookie(response: Response, cookie: Any) -> None:
    response.set_cookie(
        cookie.name,
        cookie.value,
        path=cookie.path.value if cookie.path else "/",
        domain=cookie.domain.value if cookie.domain else None,
        secure=bool(cookie.secure and cookie.secure.value),
        httponly=bool(cookie.http_only and cookie.http_only.value),
        samesite=cookie.same_site.lower() if cookie.same_site else None,
    )
