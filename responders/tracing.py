"""Spans: what a step, a receipt or a call outside took, and how it ended. Nothing where nobody is to get them.

They are made in activities and triggers, which are not replayed. Each is written when it ends; the root of an incident
by the step that closes it, with the times of the whole.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from responders import span_export, trace_ids
from responders.redaction import scrub

Attributes = Mapping[str, str | int | float | bool | None]
_SAID = 300  # characters of a detail
_sender: ContextVar[SpanContext | None] = ContextVar("firebreak_sender", default=None)


class Traced:
    """A span that is under way. `says` is told how it ended; without a span behind it nothing hears."""

    def __init__(self, span: Span | None = None) -> None:
        self._span = span

    def says(self, attributes: Attributes, *, bad: bool = False, why: str = "") -> None:
        """What is known at its end; `bad` marks it as an error, with a sentence."""
        if self._span is None:
            return
        self._span.set_attributes(_clean(attributes))
        if bad:
            _mark(self._span, why)

    def concerns(self, about: str) -> None:
        """Point to another trace: of the incident that a signal joined, of the run that it started."""
        if self._span is not None:
            self._span.add_link(trace_ids.root_of(about))

    @property
    def context(self) -> SpanContext | None:
        """By which others point to it."""
        return None if self._span is None else self._span.get_span_context()


_NOTHING = Traced()


def is_on() -> bool:
    """Whether anybody takes spans."""
    return span_export.is_set_up()


@contextmanager
def span(
    name: str, about: str, attributes: Attributes, *, came: datetime | None = None
) -> Iterator[Traced]:
    """Around something that belongs to an incident, a run or a signal: a child of its root.

    `came`: when the call came in that is answered in it, with a pointer to its sender's own span.
    """
    if not is_on():
        yield _NOTHING
        return
    made = span_export.tracer().start_span(
        name,
        context=_under(trace_ids.root_of(about)),
        kind=SpanKind.INTERNAL if came is None else SpanKind.SERVER,
        attributes=_clean(attributes),
        links=None if came is None else _from_sender(),
        start_time=None if came is None else _nanoseconds(came),
    )
    with _current(made):
        yield Traced(made)


@contextmanager
def call(method: str, template: str, attributes: Attributes) -> Iterator[Traced]:
    """Around one attempt of a call outside: a child of what is under way, else a trace of its own."""
    if not is_on():
        yield _NOTHING
        return
    made = span_export.tracer().start_span(
        f"{method} {template}", kind=SpanKind.CLIENT, attributes=_clean(attributes)
    )
    with _current(made):
        yield Traced(made)


def write_root(
    name: str,
    about: str,
    times: tuple[datetime, datetime],
    attributes: Attributes,
    *,
    bad: str = "",
) -> None:
    """Write the root of a trace, which is over: it has the id that all others name as their parent."""
    if not is_on():
        return
    began, ended = map(_nanoseconds, times)
    with span_export.as_root(trace_ids.root_of(about)):
        made = span_export.tracer().start_span(
            name, context=Context(), attributes=_clean(attributes), start_time=began
        )
    if bad:
        _mark(made, bad)
    made.end(max(began, ended))


def write_beside(
    name: str,
    about: str,
    began: datetime,
    attributes: Attributes,
    seen: Traced,
) -> None:
    """Write into another trace what was `seen` in one of its own, and point to it."""
    if not is_on():
        return
    made = span_export.tracer().start_span(
        name,
        context=_under(trace_ids.root_of(about)),
        kind=SpanKind.SERVER,
        attributes=_clean(attributes),
        links=[] if seen.context is None else [Link(seen.context)],
        start_time=_nanoseconds(began),
    )
    made.end()


def starting(about: str) -> AbstractContextManager[Any]:
    """Around the start of an orchestration: Durable's own spans are children of the same root.

    https://github.com/Azure/azure-functions-durable-python/pull/540
    """
    if not is_on():
        return nullcontext()
    return trace.use_span(trace.NonRecordingSpan(trace_ids.root_of(about)))


def came_from(headers: Mapping[str, str]) -> None:
    """Remember which span of its sender a call came from. An invocation begins in an empty context."""
    if is_on():
        _sender.set(trace_ids.of_sender(headers))


async def handed_over() -> None:
    """Have what has ended sent now, and wait for that a moment at most."""
    if is_on():
        await span_export.flushed()


def in_log(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put the ids of the span that is under way into a log line."""
    now = trace.get_current_span().get_span_context()
    if now.is_valid:
        event["trace_id"] = trace.format_trace_id(now.trace_id)
        event["span_id"] = trace.format_span_id(now.span_id)
    return event


def _mark(made: Span, why: str) -> None:
    """As an error, with its reason: Azure Monitor's exporter drops the sentence of a status, and keeps attributes."""
    said = scrub(why)[:_SAID]
    made.set_status(Status(StatusCode.ERROR, said))
    made.set_attribute("firebreak.why", said)


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6) * 1_000


def _under(parent: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _from_sender() -> list[Link]:
    sender = _sender.get()
    return [] if sender is None else [Link(sender, {"firebreak.is": "the sender's own trace"})]


@contextmanager
def _current(made: Span) -> Iterator[None]:
    """What is begun meanwhile is its child. An error that passes is named by its class: its text may hold anything."""
    with trace.use_span(made, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            made.set_attribute("error.type", type(error).__name__)
            made.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            made.end()


def _clean(attributes: Attributes) -> dict[str, str | int | float | bool]:
    return {
        name: scrub(value) if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }
