"""Names of traces: made from the incident's or run's own id, so every instance knows them without being told.

A replay, a retry, a second instance, a restart and a call of a person days later all come to the same trace, and so do
the spans that Durable's extension makes of its own: it is told the trace at the start of an orchestration.
https://www.w3.org/TR/trace-context/
"""

import hashlib
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def root_of(about: str) -> SpanContext:
    """The root span of the trace about this incident, run or signal."""
    made = hashlib.sha256(f"trace:{about}".encode()).digest()
    trace_id, span_id = int.from_bytes(made[:16]), int.from_bytes(made[16:24])
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=_SAMPLED)


def trace_id(about: str) -> str:
    """Of an incident or a run, as backends show it: 32 hexadecimal digits."""
    return trace.format_trace_id(root_of(about).trace_id)


def of_sender(headers: Mapping[str, str]) -> SpanContext | None:
    """Which span of its sender a call came from; None where it says none that is valid.

    Whoever sends chooses it. So it is pointed to, and never becomes the trace of an incident.
    """
    said = headers.get("traceparent") or headers.get("Traceparent")
    if not said:
        return None
    context = TraceContextTextMapPropagator().extract({"traceparent": said})
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None
