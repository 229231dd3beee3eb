"""Spans: one trace for each incident, whoever makes them; nothing secret in them; nobody waits for their taker."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from responders import span_export, trace_ids, tracing
from responders.errors import RefusedError
from responders.outgoing import outgoing
from tests.collector import Collector, Seen, collector

__all__ = ["collector"]  # a fixture of the tests here

ROOT = Path(__file__).parent.parent
INCIDENT = "inc-20261127-0123456789ab"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl"
SENDER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "APPLICATIONINSIGHTS_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    span_export.forget()
    yield
    span_export.forget()


def named(spans: list[Seen], name: str) -> Seen:
    (found,) = [one for one in spans if one.name == name]
    return found


async def a_step(detail: str = "", status: str = "done") -> None:
    """As `journaled` carries one out, with one call outside."""
    with tracing.span("step disable", INCIDENT, {"firebreak.step": "disable"}) as span:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"https://graph.microsoft.com/v1.0/servicePrincipals/94941ed0-04fe-5f1c-a467-5406a4fd6c70?sig={TOKEN}"
        with outgoing("PATCH", url, headers, attempt=2) as sent:
            sent.answered(204, {"request-id": "r-1"})
        span.says({"firebreak.outcome": status}, bad=status != "done", why=detail)
    await tracing.handed_over()


async def test_a_call_is_a_child_of_its_step_and_a_step_of_its_incident(
    collector: Collector,
) -> None:
    await a_step()
    spans = collector.until(lambda found: len(found) == 2)

    step, call = named(spans, "step disable"), named(spans, "PATCH /v1.0/servicePrincipals/{id}")
    root = trace_ids.root_of(INCIDENT)
    assert {step.trace_id, call.trace_id} == {trace_ids.trace_id(INCIDENT)}
    assert call.parent_id == step.span_id
    assert int(step.parent_id, 16) == root.span_id
    assert call.attributes["http.response.status_code"] == 204
    assert call.attributes["server.address"] == "graph.microsoft.com"
    assert call.attributes["firebreak.attempt"] == 2
    assert call.attributes["firebreak.request_id"] == "r-1"
    assert len(call.attributes["firebreak.client_request_id"]) == 36


async def test_no_token_and_no_query_is_in_a_span(collector: Collector) -> None:
    await a_step(f"Bearer {TOKEN} was refused", "refused")
    collector.until(lambda found: len(found) == 2)

    sent = b"".join(collector.bodies)
    assert TOKEN.encode() not in sent
    assert b"sig=" not in sent
    assert b"was refused" in sent


async def test_what_was_refused_is_an_error_with_its_reason(collector: Collector) -> None:
    await a_step("the scope is locked", "refused")
    step = named(collector.until(lambda found: len(found) == 2), "step disable")

    assert step.failed
    assert step.why == step.attributes["firebreak.why"] == "the scope is locked"


async def test_an_error_is_named_by_its_class_alone(collector: Collector) -> None:
    with pytest.raises(RefusedError), tracing.span("step x", INCIDENT, {}):
        raise RefusedError(f"client_secret={TOKEN}")
    step = named(collector.until(bool), "step x")

    assert step.failed
    assert step.attributes["error.type"] == "RefusedError"
    assert TOKEN.encode() not in b"".join(collector.bodies)


async def test_the_root_is_what_all_others_name_and_has_the_times_of_the_whole(
    collector: Collector,
) -> None:
    began = datetime.now(UTC) - timedelta(hours=5)
    await a_step()
    tracing.write_root("incident", INCIDENT, (began, datetime.now(UTC)), {"firebreak.mode": "x"})
    spans = collector.until(lambda found: len(found) == 3)

    root, step = named(spans, "incident"), named(spans, "step disable")
    assert root.parent_id == ""
    assert root.span_id == step.parent_id
    assert root.start == round(began.timestamp() * 1e6) * 1_000
    assert root.end >= step.end


async def test_a_call_comes_from_where_its_sender_says_and_stays_in_the_incidents_trace(
    collector: Collector,
) -> None:
    tracing.came_from({"traceparent": SENDER})
    with tracing.span("call answer_plan", INCIDENT, {}, came=datetime.now(UTC)):
        pass
    call = named(collector.until(bool), "call answer_plan")

    assert call.trace_id == trace_ids.trace_id(INCIDENT)
    assert call.links == (("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"),)


@pytest.mark.parametrize(
    "said",
    ["", "garbage", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", SENDER[:-3], "ff" + SENDER[2:]],
)
def test_a_sender_that_says_nonsense_is_not_pointed_to(said: str) -> None:
    assert trace_ids.of_sender({"traceparent": said}) is None


async def test_a_line_of_the_log_names_the_span_that_it_was_written_in(
    collector: Collector,
) -> None:
    lines: list[Any] = []
    with tracing.span("step x", INCIDENT, {}):
        lines.append(tracing.in_log(None, "info", {"event": "outcome"}))
    step = named(collector.until(bool), "step x")

    assert lines == [{"event": "outcome", "trace_id": step.trace_id, "span_id": step.span_id}]


@pytest.mark.usefixtures("nobody")
async def test_without_a_collector_nothing_is_made_and_nothing_is_loaded() -> None:
    await a_step()

    assert tracing.in_log(None, "info", {}) == {}
    with tracing.span("step x", INCIDENT, {}) as span:
        assert span.context is None


_QUIET = """
import sys
from responders import tracing
from responders.outgoing import outgoing
with tracing.span("step x", "inc-1", {}), outgoing("GET", "https://graph.microsoft.com/v1.0/users/1", {}) as sent:
    sent.answered(200, {})
heavy = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "azure.monitor")
print([one for one in sys.modules if one.startswith(heavy)])
"""


def test_a_process_without_a_collector_never_loads_the_sdk() -> None:
    kept = {name: one for name, one in os.environ.items() if not name.startswith("OTEL")}
    done = subprocess.run(
        [sys.executable, "-c", _QUIET],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"


async def test_a_collector_that_does_not_answer_costs_a_tenth_of_a_second_once(
    collector: Collector,
) -> None:
    collector.waits_s = 2.0
    began = time.monotonic()
    for _ in range(20):
        await a_step()
    spent = time.monotonic() - began

    assert spent < 1.5


def said(lines: Any) -> list[Any]:
    return [one for one in lines if one["event"] == "spans not taken"]


async def test_a_collector_that_refuses_is_said_in_the_log_and_stops_nothing(
    collector: Collector,
) -> None:
    collector.status = 400
    with capture_logs() as lines:
        await a_step()
        deadline = time.monotonic() + 60
        while not said(lines) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    (line,) = said(lines)
    assert line["to"] == "collector"
    assert line["log_level"] == "error"


async def test_the_start_of_an_orchestration_carries_the_incidents_trace(
    collector: Collector,
) -> None:
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - as Durable's client does
        TraceContextTextMapPropagator,
    )

    carried: dict[str, str] = {}
    other = tracing.span("receive sentinel", "inc-20261127-ffffffffffff", {})
    with other, tracing.starting(INCIDENT):
        TraceContextTextMapPropagator().inject(carried)
    collector.until(bool)

    assert carried["traceparent"].split("-")[1] == trace_ids.trace_id(INCIDENT)


def test_ids_of_traces_are_the_same_everywhere_and_differ_from_incident_to_incident() -> None:
    code = f"from responders import trace_ids; print(trace_ids.trace_id({INCIDENT!r}))"
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert other.stdout.strip() == trace_ids.trace_id(INCIDENT)
    assert trace_ids.trace_id("inc-20261127-0123456789ac") != trace_ids.trace_id(INCIDENT)


def test_the_context_of_a_step_is_left_as_it_was(collector: Collector) -> None:
    del collector
    with tracing.span("step x", INCIDENT, {}):
        pass

    assert tracing.in_log(None, "info", {}) == {}
    assert "trace_id" not in structlog.contextvars.get_contextvars()


def test_the_page_says_how_to_find_the_trace_of_an_incident() -> None:
    page = (ROOT / "docs" / "how-to" / "follow-an-incident.md").read_text()
    (command,) = re.findall(r"```bash\n(.*)\n```", page)
    said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == trace_ids.trace_id("inc-20261127-0123456789ab")
