"""Puts the host together, serves until told to stop, and takes it apart in order."""

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from host import environment, host_json, keys, log
from host.alarms import Alarms
from host.crash import CrashAt
from host.durable.api import DurableApi
from host.durable.client import Client
from host.durable.engine import Engine
from host.durable.links import Links
from host.durable.store import Store
from host.errors import ConfigurationError
from host.front_door import FrontDoor, api_call
from host.keys import Keys
from host.sign_in import SignIn, SignInOptions
from host.timers import Timers
from host.worker import Worker, open_runtime


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    app: Path
    state: Path
    port: int = 7071
    rpc_port: int = 17071
    grace_s: float = 10.0
    sign_in: SignInOptions | None = None
    crash: CrashAt = field(default_factory=CrashAt)


class _Server(uvicorn.Server):
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
        raw_path = scope["raw_path"].decode("ascii", "replace")
        if not secrets.compare_digest(raw_path[: len(self._root)], self._root):
            await _not_found(send)
            return
        call = await api_call(request, raw_path[len(self._root) :].partition("?")[0])
        response = await self._api.answer(call, linked=False)
        await response(scope, receive, send)


async def run(options: Options) -> None:
    """Serve the app until SIGTERM or SIGINT.

    Raises:
        HostError: the app, its settings or the command line can't be served; nothing was started.
    """
    options.state.mkdir(parents=True, exist_ok=True)
    settings = host_json.read(options.app / "host.json")
    with _lock(options.state), _listen(options.port) as public, _listen(options.rpc_port) as rpc:
        port, rpc_port = public.getsockname()[1], rpc.getsockname()[1]
        environment.prepare(options.app, port, signs_in=options.sign_in is not None)
        worker = Worker(open_runtime(), settings.function_timeout)
        await worker.load(options.app)
        log.configure(settings.log_level)  # the app may have configured logging while it loaded
        key_ring = keys.load_or_create(options.state / "keys.json")
        host = _Host(options, settings, worker, key_ring)
        root = f"/durabletask/{secrets.token_urlsafe(24)}/"
        url, rpc_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{rpc_port}{root}"
        worker.client_binding = host.links.client_binding(url, rpc_url)
        await host.serve(public, rpc, root, {"url": url, "rpc_url": rpc_url})


class _Host:
    """The parts, and the order in which they start and stop."""

    def __init__(
        self, options: Options, settings: host_json.HostJson, worker: Worker, key_ring: Keys
    ) -> None:
        self._options = options
        self._alarms = Alarms()
        self._store = Store(options.state / "history.sqlite")
        durable = settings.durable
        self._engine = Engine(self._store, worker, durable, self._alarms, options.crash)
        self._timers = Timers(self._store, worker, self._alarms)
        self._sign_in = SignIn(options.sign_in) if options.sign_in else None
        self.links = Links(durable.hub_name, key_ring.systems[keys.DURABLE_TASK])
        client = Client(self._engine, worker, durable)
        self._api = DurableApi(client, self._engine.entities, worker, self.links)
        self._door = FrontDoor(
            worker,
            key_ring,
            self._api,
            self._timers,
            route_prefix=settings.route_prefix,
            signing_in=self._sign_in,
        )

    async def serve(
        self, public: socket.socket, rpc: socket.socket, root: str, addresses: dict[str, str]
    ) -> None:
        """Start, say so, wait for the signal, stop."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        inside = _server(RpcDoor(self._api, root), self._options.grace_s)
        outside = _server(self._door, self._options.grace_s)
        serving_inside = asyncio.create_task(inside.serve([rpc]))
        while not inside.started:  # the app's first call to its durable client must find it
            await asyncio.sleep(0.005)
        self._engine.recover()
        self._timers.start()
        serving_outside = asyncio.create_task(outside.serve([public]))
        while not outside.started:
            await asyncio.sleep(0.005)
        _announce(self._options.state, addresses)
        await stop.wait()
        log.info("stopping", grace_s=self._options.grace_s)
        self._alarms.close()
        outside.should_exit = True
        await serving_outside  # functions under way may still need the RPC endpoint
        await self._timers.drain(self._options.grace_s)
        await self._engine.drain(self._options.grace_s)
        inside.should_exit = True
        await serving_inside
        if self._sign_in:
            await self._sign_in.close()
        self._store.close()
        log.info("stopped")


def _server(app: ASGIApp, grace_s: float) -> _Server:
    return _Server(
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


@contextlib.contextmanager
def _listen(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as taken:
            raise ConfigurationError(f"port {port} can't be had: {taken.strerror}") from taken
        yield listener


@contextlib.contextmanager
def _lock(state: Path) -> Iterator[None]:
    """One process per state folder; the kernel lets go of the lock when the process dies."""
    with (state / "host.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            raise ConfigurationError(f"another host uses {state}") from held
        yield


def _announce(state: Path, addresses: dict[str, str]) -> None:
    """Write host.json's namesake in the state folder: whoever waits for it finds a host that serves."""
    ready = {"pid": os.getpid(), **addresses, "keys_file": str(state / "keys.json")}
    draft = state / "host.json.new"
    draft.touch(mode=0o600)  # the RPC address is a secret
    draft.write_text(json.dumps(ready), "utf-8")
    draft.rename(state / "host.json")
    log.info("serving", url=addresses["url"], state=str(state))


async def _not_found(send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})
