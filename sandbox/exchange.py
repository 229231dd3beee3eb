"""One exchange, from the socket to the service and back.

Latency, faults and the record are here, once for all services.
"""

import asyncio
import importlib
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from sandbox.control.service import Control
from sandbox.entra import bearer
from sandbox.faults import Fault, parse
from sandbox.sandbox import Sandbox
from sandbox.web import Call, Service
from sandbox.world import World, timestamp

_MODULES = {
    "arm": "sandbox.arm.service",
    "login": "sandbox.entra.service",
    "graph": "sandbox.graph.service",
    "loganalytics": "sandbox.loganalytics.service",
    "storage": "sandbox.storage.service",
    "keyvault": "sandbox.keyvault.service",
    "teams": "sandbox.teams.service",
    "oidc": "sandbox.oidc",
    "eventgrid": "sandbox.eventgrid.service",
    "identity": "sandbox.entra.managed_identity",
    "kube": "sandbox.kubernetes.service",
}


# Of the control API's answers these show what is there; the others may hand out something new.
_READINGS = ("/sandbox/state", "/sandbox/record", "/sandbox/secrets")


class Exchanges:
    """The ASGI application of every listener; the port that a call came in by says which service it is for."""

    def __init__(self, sandbox: Sandbox, ports: Mapping[int, str]) -> None:
        self._sandbox = sandbox
        self._ports = ports
        self._control = Control(sandbox)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the call, let the service answer, keep a record."""
        if scope["type"] != "http":
            return
        send = _dated(self._sandbox, send)
        try:
            call = await self._read(scope, receive)
        except ClientDisconnect:
            return
        self._sandbox.world.agenda.catch_up()
        if call.service == "control":
            answer = await self._control.serve(call)
            if not call.path.startswith(_READINGS):
                self._sandbox.ledger.note(call, "", answer.headers, bytes(answer.body))
            await answer(scope, receive, send)
            return
        await self._exchange(call, scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive) -> Call:
        request = Request(scope, receive)
        service = self._ports[scope["server"][1]]
        # Whoever stands behind a proxy is known by this header, as behind Azure's front doors: it is
        # how an attacker on the same machine gets an address of his own in the logs.
        forwarded = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
        client = scope["client"][0] if scope.get("client") else "127.0.0.1"
        return Call(
            service=service,
            method=request.method,
            path=scope["path"],
            query=dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
            headers=dict(request.headers),
            body=await request.body(),
            origin=self._sandbox.endpoints[service],
            client_ip=forwarded or client,
            raw_query=scope["query_string"].decode("latin-1"),
        )

    async def _exchange(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        world, faults = self._sandbox.world, self._sandbox.faults
        record = _Record(self._sandbox, call, _target(scope), send)
        await faults.wait(call)
        fault = faults.take(call)
        try:
            if (outage := _outage(world, call)) is not None:
                await _strike(outage, scope, receive, record.send)
                return
            if fault is not None and not fault.after:
                await _strike(fault, scope, receive, record.send)
                return
            response = await _service(call.service)(world, call)
            if fault is not None:
                await _strike(fault, scope, receive, record.send)
            else:
                await response(scope, receive, record.send)
                if (
                    response.status_code == 101
                ):  # what was to be said over the other protocol is said
                    scope["state"]["transport"].close()
        finally:
            record.close()


def _dated(sandbox: Sandbox, send: Send) -> Send:
    """Every answer says what time it is, by the sandbox's clock."""

    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            now = format_datetime(sandbox.world.clock.now(), usegmt=True)
            message = {**message, "headers": [*message["headers"], (b"date", now.encode())]}
        await send(message)

    return dated


def _target(scope: Scope) -> str:
    """Path and query to the letter: decoding would merge "%2F" with "/"."""
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _service(name: str) -> Service:
    """Imported when it is first called: whoever asks no KQL need not wait for DuckDB."""
    module = importlib.import_module(_MODULES["kube" if name.startswith("kube-") else name])
    serve: Service = module.serve
    return serve


def _outage(world: World, call: Call) -> Fault | None:
    """What happens to every call to an API server that is down, as a fault."""
    if not call.service.startswith("kube-"):
        return None
    cluster = world.clusters[call.service.removeprefix("kube-")]
    if not cluster.outage:
        return None
    return parse({"kind": cluster.outage})


async def _strike(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    if fault.kind == "status":
        headers = {"retry-after": fault.retry_after} if fault.retry_after is not None else {}
        body = b"" if fault.body is None else json.dumps(fault.body).encode()
        answer = Response(
            body, status_code=fault.status, headers=headers, media_type="application/json"
        )
        await answer(scope, receive, send)
        return
    if fault.kind == "timeout":
        with suppress(TimeoutError):
            async with asyncio.timeout(fault.seconds):
                while (await receive())["type"] != "http.disconnect":
                    continue
    scope["state"]["transport"].abort()
    while (await receive())["type"] != "http.disconnect":  # or the server would miss an answer
        continue


class _Record:
    """Listens in on an answer and writes the exchange down when it is over."""

    def __init__(self, sandbox: Sandbox, call: Call, target: str, send: Send) -> None:
        # A reset begins a new record; what was under way then belongs to the old one.
        self._recorder = sandbox.recorder
        self._ledger = sandbox.ledger
        self._call = call
        self._target = target
        self._send = send
        self._clock = sandbox.world.clock
        self._began: datetime = self._clock.now()
        self._status: int | None = None  # stays so where the connection was cut
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        caller = bearer.peek(sandbox.world, call)
        self._caller = caller.object_id if caller else None

    async def send(self, message: Message) -> None:
        """Pass on and remember."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in message["headers"]
            }
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
        await self._send(message)

    def close(self) -> None:
        """The exchange is over, by an answer or by a cut connection."""
        query = self._target.partition("?")[2]
        self._ledger.note(self._call, query, self._headers, bytes(self._body))
        self._recorder.add(
            self._call,
            at=timestamp(self._began),
            took_ms=round((self._clock.now() - self._began).total_seconds() * 1000, 1),
            caller=self._caller,
            target=self._target,
            status=self._status,
            headers=self._headers,
            body=bytes(self._body),
        )
