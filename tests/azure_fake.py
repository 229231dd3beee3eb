"""A tiny Azure in this process: every service at one TLS origin, and it says what a test ordered.

It is for what a real one can't be made to say: throttling, half answers, lost races, foreign pages.
How Azure itself behaves is tested against the sandbox. Everything of the product is real down to the
socket: SDK pipelines, transports, TLS.
"""

import asyncio
import json
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer

from responders import patience, transports
from responders.cloud import Cloud
from tests.sandbox_fixture import RunningSandbox

TENANT = str(uuid.UUID(int=0x7E4A47))
WORKSPACE = str(uuid.UUID(int=0x10C5))
SUBSCRIPTION = str(uuid.UUID(int=0x5B5))
RESOURCE_GRAPH = "/providers/Microsoft.ResourceGraph/resources"
OURSELVES = str(uuid.UUID(int=0x5E1F))


@dataclass(frozen=True)
class Seen:
    """One request, as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Say:
    """An answer. `drop` closes the connection instead, as a network does."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    after_s: float = 0


Answer = Say | Callable[[Seen], Say]


class FakeAzure:
    """What it was told to say, and what it was asked."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.url = ""
        self._orders: dict[tuple[str, str], list[Answer]] = {}

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answer requests to this path with these, in order; the last one is repeated."""
        self._orders[(method, path.lower())] = list(answers)

    def asked(self, method: str, path: str) -> list[Seen]:
        """The requests to this path."""
        wanted = (method, path.lower())
        return [one for one in self.seen if (one.method, one.path.lower()) == wanted]

    def writes(self) -> list[Seen]:
        """The requests that could change something. Resource Graph is asked by POST."""
        return [one for one in self.seen if one.method != "GET" and one.path != RESOURCE_GRAPH]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Say what was ordered; 404 in Graph's and ARM's words where nothing was."""
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Seen(
            request.method,
            request.path,
            dict(request.query),
            headers,
            json.loads(raw) if raw else None,
        )
        said = self._platform(seen) or self._batched(seen) or self._ordered(seen)
        await asyncio.sleep(said.after_s)
        if said.drop and request.transport is not None:
            request.transport.abort()
        content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        return web.Response(
            status=said.status,
            body=b"" if said.body is None else content,
            headers={"Content-Type": "application/json", "request-id": "req-1", **said.headers},
        )

    def _batched(self, seen: Seen) -> Say | None:
        """What each request of a batch is told, in order; 424 for one that waits for a failed one."""
        if seen.path != "/v1.0/$batch":
            return None
        if (seen.method, seen.path) in self._orders:
            return None  # a test that orders what the batch itself is told
        responses: dict[str, Say] = {}
        for item in seen.body["requests"]:
            if any(responses[one].status >= 400 for one in item.get("dependsOn", [])):
                responses[item["id"]] = problem(424, "FailedDependency")
                continue
            headers = {**seen.headers, **item.get("headers", {})}
            inner = Seen(item["method"], f"/v1.0{item['url']}", {}, headers, item.get("body"))
            responses[item["id"]] = self._ordered(inner)
            if responses[item["id"]].drop:
                return responses[item["id"]]
        shown = [
            {"id": key, "status": one.status, "headers": one.headers, "body": one.body}
            for key, one in responses.items()
        ]
        return Say(200, {"responses": shown})

    def _ordered(self, seen: Seen) -> Say:
        self.seen.append(seen)
        answers = self._orders.get((seen.method, seen.path.lower()))
        if not answers:
            return problem(404, "Request_ResourceNotFound", f"{seen.path} does not exist")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Say) else answer(seen)

    def _platform(self, seen: Seen) -> Say | None:
        """What is always there: the cloud's description and our managed identity."""
        if seen.path == "/metadata/endpoints":
            return Say(200, self.metadata())
        if seen.path == "/msi/token":
            claims = {"oid": OURSELVES, "aud": seen.query["resource"]}
            token = jwt.encode(claims, "not checked by the client, only by services" * 2)
            body = {
                "access_token": token,
                "expires_on": str(int(time.time()) + 3600),
                "resource": seen.query["resource"],
                "token_type": "Bearer",
            }
            return Say(200, body)
        return None

    def metadata(self) -> dict[str, Any]:
        """The document of `GET /metadata/endpoints`."""
        return {
            "authentication": {"loginEndpoint": f"{self.url}/", "audiences": [f"{self.url}/"]},
            "microsoftGraphResourceId": f"{self.url}/",
            "logAnalyticsResourceId": self.url,
        }


def problem(status: int, code: str, message: str = "as ordered", **headers: str) -> Say:
    """An error in the words that Graph and Resource Manager share."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Say(status, {"error": {"code": code, "message": message}}, named)


NOT_REPLICATED = Say(
    400,
    {
        "error": {
            "code": "Request_BadRequest",
            "message": "The appId of the service principal does not reference a valid application object.",
            "details": [{"code": "NoBackingApplicationObject", "target": "appId"}],
        }
    },
)


def page(*items: Any, next_link: str | None = None, key: str = "@odata.nextLink") -> Say:
    """A page of a collection."""
    return Say(200, {"value": list(items)} | ({key: next_link} if next_link else {}))


@pytest.fixture
async def azure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[FakeAzure]:
    """Serve until the test ends, with settings that lead there and pauses that a test can wait for."""
    azure = FakeAzure()
    authority = _authority()
    server = _server(azure, "https")
    identity = _server(azure, "http")  # as on App Service
    await server.start_server(ssl=_tls(authority.issue_cert("localhost")))
    await identity.start_server()
    azure.url = str(server.make_url("/")).rstrip("/")
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    for name, value in {
        "FIREBREAK_ARM_ENDPOINT": azure.url,
        "FIREBREAK_CA_BUNDLE": str(bundle),
        "FIREBREAK_TENANT_ID": TENANT,
        "FIREBREAK_LOG_WORKSPACE_ID": WORKSPACE,
        "IDENTITY_ENDPOINT": str(identity.make_url("/msi/token")),
        "IDENTITY_HEADER": "a-header",
    }.items():
        monkeypatch.setenv(name, value)
    hurry(monkeypatch)
    yield azure
    await server.close()
    await identity.close()


@pytest.fixture
async def cloud(azure: FakeAzure) -> AsyncIterator[Cloud]:
    """The product's port, connected to the fake."""
    connected = await Cloud.connect()
    yield connected
    await _end_reads()
    await connected.close()


@pytest.fixture
async def sandbox_cloud(
    monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox
) -> AsyncIterator[Cloud]:
    """The product's port, connected to a fresh sandbox world whose replicas are up to date.

    It is one identity that may do nearly everything: which of the two does what is for the tests of whole incidents.
    """
    for name, value in sandbox.as_operator().items():
        monkeypatch.setenv(name, value)
    sandbox.no_delays()
    connected = await Cloud.connect()
    yield connected
    await _end_reads()
    await connected.close()


async def _end_reads() -> None:
    """Let end what a failed sibling left behind: `gather` raises the first error, and the other reads go on.

    With their connection closed under them they would hang until a timeout; cancelled while they connect, they would
    leave their sockets to whichever test comes next.
    """
    ours = [
        one
        for one in asyncio.all_tasks() - {asyncio.current_task()}
        if "aiohttp" not in one.get_coro().cr_code.co_filename  # type: ignore[union-attr]  # the fake's own
    ]
    if ours:
        await asyncio.wait(ours, timeout=5)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's pauses, a hundred times shorter."""
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.005)
    monkeypatch.setattr(patience, "DEFAULT_S", 0.2)
    monkeypatch.setattr(transports, "RETRY_DELAY_S", 0.005)


def _server(azure: FakeAzure, scheme: str) -> TestServer:
    application = web.Application()
    application.router.add_route("*", "/{anything:.*}", azure.serve)
    return TestServer(application, scheme=scheme, host="localhost")


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


def _tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
