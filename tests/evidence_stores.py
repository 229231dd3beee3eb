"""The stores that every test of evidence runs against: a folder, and blobs in the sandbox's storage.

The storage is called within this process: SDK pipeline, guard and requests are the real ones, only the socket isn't
there. A server process, started anew for fifty tests, would take half a minute.
"""

import asyncio
import io
import time
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import requests
import urllib3
from azure.core.credentials import AccessToken
from requests.adapters import BaseAdapter
from starlette.responses import Response

from responders import evidence_transport
from responders.evidence import EvidenceStore
from responders.evidence_blobs import EvidenceBlobs
from responders.evidence_folder import EvidenceFolder
from sandbox.arm.definitions import new_role_assignment
from sandbox.entra import resources, tokens
from sandbox.seed import evidence_account, names
from sandbox.seed.names import FIREBREAK
from sandbox.storage import service
from sandbox.web import Call
from sandbox.world import World

_ORIGIN = "https://storage.test"


class StorageInProcess(BaseAdapter):
    """A world with nothing but Firebreak's evidence account in it, under requests instead of a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World({"storage": _ORIGIN, "login": "https://login.test"})
        self.seeded = evidence_account.plant(self.world)
        since = names.seeded_at(self.world)
        grant = new_role_assignment(
            self.world,
            scope=self.seeded["account_id"],
            role="Storage Blob Data Contributor",
            principal_id=FIREBREAK.object_id,
            created=since,
        )
        self.world.azure.role_assignments.put(grant["id"].lower(), grant, since=since)
        self._loop = Lock()
        self.calls: list[Call] = []
        self.lost: list[
            str
        ] = []  # methods whose next answer never arrives, though the call was served

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """As a server would see it."""
        parts = urlsplit(str(request.url))
        call = Call(
            service="storage",
            method=str(request.method),
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): str(value) for name, value in request.headers.items()},
            body=_bytes(request.body),
            origin=_ORIGIN,
        )
        self.calls.append(call)
        with self._loop:  # as the sandbox: one call at a time, in any order
            answer = asyncio.run(service.serve(self.world, call))
        if self.lost and self.lost[0] == call.method:
            self.lost.pop(0)
            raise requests.ConnectionError("the connection was reset")
        return _answered(answer, request)

    def close(self) -> None:
        """Nothing is open."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        """Firebreak's own."""
        principal = {"id": FIREBREAK.object_id, "appId": FIREBREAK.app_id}
        resource = resources.find(self.world, "https://storage.azure.com")
        assert resource is not None
        with self._loop:
            issued = tokens.issue_to_principal(
                self.world, principal, resource, credential_class="2"
            )
        return AccessToken(issued.token, int(time.time()) + 3600)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else bytes(body.read())


def _answered(answer: Response, request: requests.PreparedRequest) -> requests.Response:
    raw = urllib3.HTTPResponse(
        io.BytesIO(bytes(answer.body)),
        headers=dict(answer.headers),
        status=answer.status_code,
        preload_content=False,
        request_method=request.method,
    )
    response = requests.Response()
    response.status_code, response.raw, response.request = answer.status_code, raw, request
    response.headers.update(answer.headers)
    response.reason, response.url = "", str(request.url)
    return response


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> StorageInProcess:
    """An account of its own for each test."""
    made = StorageInProcess()
    monkeypatch.setattr(evidence_transport, "_Adapter", lambda ca_bundle: made)
    return made


@pytest.fixture
def blobs(storage: StorageInProcess) -> EvidenceBlobs:
    """The product's store in that account."""
    return EvidenceBlobs(storage.seeded["container_url"], storage, None)


@pytest.fixture(params=["folder", "blobs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> EvidenceStore:
    """An empty one."""
    if request.param == "folder":
        return EvidenceFolder(tmp_path / "evidence")
    found: EvidenceStore = request.getfixturevalue("blobs")
    return found
