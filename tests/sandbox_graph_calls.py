"""Callers of the pretend Graph: over HTTP as those who are seeded, in process with any roles.

Over HTTP every test resets the sandbox, which takes a while; in process a fresh directory costs next to nothing.
"""

import abc
import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from sandbox.entra import tokens
from sandbox.graph.service import serve
from sandbox.seed import directory, names
from sandbox.server import services
from sandbox.web import Call
from sandbox.world import Json, World
from tests.sandbox_entra_calls import identity_token
from tests.sandbox_fixture import RunningSandbox

GRAPH = "https://graph.microsoft.com"
EVENTUAL = {"ConsistencyLevel": "eventual"}
AUDIENCES = ["api://AzureADTokenExchange"]
ORDERS = f"/applications/{names.ORDERS_API.application_object_id}"
ORDERS_PRINCIPAL = f"/servicePrincipals/{names.ORDERS_API.object_id}"
NOBODY = "11111111-2222-3333-4444-555555555555"


class GraphCaller(abc.ABC):
    """Somebody with a token for Graph."""

    @abc.abstractmethod
    def call(
        self, method: str, path: str, body: object = None, *, version: str = "v1.0", **headers: str
    ) -> httpx.Response:
        """One call; `path` starts with a slash and may carry a query."""

    def ok(
        self, method: str, path: str, body: object = None, *, version: str = "v1.0", **headers: str
    ) -> Any:
        """The JSON of a call that has to succeed."""
        answer = self.call(method, path, body, version=version, **headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def refused(
        self, method: str, path: str, body: object = None, *, version: str = "v1.0", **headers: str
    ) -> str:
        """Status and code of a refusal, such as "404 Request_ResourceNotFound"."""
        answer = self.call(method, path, body, version=version, **headers)
        assert answer.is_error, f"{method} {path}: {answer.status_code}"
        return f"{answer.status_code} {answer.json()['error']['code']}"

    def new_application(self, **properties: object) -> Json:
        """A registration of this caller's making."""
        created: Json = self.ok("POST", "/applications", {"displayName": "new"} | properties)
        return created


@dataclass(frozen=True)
class RemoteCaller(GraphCaller):
    """Over HTTP."""

    sandbox: RunningSandbox
    token: str

    def call(
        self, method: str, path: str, body: object = None, *, version: str = "v1.0", **headers: str
    ) -> httpx.Response:
        """One call."""
        return self.sandbox.http.request(
            method,
            f"{self.sandbox.endpoints['graph']}/{version}{path}",
            json=body,
            headers={"authorization": f"Bearer {self.token}", **headers},
        )


def planted() -> World:
    """The seeded directory, without a network and without clusters."""
    world = World({name: f"https://localhost:{8000 + n}" for n, name in enumerate(services())})
    directory.plant(world)
    return world


@dataclass(frozen=True)
class LocalCaller(GraphCaller):
    """In process, as an app whose token carries these roles."""

    roles: Sequence[str] = ("Application.ReadWrite.All", "AuditLog.Read.All", "Directory.Read.All")
    world: World = field(default_factory=planted)
    who: names.Ids = names.FIREBREAK
    wids: Sequence[str] = ()

    def call(
        self, method: str, path: str, body: object = None, *, version: str = "v1.0", **headers: str
    ) -> httpx.Response:
        """One call."""
        call = self.prepare(method, path, body, version=version, **headers)
        answer = asyncio.run(serve(self.world, call))
        return httpx.Response(
            answer.status_code, headers=answer.raw_headers, content=bytes(answer.body)
        )

    def prepare(
        self, method: str, path: str, body: object = None, *, version: str = "v1.0", **headers: str
    ) -> Call:
        """The same call, for a loop of the test's own."""
        parts = urlsplit(path)
        return Call(
            service="graph",
            method=method,
            path=f"/{version}{parts.path}",
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={
                "authorization": f"Bearer {self._token()}",
                "content-type": "application/json",
                **{name.lower(): value for name, value in headers.items()},
            },
            body=b"" if body is None else json.dumps(body).encode(),
            origin=self.world.endpoints["graph"],
        )

    def _token(self) -> str:
        now = int(self.world.clock.now().timestamp())
        claims = {
            "aud": GRAPH,
            "oid": self.who.object_id,
            "appid": self.who.app_id,
            "tid": self.world.tenant_id,
            "iat": now,
            "exp": now + 60,
            "roles": list(self.roles),
            "wids": list(self.wids),
        }
        return tokens.signing_key().sign(claims, issuer=tokens.issuer_v1(self.world))


def firebreak(sandbox: RunningSandbox) -> RemoteCaller:
    """The operator: Application.ReadWrite.All, AuditLog.Read.All, Directory.Read.All and more."""
    return RemoteCaller(sandbox, identity_token(sandbox, GRAPH).json()["access_token"])


def person(sandbox: RunningSandbox, name: str) -> RemoteCaller:
    """Somebody of the tenant: dana owns orders-api, vera nothing."""
    return RemoteCaller(sandbox, sandbox.sign_in(name, GRAPH))


def federated(name: str, subject: str = "ci") -> dict[str, object]:
    """The body that creates a federated credential."""
    issuer = "https://token.example.org/"
    return {"name": name, "issuer": issuer, "subject": subject, "audiences": AUDIENCES}
