"""The call that ends an incident, over HTTP, at a host that dies right after it: heard once, carried out, told."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened
from tests import one_trace
from tests.collector import Collector

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def collector() -> Iterator[Collector]:
    listening = Collector()
    yield listening
    listening.close()


@pytest.fixture
async def ground(tmp_path: Path, collector: Collector) -> AsyncIterator[TrainingGround]:
    environment = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces"}
    async with opened(Layout(folder=tmp_path, host_environment=environment)) as running:
        yield running


async def call(
    ground: TrainingGround, method: str, path: str, body: Any = None, **headers: str
) -> httpx.Response:
    """Sent again while the host is away: it is killed, and comes back."""
    token = await ground.control.sign_in("rosa", AUDIENCE)
    url = str(ground.host.ready["url"]).rstrip("/") + path
    said = {"Authorization": f"Bearer {token}", **headers}
    deadline = time.monotonic() + 30
    while True:
        try:
            return await ground.http.request(method, url, json=body, headers=said)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def until(ground: TrainingGround, incident_id: str, *phases: str) -> httpx.Response:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        shown = await call(ground, "GET", f"/api/incidents/{incident_id}")
        if shown.json()["phase"] in phases:
            return shown
        await asyncio.sleep(0.2)
    raise AssertionError(shown.json())


async def test_a_watched_incident_is_ended_though_the_host_dies_on_the_way(
    ground: TrainingGround, collector: Collector
) -> None:
    object_id = ground.described["seed"]["orders_api"]["object_id"]
    wanted = {"object_id": object_id, "mode": "contain", "reason": "somebody is in"}
    opened_first = await call(ground, "POST", "/api/incidents", wanted)
    incident_id = opened_first.json()["incident_id"]
    seen = await until(ground, incident_id, "watching")
    sender = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    sent: dict[str, Any] = {
        "traceparent": sender,
        "body": {"reason": "the identity is deleted anyway"},
        "If-Match": seen.headers["ETag"],
        "Idempotency-Key": "one-call",
    }
    path = f"/api/incidents/{incident_id}/cancel"
    first = await call(ground, "POST", path, **sent)
    ground.host.process.kill()
    await ground.host.process.wait()
    ground.host = await ground.start(0, 1)
    again = await call(ground, "POST", path, **sent)
    ended = (await until(ground, incident_id, "closed")).json()
    spans = await one_trace.of_this_ground(collector, ground, incident_id, lost=3)
    called = [one for one in spans if one.name == "call cancel_incident"]

    assert called, "the call that ended it"
    assert {one.links for one in called} == {((sender[3:35], sender[36:52]),)}
    assert (first.status_code, again.status_code) == (202, 202)
    assert (first.json(), again.headers["Idempotency-Replayed"]) == (again.json(), "true")
    assert ended["outcome"] == "cancelled"
    assert ended["cancelled"]["reason"] == "the identity is deleted anyway"
    assert ended["contained_at"], "it stays as contained as it was"
    assert ended["report"].endswith("report-cancelled.md")
    over = await call(ground, "POST", path, {"reason": "once more"})
    assert (over.status_code, over.json()["code"]) == (409, "Over")

    listed = (await call(ground, "GET", "/api/incidents?outcome=cancelled")).json()
    assert [one["incident_id"] for one in listed["incidents"]] == [incident_id]
    report = await call(ground, "GET", f"/api/incidents/{incident_id}/report?format=md")
    assert "Cancelled by" in report.text
    fresh = (await call(ground, "POST", "/api/incidents", {**wanted, "mode": "plan"})).json()
    assert (fresh["joined"], fresh["incident_id"] != incident_id) == (False, True)
    deep = await call(ground, "GET", "/api/health?deep=true")
    assert deep.status_code == 200, deep.text
    head = await call(ground, "HEAD", f"/api/incidents/{incident_id}")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.exhaustive
@pytest.mark.timeout(580)
async def test_a_host_that_is_killed_at_every_step_ends_the_incident_once(tmp_path: Path) -> None:
    tally = tmp_path / "kills"
    environment = {
        "FIREBREAK_TEST_CRASH_POINTS": "ran,before,after",
        "FIREBREAK_TEST_CRASH_STRIDE": "1",
        "FIREBREAK_TEST_CRASH_TALLY": str(tally),
    }
    layout = Layout(
        folder=tmp_path, host_module="tests.crashing_host", host_environment=environment
    )
    async with opened(layout) as ground:
        object_id = ground.described["seed"]["orders_api"]["object_id"]
        wanted = {"object_id": object_id, "mode": "contain", "reason": "somebody is in"}
        key = {"Idempotency-Key": "one"}
        begun = (await call(ground, "POST", "/api/incidents", wanted, **key)).json()
        incident_id = begun["incident_id"]
        await until(ground, incident_id, "watching")
        path = f"/api/incidents/{incident_id}/cancel"
        said = await call(ground, "POST", path, {"reason": "enough"}, **key)
        ended = (await until(ground, incident_id, "closed")).json()

    assert said.status_code == 202
    assert ended["outcome"] == "cancelled"
    assert len(tally.read_text().splitlines()) > 10, "the host was not killed often enough"
    kept = {one.name for one in (tmp_path / "evidence/incidents" / incident_id).iterdir()}
    assert {"cancelled.json", "report-cancelled.md", "manifest-report-cancelled.json"} <= kept
    assert not list((tmp_path / "evidence/claims").glob("*.json"))
