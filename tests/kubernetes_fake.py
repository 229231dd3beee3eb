"""A tiny API server in this process: objects by path, merge patches, and answers to order.

It is for what a real one can't be made to say: expired lists, lost races, throttling, broken
answers. How Kubernetes itself behaves is tested against the sandbox.
"""

import json
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import trustme

from responders.kube import Kube

Json = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """One request, as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class FakeApi:
    """What it holds, what it will say next, and what it was asked."""

    objects: dict[str, Json] = field(default_factory=dict)  # path -> object
    orders: deque[tuple[int, Any, dict[str, str]]] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)  # "patch deployments.apps"
    rules: list[Json] = field(default_factory=list)  # what it lists of what we may do
    refused: dict[str, int] = field(default_factory=dict)  # plural -> status of every list of it
    url: str = ""

    def say(self, status: int, body: Any = None, **headers: str) -> None:
        """Answer the next request that nothing else was ordered for with this."""
        self.orders.append((status, body, headers))

    def put(self, path: str, **parts: Any) -> Json:
        """An object at this path, with the metadata that a server fills in."""
        segments = path.split("/")
        metadata = {
            "name": segments[-1],
            "namespace": segments[-3],
            "uid": f"uid-{path}",
            "resourceVersion": "1",
            "generation": 1,
        }
        self.objects[path] = {**parts, "metadata": {**metadata, **parts.get("metadata", {})}}
        return self.objects[path]

    def writes(self) -> list[Seen]:
        """The requests that were not reads."""
        return [one for one in self.seen if one.method != "GET"]

    def kube(self, ca_pem: str | None = None) -> Kube:
        """The port to it, as the product has it."""

        async def bearer() -> str:
            return "a-bearer-token"

        return Kube("aks-test", self.url, ca_pem=ca_pem, bearer=bearer)

    def answer(self, request: Seen) -> tuple[int, Any, dict[str, str]]:
        """What was ordered, else what is there."""
        self.seen.append(request)
        if self.orders:
            return self.orders.popleft()
        if request.path.endswith("reviews"):
            return 201, {"status": self._reviewed(request)}, {}
        if request.method == "POST":
            return self._create(request)
        if request.path in self.objects:
            return self._served(request)
        if request.method == "GET" and request.path.endswith("s"):
            return self._list(request.path)
        return 404, _status(f'"{request.path}" not found'), {}

    def _served(self, request: Seen) -> tuple[int, Any, dict[str, str]]:
        match request.method:
            case "PATCH":
                return self._patch(request)
            case "DELETE":
                return self._delete(request)
            case _:
                return self._get(request.path)

    def _delete(self, request: Seen) -> tuple[int, Any, dict[str, str]]:
        found = self.objects[request.path]
        if request.body["preconditions"]["uid"] != found["metadata"]["uid"]:
            return 409, _status("the UID in the precondition does not match"), {}
        return 200, self.objects.pop(request.path), {}

    def _reviewed(self, request: Seen) -> Json:
        if request.path.endswith("selfsubjectrulesreviews"):
            return {"resourceRules": self.rules, "incomplete": False}
        return {"allowed": _asked(request.body) not in self.denied}

    def _get(self, path: str) -> tuple[int, Any, dict[str, str]]:
        return 200, self.objects[path], {}

    def _list(self, path: str) -> tuple[int, Any, dict[str, str]]:
        if status := self.refused.get(path.rpartition("/")[2]):
            return status, _status(f"{path} is refused"), {}
        return 200, {"metadata": {}, "items": self._items(path)}, {}

    def _items(self, path: str) -> list[Json]:
        collection = path.split("/")
        return [
            found
            for place, found in self.objects.items()
            if (parts := place.split("/"))[:-1] == collection
            or [*parts[:-4], parts[-2]] == collection
        ]

    def _patch(self, request: Seen) -> tuple[int, Any, dict[str, str]]:
        found = self.objects[request.path]
        version = request.body.get("metadata", {}).get("resourceVersion")
        if version not in (None, found["metadata"]["resourceVersion"]):
            return 409, _status("the object has been modified"), {}
        found = self.objects[request.path] = _merged(found, request.body)
        found["metadata"]["resourceVersion"] = str(int(found["metadata"]["resourceVersion"]) + 1)
        return 200, found, {}

    def _create(self, request: Seen) -> tuple[int, Any, dict[str, str]]:
        path = f"{request.path}/{request.body['metadata']['name']}"
        if path in self.objects:
            return 409, _status(f'"{path}" already exists'), {}
        return 201, self.put(path, **request.body), {}


@contextmanager
def running(certificate: trustme.LeafCert | None = None) -> Iterator[FakeApi]:
    """Serve until the block ends: over TLS where there is a certificate."""
    api = FakeApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(raw) if raw else None
            query = dict(parse_qsl(url.query))
            status, said, extra = api.answer(Seen(self.command, url.path, query, headers, body))
            content = said.encode() if isinstance(said, str) else json.dumps(said).encode()
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)

        # The names that http.server looks for.
        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        server.socket = _tls(certificate).wrap_socket(server.socket, server_side=True)
    api.url = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def _merged(before: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = _merged(kept.get(name), value)
    return kept


def _asked(review: Json) -> str:
    if path := review["spec"].get("nonResourceAttributes"):
        return f"{path['verb']} {path['path']}"
    wanted = review["spec"]["resourceAttributes"]
    noun = ".".join(filter(None, (wanted["resource"], wanted.get("group"))))
    return f"{wanted['verb']} " + "/".join(filter(None, (noun, wanted.get("subresource"))))


def _status(message: str) -> Json:
    return {"kind": "Status", "message": message}
