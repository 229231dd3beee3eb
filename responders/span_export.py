"""How spans get out: in batches, from a thread of their own, so that no step waits for whoever takes them.

The queue is bounded, and what does not fit is dropped. What has ended is sent within a second, and a step waits a tenth
of one at its end, so that an instance which is let go of afterwards has told of it. That is not waited for again until
it is through. Lost is: what a killed process had not sent, what was not taken, and what was dropped.
"""

import asyncio
import atexit
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import structlog
from opentelemetry.trace import SpanContext

from responders import telemetry
from responders.telemetry import SERVICE

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

MOST_WAITING = 4_096  # spans; a step with all its calls is some dozens
_BATCH = 256
_EVERY_MS = 1_000
_WAIT_S = 0.1
_LAST_S = 2.0  # at the end of a process
_AGAIN_S = 60.0  # between two lines of the log about the same trouble
_log = structlog.get_logger("firebreak.telemetry")
_root: ContextVar[SpanContext | None] = ContextVar("firebreak_root_span", default=None)
_flusher: "_Flusher | None" = None
_opening = Lock()


@cache
def is_set_up() -> bool:
    """Whether the settings name anybody who takes spans."""
    return telemetry.to_collector("traces") or telemetry.to_azure("traces")


def tracer() -> "Tracer":
    """What makes spans. The first call loads the SDK; an exporter is loaded by the thread that sends."""
    return _provider().get_tracer(SERVICE)


@contextmanager
def as_root(own: SpanContext) -> Iterator[None]:
    """A span that is begun in this block gets exactly this id."""
    token = _root.set(own)
    try:
        yield
    finally:
        _root.reset(token)


async def flushed() -> None:
    """Wait until what has ended was sent, a moment at most, and not at all while an earlier wait was in vain."""
    flusher = _opened()
    if flusher.is_late:
        flusher.ask(None)
        return
    sent = asyncio.get_running_loop().create_future()
    flusher.ask(sent)
    try:
        await asyncio.wait_for(sent, _WAIT_S)
    except TimeoutError:
        flusher.is_late = True


def forget() -> None:
    """End what sends, and read anew what is set up with the next span."""
    global _flusher  # noqa: PLW0603 - one for the process
    is_set_up.cache_clear()
    with _opening:
        if _provider.cache_info().currsize:
            _within(_LAST_S, _provider().shutdown)
        if _flusher is not None:
            atexit.unregister(_last_words)
            _flusher.end()
        _flusher = None
        _provider.cache_clear()


class _Flusher:
    """A thread that sends on demand: the SDK's own flush does not come back before it is done."""

    def __init__(self, provider: "TracerProvider") -> None:
        self.is_late = False  # the last one who waited did so in vain
        self._provider = provider
        self._wanted, self._lock = Event(), Lock()
        self._waiting: list[asyncio.Future[None]] = []
        self._over = False
        Thread(target=self._run, name="firebreak-spans", daemon=True).start()

    def ask(self, sent: "asyncio.Future[None] | None") -> None:
        """Send soon, and tell this future."""
        if sent is not None:
            with self._lock:
                self._waiting.append(sent)
        self._wanted.set()

    def end(self) -> None:
        """Send nothing more."""
        self._over = True
        self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._over:
                return
            with self._lock:
                waiting, self._waiting = self._waiting, []
            self._provider.force_flush()
            self.is_late = False
            for one in waiting:
                _tell(one)


def _tell(sent: "asyncio.Future[None]") -> None:
    def tell() -> None:
        if not sent.done():
            sent.set_result(None)

    try:
        sent.get_loop().call_soon_threadsafe(tell)
    except RuntimeError:  # its loop was closed: nobody waits any more
        return


def _opened() -> _Flusher:
    global _flusher  # noqa: PLW0603 - one for the process
    provider = _provider()
    with _opening:
        if _flusher is None:
            _flusher = _Flusher(provider)
            atexit.register(_last_words)
        return _flusher


def _last_words() -> None:
    """Seconds at most: an exporter that hangs must not hold up the end of the process."""
    _within(_LAST_S, _provider().force_flush)


def _within(seconds: float, work: Callable[[], object]) -> None:
    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)


@cache
def _provider() -> "TracerProvider":
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - a cold start does without
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

    class Ids(RandomIdGenerator):
        """Random, but for roots."""

        def generate_span_id(self) -> int:
            own = _root.get()
            return super().generate_span_id() if own is None else own.span_id

        def generate_trace_id(self) -> int:
            own = _root.get()
            return super().generate_trace_id() if own is None else own.trace_id

    about = {"service.name": SERVICE}
    if instance := os.environ.get("WEBSITE_INSTANCE_ID"):
        about["service.instance.id"] = instance
    provider = TracerProvider(
        # An incident is rare, and each of its steps may be the one that is asked about.
        sampler=ALWAYS_ON,
        resource=Resource.create(about),
        shutdown_on_exit=False,  # waits half a minute; see `_last_words`
        id_generator=Ids(),
    )
    for exporter in _exporters():
        provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=MOST_WAITING,
                schedule_delay_millis=_EVERY_MS,
                max_export_batch_size=_BATCH,
            )
        )
    return provider


def _exporters() -> "list[SpanExporter]":
    """Each loads its library when it sends first, in the thread that sends."""
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
        SpanExporter,
        SpanExportResult,
    )

    class Late(SpanExporter):
        """Made when it is needed, and loud where it does not deliver."""

        def __init__(self, to: str) -> None:
            self._to = to
            self._made: SpanExporter | None = None
            self._told, self._lost = float("-inf"), 0

        def export(self, spans: "Sequence[ReadableSpan]") -> SpanExportResult:
            try:
                if self._made is None:
                    self._made = _MAKERS[self._to]()
                result = self._made.export(spans)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no reason to stop a step
                self._tell(len(spans), type(error).__name__)
                return SpanExportResult.FAILURE
            if result is not SpanExportResult.SUCCESS:
                self._tell(len(spans), "not taken")
            return result

        def shutdown(self) -> None:
            if self._made is not None:
                self._made.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            del timeout_millis  # nothing is kept here
            return True

        def _tell(self, spans: int, why: str) -> None:
            self._lost += spans
            if time.monotonic() - self._told > _AGAIN_S:
                _log.error("spans not taken", to=self._to, spans=self._lost, why=why)
                self._told, self._lost = time.monotonic(), 0

    to = [("collector", telemetry.to_collector("traces"))]
    to.append(("Azure Monitor", telemetry.to_azure("traces")))
    return [Late(name) for name, named in to if named]


def _otlp() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return OTLPSpanExporter()


def _azure() -> Any:
    from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter  # noqa: PLC0415

    return AzureMonitorTraceExporter(**telemetry.azure_arguments())


_MAKERS = {"collector": _otlp, "Azure Monitor": _azure}
