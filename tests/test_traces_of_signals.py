"""What is traced of a signal: with the incident that it opens, or by itself with a mark where it joined."""

import json

import pytest

from responders import claims, span_export, telemetry, trace_ids, tracing
from responders.model import Signal
from responders.outgoing import outgoing
from tests.collector import Collector, collector
from tests.test_metrics import Listener
from triggers import receipts
from triggers.received import Received

__all__ = ["collector"]  # a fixture of the tests here

SIGNAL: Signal = {
    "source": "sentinel",
    "kind": "incident",
    "signal_id": "one",
    "fired_at": "2026-11-27T05:00:00+00:00",
    "title": "t",
    "severity": "High",
    "confidence": "high",
    "authenticated": "token",
    "hint": {},
}
OWN, OTHER = claims.incident_id(SIGNAL), "inc-20261127-ffffffffffff"
RUN = "run-failing_sign_ins-20261127T050000-abcdef"


async def received(*fates: Received) -> None:
    for one in fates:

        async def work(fate: Received = one) -> Received:
            return fate

        await receipts.traced(SIGNAL, receipts.now(), work)


async def seen(collector: Collector, number: int) -> dict[str, set[str]]:
    """Names of spans by trace."""
    found: dict[str, set[str]] = {}
    for one in collector.until(lambda spans: len(spans) >= number):
        found.setdefault(one.trace_id, set()).add(one.name)
    return found


async def test_a_signal_that_waits_in_the_queue_and_then_opens_an_incident_is_in_its_trace(
    collector: Collector,
) -> None:
    await received(Received("queued", "crowd"), Received("accepted", "a rule", OWN))

    assert await seen(collector, 2) == {trace_ids.trace_id(OWN): {"receive sentinel"}}


async def test_a_signal_that_starts_nothing_is_a_trace_with_a_root(collector: Collector) -> None:
    await received(Received("refused", "nobody", code="UnknownPrincipal"))

    names = {"receive sentinel", "signal sentinel"}
    assert await seen(collector, 2) == {trace_ids.trace_id(OWN): names}
    (root,) = [one for one in collector.spans if not one.parent_id]
    assert (root.name, root.failed, root.why) == ("signal sentinel", True, "nobody")


@pytest.mark.parametrize(
    ("fate", "other", "mark"),
    [
        (Received("accepted", "", OTHER, joined=True), OTHER, "join sentinel"),
        (Received("accepted", "", run_id=RUN), RUN, "start sentinel"),
    ],
)
async def test_what_it_joined_or_started_has_a_mark_and_both_point_to_each_other(
    collector: Collector, fate: Received, other: str, mark: str
) -> None:
    await received(fate)

    names = {"receive sentinel", "signal sentinel"}
    assert await seen(collector, 3) == {
        trace_ids.trace_id(OWN): names,
        trace_ids.trace_id(other): {mark},
    }
    links = {one.name: {trace for trace, _ in one.links} for one in collector.spans}
    assert links["receive sentinel"] == {trace_ids.trace_id(other)}
    assert links[mark] == {trace_ids.trace_id(OWN)}


async def test_the_same_signal_again_writes_no_second_root(collector: Collector) -> None:
    await received(Received("recorded", ""), Received("recorded", "", again=True))
    await seen(collector, 3)

    assert len([one for one in collector.spans if not one.parent_id]) == 1


async def test_azure_monitor_gets_the_names_and_properties_that_the_queries_ask_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listening = Listener()
    door = f"InstrumentationKey=94941ed0-04fe-5f1c-a467-5406a4fd6c70;IngestionEndpoint={listening.url}/"
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", door)
    monkeypatch.setattr(telemetry, "azure_arguments", lambda: telemetry.arguments_for(door, None))
    span_export.forget()
    try:
        await received(Received("refused", "nobody"))
        with tracing.span("step disable", OWN, {"firebreak.incident_id": OWN}) as step:
            headers = {"client-request-id": "c-1"}
            with outgoing("PATCH", "https://graph.microsoft.com/v1.0/users/1?x=y", headers) as sent:
                sent.answered(204, {})
            step.says({"firebreak.outcome": "failed"}, bad=True, why="locked")
    finally:
        span_export.forget()
        listening.close()

    items = [one for _, body in listening.bodies for one in json.loads(body)]
    found = {
        one["data"]["baseData"]["name"]: (one["data"]["baseType"], one["data"]["baseData"])
        for one in items
        if one["data"]["baseType"] in {"RequestData", "RemoteDependencyData"}
    }
    assert {name: kind for name, (kind, _) in found.items()} == {
        "receive sentinel": "RequestData",
        "signal sentinel": "RemoteDependencyData",
        "step disable": "RemoteDependencyData",
        "PATCH /v1.0/users/{id}": "RemoteDependencyData",
    }
    step_said, call_said = found["step disable"][1], found["PATCH /v1.0/users/{id}"][1]
    wanted = {"firebreak.why": "locked", "firebreak.outcome": "failed"}
    assert {**step_said["properties"], **wanted} == step_said["properties"]
    assert step_said["success"] is False
    assert call_said["properties"]["firebreak.client_request_id"] == "c-1"
    assert (call_said["target"], call_said["resultCode"]) == (
        "graph.microsoft.com:443",
        "204",
    )
    assert {
        one["tags"]["ai.operation.id"] for one in items if "ai.operation.id" in one["tags"]
    } == {trace_ids.trace_id(OWN)}
