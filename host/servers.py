"""The two listeners: the public port, and the RPC port for the app's own durable client."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Iterator

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from host.durable.api import DurableApi
from host.errors import ConfigurationError, HostError
from host.http_messages import api_call


class Server(uvicorn.Server):
    """uvicorn without its own signal handling: two servers stop in order here."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `run`."""
        yield


class RpcDoor:
    """The ASGI app of the RPC port: the Durable API below a path that nobody can guess.

    The real host's RPC endpoint trusts whoever reaches loopback; a web page in a browser on the same machine does, too.
    """

    def __init__(self, api: DurableApi, root: str) -> None:
        self._api = api
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        raw_path, root = scope["raw_path"], self._root.encode()
        if secrets.compare_digest(raw_path[: len(root)], root):
            call = await api_call(request, raw_path[len(root) :].decode("ascii", "replace"))
            response = await self._api.answer(call, linked=False)
        else:
            response = Response(status_code=404)
        await response(scope, receive, send)


def open_server(app: ASGIApp, grace_s: float) -> Server:
    """A server for one listener; requests under way get the grace, and a second to be written out."""
    return Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=int(grace_s) + 1,
        )
    )


async def started(server: Server, listener: socket.socket) -> asyncio.Task[None]:
    """Begin to serve; returns once requests are taken. The task ends when the server has stopped."""
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started:
        if serving.done():
            serving.result()
            raise HostError("the HTTP server ended before it had started")
        await asyncio.sleep(0.002)  # uvicorn has nothing to wait for
    return serving


@contextlib.contextmanager
def listen(port: int) -> Iterator[socket.socket]:
    """A bound socket on loopback. Raises `ConfigurationError` where the port is taken."""
    # The protocol must be named: asyncio sets TCP_NODELAY only where it is, and without it each answer
    # may wait 40 ms for the other side's delayed acknowledgement.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as taken:
            raise ConfigurationError(f"port {port} can't be had: {taken.strerror}") from taken
        yield listener
