"""Runs by HTTP, in the real app: what is refused begins nothing, a plan counts for nothing, a run is found again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from drill.quiet.day import Day
from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened
from responders import bundles
from responders.evidence_folder import EvidenceFolder
from tests import one_trace
from tests.collector import Collector

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(200),
    pytest.mark.asyncio(loop_scope="module"),
]
HASH = "a" * 64


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    listening = Collector()
    yield listening
    listening.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(
    tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> AsyncIterator[TrainingGround]:
    folder: Path = tmp_path_factory.mktemp("runs")
    to = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    async with opened(Layout(folder=folder, host_environment=to)) as running:
        yield running


async def send(
    ground: TrainingGround, body: Any, name: str = "health_check", **more: str
) -> httpx.Response:
    person = more.pop("person", "rosa")
    token = await ground.control.sign_in(person, AUDIENCE)
    url = f"{str(ground.host.ready['url']).rstrip('/')}/api/playbooks/{name}/runs"
    headers = {"Authorization": f"Bearer {token}", **more}
    return await ground.http.post(url, json=body, headers=headers)


async def runs(ground: TrainingGround) -> list[Any]:
    person = await Day(ground, lambda *_: None).person()
    found: list[Any] = (await person.call("GET", "/api/runs?limit=100"))["runs"]
    return found


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": "why", "parameters": {"cluster": "x"}}, 400, "BadParameters"),
        ({"reason": "why", "parameters": {"clusters": 5}}, 400, "BadParameters"),
        ({"reason": "why", "mode": "respond"}, 400, "BadRequest"),
        ({"mode": "plan"}, 400, "BadRequest"),
        ({"reason": "why", "accepted": ["x"]}, 400, "BadRequest"),
        (
            {"reason": "why", "mode": "apply", "plan_hash": HASH, "accepted": ["x"]},
            409,
            "UnknownPlan",
        ),
    ],
)
async def test_what_makes_no_sense_begins_no_run(
    ground: TrainingGround, body: Any, status: int, code: str
) -> None:
    before = len(await runs(ground))

    answer = await send(ground, body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(await runs(ground)) == before


async def test_a_playbook_that_there_is_not_is_named_with_those_that_there_are(
    ground: TrainingGround,
) -> None:
    answer = await send(ground, {"reason": "why"}, "drop_database")

    assert answer.status_code == 404
    assert "health_check" in answer.json()["next"]


async def test_a_plan_tells_nobody_and_nothing_is_compared_with_it(ground: TrainingGround) -> None:
    day = Day(ground, lambda *_: None)
    wanted = {"clusters": ["aks-weu"]}
    cards = len((await day.control.state())["teams"])

    first = await day.run("health_check", "plan", wanted)
    second = await day.run("health_check", "plan", wanted)

    assert (first.outcome, second.outcome) == ("done", "done")
    assert second.difference["since"] is None
    assert len((await day.control.state())["teams"]) == cards
    tables = {one["title"]: one["rows"] for one in first.document["tables"]}
    assert [row[0] for row in tables["Clusters"]] == ["aks-weu"]


async def test_a_run_is_one_trace_of_its_own(ground: TrainingGround, collector: Collector) -> None:
    seen = await Day(ground, lambda *_: None).run("health_check", "plan", {"clusters": ["aks-weu"]})
    run_id = str(seen.status["run_id"])
    spans = await asyncio.to_thread(collector.until, lambda found: one_trace.ended(found, run_id))

    found = one_trace.of(spans, run_id)
    (root,) = [one for one in found if not one.parent_id]
    assert (root.name, root.attributes["firebreak.outcome"]) == ("run health_check", seen.outcome)
    assert {one.parent_id for one in found} - {one.span_id for one in found} == {""}
    assert root.start <= min(one.start for one in found)
    assert root.end >= max(one.end for one in found)
    assert {"step end_run", "step seal_run"} <= {one.name for one in found}
    assert [one.name for one in spans if one.attributes.get("firebreak.run_id") == run_id] == [
        one.name for one in found if one.attributes.get("firebreak.run_id") == run_id
    ]


async def test_a_cluster_that_nobody_sees_refuses_the_run_and_says_which_there_are(
    ground: TrainingGround,
) -> None:
    day = Day(ground, lambda *_: None)

    seen = await day.run("health_check", "apply", {"clusters": ["aks-nowhere"]})

    assert seen.outcome == "refused"
    assert "aks-weu" in seen.document["summary"]


async def test_the_same_key_is_the_same_run(ground: TrainingGround) -> None:
    body = {"reason": "why"}
    first = await send(ground, body, **{"Idempotency-Key": "once"})
    again = await send(ground, body, **{"Idempotency-Key": "once"})

    assert first.json()["run_id"] == again.json()["run_id"]
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_a_report_comes_in_each_form_and_no_browser_runs_any(ground: TrainingGround) -> None:
    day = Day(ground, lambda *_: None)
    seen = await day.run("health_check", "plan", {"clusters": ["aks-weu"]})
    person = await day.person()
    url = f"{person.origin}/api/runs/{seen.status['run_id']}/report"

    for form, media in (("md", "text/markdown"), ("html", "text/html"), ("csv", "text/csv")):
        answer = await ground.http.get(
            url, params={"format": form}, headers={"Authorization": f"Bearer {person.token}"}
        )
        assert answer.headers["Content-Type"].startswith(media)
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.text


async def test_an_identity_of_nobodys_run_is_404(ground: TrainingGround) -> None:
    person = await Day(ground, lambda *_: None).person()
    url = f"{person.origin}/api/runs/run-health_check-20260101T000000-000000"

    answer = await ground.http.get(url, headers={"Authorization": f"Bearer {person.token}"})

    assert (answer.status_code, answer.json()["code"]) == (404, "UnknownRun")


async def test_the_evidence_of_a_run_is_sealed_and_a_touched_file_is_noticed(
    ground: TrainingGround,
) -> None:
    day = Day(ground, lambda *_: None)
    seen = await day.run("health_check", "plan", {"clusters": ["aks-weu"]})
    person = await day.person()
    run_id = seen.status["run_id"]
    async with asyncio.timeout(90):
        while not (status := await person.call("GET", f"/api/runs/{run_id}"))["manifest"]:
            await asyncio.sleep(0.1)
    store = EvidenceFolder(ground.folder / "evidence")
    where = f"runs/health_check/{run_id}"

    sha256 = status["manifest"]["sha256"]
    assert bundles.verify(store, where, manifest_sha256=sha256) == []
    report = ground.folder / "evidence" / where / "report.md"
    report.chmod(0o600)
    report.write_text(report.read_text().replace("green", "red"))
    (problem,) = bundles.verify(store, where, manifest_sha256=sha256)
    assert problem.path == "report.md"


class Pages:
    """A browser that is signed in, and keeps its cookie."""

    def __init__(self, ground: TrainingGround, token: str) -> None:
        self.ground = ground
        self.origin = str(ground.host.ready["url"]).rstrip("/")
        self.headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str) -> httpx.Response:
        answer = await self.ground.http.get(self.origin + path, headers=self.headers)
        if cookie := answer.headers.get("Set-Cookie"):
            self.headers["Cookie"] = cookie.partition(";")[0]
        return answer

    async def post(self, path: str, fields: Any) -> httpx.Response:
        own = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        return await self.ground.http.post(
            self.origin + path, data=fields, headers={**self.headers, **own}
        )


async def signed_in(ground: TrainingGround, person: str = "rosa") -> Pages:
    return Pages(ground, await ground.control.sign_in(person, AUDIENCE))


def form_token(page: str, action: str) -> str:
    form = page.split(f'action="{action}"')[1]
    return form.split('name="form_token" value="')[1].split('"')[0]


async def test_a_playbook_is_run_from_its_page_and_shows_what_it_found(
    ground: TrainingGround,
) -> None:
    browser = await signed_in(ground)
    page = (await browser.get("/playbooks")).text
    action = "/playbooks/health_check/runs"
    sent = {
        "form_token": form_token(page, action),
        "mode": "plan",
        "reason": "<img src=x onerror=alert(1)>",
        "parameters": "clusters: [aks-weu]",
    }

    begun = await browser.post(action, sent)

    assert begun.status_code == 303
    where = begun.headers["Location"]
    await Day(ground, lambda *_: None).ended(where.rpartition("/")[2])
    shown = (await browser.get(where)).text
    assert "Health is green" in shown
    assert "<img src=x" not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert where in (await browser.get("/runs?playbook=health_check")).text


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"parameters": "clusters: ["}, 400, "no YAML"),
        ({"parameters": "- a"}, 400, "NAME: VALUE"),
        ({"parameters": "cluster: x"}, 400, "Extra inputs are not permitted"),
        ({"reason": ""}, 400, "reason"),
        ({"form_token": "0" * 64}, 403, "not accepted"),
    ],
)
async def test_a_form_that_makes_no_sense_or_is_not_ours_begins_nothing(
    ground: TrainingGround, change: Any, status: int, said: str
) -> None:
    before = len(await runs(ground))
    browser = await signed_in(ground)
    page = (await browser.get("/playbooks")).text
    action = "/playbooks/health_check/runs"
    sent = {"form_token": form_token(page, action), "mode": "plan", "reason": "why"}

    answer = await browser.post(action, {**sent, **change})

    assert answer.status_code == status
    assert said in answer.text
    assert len(await runs(ground)) == before


async def test_metrics_of_runs_are_scraped_by_an_application_and_by_nobody_else(
    ground: TrainingGround,
) -> None:
    day = Day(ground, lambda *_: None)
    seen = await day.run("health_check", "plan", {"clusters": ["aks-weu"]})
    assert seen.outcome == "done"
    bot = ground.described["seed"]["incident_bot"]["app_id"]
    token = await ground.control.sign_in_app(bot, AUDIENCE)
    url = f"{str(ground.host.ready['url']).rstrip('/')}/api/metrics"

    nobody = await ground.http.get(url)
    found = await ground.http.get(url, headers={"Authorization": f"Bearer {token}"})

    assert nobody.status_code == 401
    assert found.status_code == 200
    assert found.headers["content-type"].startswith("text/plain; version=")
    samples = [
        one for family in text_string_to_metric_families(found.text) for one in family.samples
    ]
    named = {(one.name, one.labels.get("playbook")): one.value for one in samples}
    assert named["firebreak_runs_total", "health_check"] >= 1
    assert named["firebreak_acting", None] == 1
