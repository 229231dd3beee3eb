"""A collector of OpenTelemetry: takes spans by OTLP over HTTP, and keeps them."""

import gzip
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from responders import span_export


@dataclass(frozen=True)
class Seen:
    """One span as it was sent."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str  # empty: the root
    kind: int
    start: int  # nanoseconds
    end: int
    failed: bool
    why: str
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]  # trace and span


class Collector:
    """Listens until it is closed. `status`: what it answers; `waits_s`: after how long."""

    def __init__(self, *, status: int = 200, waits_s: float = 0.0) -> None:
        self.status, self.waits_s = status, waits_s
        self.bodies: list[bytes] = []
        self._spans: list[Seen] = []
        self._lock = Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                time.sleep(collector.waits_s)
                if collector.status == 200 and self.path == "/v1/traces":
                    collector.take(body)
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def spans(self) -> list[Seen]:
        """Each span once: one that was sent again after a crash counts as it was sent last."""
        with self._lock:
            return list({(one.trace_id, one.span_id): one for one in self._spans}.values())

    def take(self, body: bytes) -> None:
        """Keep what a request carries."""
        found = ExportTraceServiceRequest()
        found.ParseFromString(body)
        with self._lock:
            self.bodies.append(body)
            for resource in found.resource_spans:
                for scope in resource.scope_spans:
                    self._spans += [_seen(one) for one in scope.spans]

    def until(self, holds: Callable[[list[Seen]], bool], within_s: float = 10.0) -> list[Seen]:
        """The spans once this is true of them, or as they are when the time is over."""
        deadline = time.monotonic() + within_s
        while not holds(self.spans) and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.spans

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _seen(one: Any) -> Seen:
    return Seen(
        name=one.name,
        trace_id=one.trace_id.hex(),
        span_id=one.span_id.hex(),
        parent_id=one.parent_span_id.hex(),
        kind=one.kind,
        start=one.start_time_unix_nano,
        end=one.end_time_unix_nano,
        failed=one.status.code == 2,
        why=one.status.message,
        attributes={each.key: _value(each.value) for each in one.attributes},
        links=tuple((each.trace_id.hex(), each.span_id.hex()) for each in one.links),
    )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """One that this process sends to, from now on and for one test."""
    listening = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listening.url)
    span_export.forget()
    yield listening
    span_export.forget()
    listening.close()
