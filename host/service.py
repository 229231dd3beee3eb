"""Puts the host together, serves until told to stop, and takes it apart in order."""

import asyncio
import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from host import environment, host_json, keys, log
from host.alarms import Alarms
from host.browser_sign_in import BrowserOptions, BrowserSignIn
from host.crash import CrashAt
from host.durable.api import DurableApi
from host.durable.client import Client
from host.durable.engine import Engine
from host.durable.links import Links
from host.durable.store import Store
from host.errors import ConfigurationError
from host.front_door import FrontDoor
from host.keys import Keys
from host.queues import Queues
from host.servers import RpcDoor, listen, open_server, started
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
    browsers: BrowserOptions | None = None  # where people sign in; None: by bearer token alone
    crash: CrashAt = field(default_factory=CrashAt)


async def run(options: Options) -> None:
    """Serve the app until SIGTERM or SIGINT.

    Raises:
        HostError: the app, its settings or the command line can't be served; nothing was started.
    """
    options.state.mkdir(parents=True, exist_ok=True)
    settings = host_json.read(options.app / "host.json")
    with _lock(options.state), listen(options.port) as public, listen(options.rpc_port) as rpc:
        port, rpc_port = public.getsockname()[1], rpc.getsockname()[1]
        # What a killed process announced no longer holds.
        (options.state / "host.json").unlink(missing_ok=True)
        log.configure(settings.log_level)
        environment.prepare(options.app, port, signs_in=options.sign_in is not None)
        worker = Worker(open_runtime(), settings.function_timeout)
        await worker.load(options.app)
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
        self._queues = Queues(self._store, worker, settings.queues)
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
            browsers=_browsers(options, self._sign_in, key_ring),
        )

    async def serve(
        self, public: socket.socket, rpc: socket.socket, root: str, addresses: dict[str, str]
    ) -> None:
        """Start, say so, wait for the signal, stop."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        inside = open_server(RpcDoor(self._api, root), self._options.grace_s)
        outside = open_server(self._door, self._options.grace_s)
        serving_inside = await started(inside, rpc)  # first: the app's durable client needs it
        self._engine.recover()
        self._timers.start()
        self._queues.start()
        serving_outside = await started(outside, public)
        _announce(self._options.state, addresses)
        await stop.wait()
        log.info("stopping", grace_s=self._options.grace_s)
        self._alarms.close()
        outside.should_exit = True
        await serving_outside  # functions under way may still need the RPC endpoint
        await self._queues.drain(self._options.grace_s)
        await self._timers.drain(self._options.grace_s)
        await self._engine.drain(self._options.grace_s)
        inside.should_exit = True
        await serving_inside
        if self._sign_in:
            await self._sign_in.close()
        self._store.close()
        log.info("stopped")


def _browsers(options: Options, tokens: SignIn | None, key_ring: Keys) -> BrowserSignIn | None:
    """Sessions outlive a restart of the host: their key is one of the state folder's."""
    if options.browsers is None or tokens is None:
        return None
    key = hmac.new(key_ring.master.encode(), b"browser sessions", hashlib.sha256).hexdigest()
    return BrowserSignIn(options.browsers, tokens, key)


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
