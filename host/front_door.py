"""Everything that comes in on the public port, and who may pass.

Order as in Azure: App Service authentication, then the key, then the function.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from host import browser_sign_in, eventgrid, keys, log, sign_in
from host.browser_sign_in import BrowserSignIn
from host.durable import links
from host.durable.api import DurableApi
from host.eventgrid import EventGrid
from host.http_messages import BodyTooLongError, api_call, headers_of, read_body, response_to
from host.http_routes import Routes
from host.keys import Keys
from host.protos import Message, TypedData
from host.sign_in import BadTokenError, SignIn
from host.timers import Timers
from host.worker import Worker


class FrontDoor:
    """The ASGI app of the public port."""

    def __init__(  # noqa: PLR0913 - every part of the host that a request may need
        self,
        worker: Worker,
        key_ring: Keys,
        api: DurableApi,
        timers: Timers,
        *,
        route_prefix: str,
        signing_in: SignIn | None,
        browsers: BrowserSignIn | None,
    ) -> None:
        self._worker = worker
        self._keys = key_ring
        self._api = api
        self._timers = timers
        self._event_grid = EventGrid(worker)
        self._routes = Routes(worker.of("httpTrigger"))
        self._prefix = f"/{route_prefix}/" if route_prefix else "/"
        self._sign_in = signing_in
        self._browsers = browsers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        headers = sign_in.without_forged(headers_of(request))
        if self._sign_in:
            try:
                headers |= await self._sign_in.principal(headers.get("authorization"))
            except BadTokenError as refused:
                log.warning("bearer token refused", reason=str(refused), path=request.url.path)
                return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        if self._browsers and "x-ms-client-principal" not in headers:
            headers |= self._browsers.principal(request.cookies)
        try:
            if self._browsers and request.url.path.lower().startswith(browser_sign_in.PATH):
                return await self._browsers.answer(request)
            return await self._dispatch(request, headers)
        except BodyTooLongError:
            return Response(status_code=413)

    async def _dispatch(  # noqa: PLR0911 - the table of contents
        self, request: Request, headers: dict[str, str]
    ) -> Response:
        raw_path = request.scope["raw_path"].decode("ascii", "replace")
        key = headers.get("x-functions-key") or request.query_params.get("code")
        lowered = raw_path.lower().rstrip("/")
        if lowered == eventgrid.PATH:
            if not self._keys.opens_system(key, keys.EVENT_GRID):
                return Response(status_code=401)
            name = request.query_params.get("functionName")
            body = await read_body(request)
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
            body=TypedData(bytes=await read_body(request)),
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
        return response_to(outcome.value)
