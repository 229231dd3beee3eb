"""One process, one listener per service, each served at its root as each has a host of its own in Azure.

All speak TLS with the sandbox's certificate, but for the managed-identity endpoint, which is plain
HTTP on App Service too.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox import certificates, settings
from sandbox.exchange import Exchanges
from sandbox.granted import Granted
from sandbox.sandbox import Sandbox
from sandbox.seed import names
from sandbox.seed.twins.reading import cluster_names
from sandbox.seed.worlds import PLAIN
from sandbox.world import Json

_SERVICES = (
    "control",
    "arm",
    "login",
    "graph",
    "loganalytics",
    "storage",
    "keyvault",
    "teams",
    "oidc",
    "eventgrid",
    "identity",
)
_PLAIN = {"identity"}
_log = logging.getLogger("sandbox")


class Protocol(HttpToolsProtocol):
    """Shows the connection to the application, so that a fault can cut it."""

    def on_message_begin(self) -> None:
        """A new request on this connection."""
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


class _Listener(uvicorn.Server):
    """Leaves signals to `run`, which has two of these to end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut what is open: over TLS, a polite goodbye waits for clients that no longer listen."""
        for connection in list(self.server_state.connections):
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.abort()
        await super().shutdown(sockets)


def services(clusters: int | Sequence[str] = names.DEFAULT_CLUSTERS) -> tuple[str, ...]:
    """Everything that gets a listener; the API servers come last, so that their number moves no other port."""
    found = names.cluster_names(clusters) if isinstance(clusters, int) else clusters
    return (*_SERVICES, *(f"kube-{name}" for name in found))


async def run(
    folder: Path,
    first_port: int,
    clusters: int,
    world: str | Json,
    granted: Mapping[str, Granted],
) -> None:
    """Serve until SIGTERM or SIGINT. `folder` gets the CA and, when all is ready, `sandbox.json`.

    `world` is the name of one, or an export of which one is made, with its clusters.
    """
    folder.mkdir(parents=True, exist_ok=True)
    twin = None if isinstance(world, str) else world
    sockets = _bind(services(clusters if twin is None else cluster_names(twin)), first_port)
    ports = {listener.getsockname()[1]: service for service, listener in sockets.items()}
    endpoints = {
        service: f"{'http' if service in _PLAIN else 'https'}://localhost:{port}"
        for port, service in ports.items()
    }
    issued = certificates.issue(folder)
    name = world if isinstance(world, str) else PLAIN
    sandbox = Sandbox(endpoints, issued, name, granted, twin)
    application = Exchanges(sandbox, ports)
    listeners = [
        (
            _listener(application, issued),
            [each for service, each in sockets.items() if service not in _PLAIN],
        ),
        (_listener(application, None), [sockets[each] for each in _PLAIN]),
    ]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, [each for each, _ in listeners])
    serving = [asyncio.create_task(each.serve(its)) for each, its in listeners]
    while not all(each.started for each, _ in listeners):
        if any(task.done() for task in serving):
            break
        await asyncio.sleep(0.005)
    else:
        _announce(folder / "sandbox.json", sandbox)
    await asyncio.gather(*serving)


def _bind(wanted: Sequence[str], first_port: int) -> dict[str, socket.socket]:
    """A socket per service, on free ports or on consecutive ones."""
    return {
        service: _socket(first_port + number if first_port else 0)
        for number, service in enumerate(wanted)
    }


def _socket(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY; without it every answer waits 40 ms for an acknowledgement.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _listener(application: ASGIApp, tls: certificates.Certificates | None) -> _Listener:
    return _Listener(
        uvicorn.Config(
            application,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,  # `Exchanges` says what time it is in the sandbox
            ssl_certfile=tls.server if tls else None,
            timeout_keep_alive=75,  # longer than the SDKs' pools keep a connection idle
            timeout_graceful_shutdown=1,  # watches never end by themselves
        )
    )


def _end(listeners: list[_Listener]) -> None:
    for each in listeners:
        each.should_exit = True


def _announce(path: Path, sandbox: Sandbox) -> None:
    """Write `sandbox.json` in one step: whoever sees it sees all of it, and may call at once."""
    described = settings.describe(
        sandbox.world, sandbox.certificates.ca, sandbox.seeded, os.getpid()
    )
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(described, indent=2) + "\n")
    partial.replace(path)
    _log.info(json.dumps({"event": "sandbox ready", "pid": os.getpid(), "state": str(path)}))
