"""What is measured: each fact once, whoever notes it; the text that a scraper reads; what goes out by OpenTelemetry."""

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from responders import (
    incident_index,
    milestones,
    run_records,
    sign_in_failures,
    sign_in_totals,
    telemetry,
)
from responders.cloud import Cloud
from responders.errors import TransientError
from responders.evidence_folder import EvidenceFolder
from responders.journal import Journal
from responders.milestones import Failed, Reached
from tests.azure_fake import FakeAzure, Say
from triggers import intake, status
from triggers.metrics import exporting, families, measuring
from triggers.metrics import facts as looking
from triggers.metrics.facts import Facts

NOW = datetime(2026, 11, 27, 5, tzinfo=UTC)
SP, APP = "94941ed0-04fe-5f1c-a467-5406a4fd6c70", "a4a4a4a4-04fe-5f1c-a467-5406a4fd6c70"
INCIDENT = "inc-20261127-0123456789ab"


def some_facts(**more: Any) -> Facts:
    known = Facts(
        now=NOW,
        incidents=Counter({("alertmanager", "plan"): 2}),
        outcomes=Counter({("contain", "contained"): 1}),
        open_now=1,
        reached=[Reached(INCIDENT, "contained", 45.0), Reached("inc-2", "contained", 4000.0)],
        failed=[Failed(INCIDENT, "tell_people", 2), Failed("inc-2", "tell_people", 1)],
        runs=Counter({("health_check", "done"): 3}),
        last_well={"health_check": 1_700_000_000.0},
        findings={("health_check", "high"): 1},
        lights={"Clusters": "red"},
        expiring=[
            {"object_id": SP, "client_id": APP, "kind": "certificate", "ends": one}
            for one in ("2026-11-28T05:00:00Z", "2026-11-27T04:00:00Z")
        ],
        waiting=3,
        oldest_s=90.0,
        poisoned=1,
        acting=True,
        totals={
            "until": {"AADServicePrincipalSignInLogs": (NOW - timedelta(minutes=2)).isoformat()},
            "since": NOW.isoformat(),
            "failures": {f"{SP}/{APP}/700213": 7, f"{SP}/{APP}/7000215": 5, "others//700016": 9},
        },
    )
    return replace(known, **more)


def an_incident() -> Any:
    principal = {"kind": "application", "object_id": SP, "app_id": APP, "display_name": "x"}
    signal = {"source": "sentinel", "kind": "k", "title": "t", "severity": "High"}
    incident = {"incident_id": INCIDENT, "mode": "contain", "opened_at": NOW.isoformat()}
    return {**incident, "principal": principal, "signal": signal}


def scraped(facts: Facts) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    body, media = exporting.text(facts, "")
    assert media.startswith("text/plain")
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(body.decode())
        for one in family.samples
    }


def test_the_text_is_what_prometheus_reads() -> None:
    found = scraped(some_facts())
    who = (("client_id", APP), ("object_id", SP))

    failures = "azure_identity_authentication_failures_total"
    assert found[failures, (who[0], ("code", "700213"), who[1])] == 7
    assert found[failures, (("client_id", ""), ("code", "700016"), ("object_id", "others"))] == 9
    # A wrong secret is no federated credential.
    errors = {key[1]: value for key, value in found.items() if key[0].startswith("azure_fed")}
    assert errors == {(*who, ("reason", "subject")): 7}
    # Of several the first to end, and that may be over.
    ends = "azure_identity_token_expiration_seconds"
    assert found[ends, (who[0], ("kind", "certificate"), who[1])] == -3600
    assert found["firebreak_incidents_total", (("mode", "plan"), ("source", "alertmanager"))] == 2
    assert found["firebreak_step_failures_total", (("step", "tell_people"),)] == 3
    assert found["firebreak_signal_oldest_age_seconds", ()] == 90
    assert found["firebreak_health_light", (("part", "Clusters"),)] == 2
    assert (
        found["firebreak_sign_in_log_age_seconds", (("table", "AADServicePrincipalSignInLogs"),)]
        == 120
    )


def test_a_histogram_counts_each_incident_once_in_every_bucket_that_it_fits() -> None:
    found = scraped(some_facts())
    name = "firebreak_time_to_contain_seconds"
    buckets = {key[1][0][1]: value for key, value in found.items() if key[0] == f"{name}_bucket"}

    assert (buckets["30.0"], buckets["60.0"], buckets["3600.0"], buckets["+Inf"]) == (0, 1, 1, 2)
    assert (found[f"{name}_count", ()], found[f"{name}_sum", ()]) == (2, 4045)


def test_openmetrics_is_spoken_where_it_is_asked_for() -> None:
    body, media = exporting.text(some_facts(), "application/openmetrics-text; version=1.0.0")

    assert media.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_nobody_has_counted_is_no_series_and_never_a_zero() -> None:
    names = {key[0] for key in scraped(some_facts(totals=None, expiring=[]))}

    assert not any(name.startswith("azure_") for name in names)
    assert "firebreak_sign_in_log_age_seconds" not in names


def test_every_federation_error_that_is_troubleshot_has_a_reason() -> None:
    from playbooks.troubleshooting import error_codes  # noqa: PLC0415

    federated = {"issuer", "audience", "subject", "issuer-keys"}
    known = {str(code) for code, one in error_codes.CODES.items() if one.check in federated}
    assert known <= set(families.FEDERATION)


def test_milestones_and_failures_are_noted_once_and_read_by_every_instance(tmp_path: Path) -> None:
    store, other = EvidenceFolder(tmp_path), EvidenceFolder(tmp_path)
    stands = {
        "opened_at": "2026-11-27T05:00:00+00:00",
        "disabled_at": "2026-11-27T05:00:12+00:00",
        "contained_at": None,
        "recovered_at": None,
    }
    measuring.note(store, stands, INCIDENT, over=False)
    measuring.note(other, stands, INCIDENT, over=False)
    assert milestones.all_reached(other) == [Reached(INCIDENT, "disabled", 12.0)]
    assert milestones.all_said(other) == set()

    stands["contained_at"] = "2026-11-27T05:01:00+00:00"
    measuring.note(store, stands, INCIDENT, over=True)
    assert {one.milestone for one in milestones.all_reached(other)} == {"disabled", "contained"}
    assert milestones.all_said(other) == {INCIDENT}


async def test_a_look_notes_what_incidents_and_runs_have_come_to_and_the_next_has_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceFolder(tmp_path)
    incident_index.opened(store, an_incident())
    incident_index.closed(store, INCIDENT, incident_index.Closed("contained", "contain"))
    run_id = "run-health_check-20261127T050000-00000a"
    run_records.opened(store, {"run_id": run_id, "playbook": "health_check", "mode": "apply"})
    how: Any = {"run_id": run_id, "status": "done", "counts": {}, "summary": ""}
    run_records.ended(store, how)
    journal = Journal(store, run_id, folder=f"runs/health_check/{run_id}")
    for target, ended in (("a", "failed"), ("b", "refused"), ("c", "done")):
        run = journal.intent("tell_of_run", target)
        journal.outcome("tell_of_run", target, run=run, status=ended, detail="", duration_ms=1)
    asked: list[str] = []

    async def stands(_client: object, incident_id: str) -> dict[str, Any]:
        asked.append(incident_id)
        at = {"opened_at": NOW.isoformat(), "disabled_at": None, "recovered_at": None}
        return {**at, "contained_at": (NOW + timedelta(seconds=40)).isoformat()}

    monkeypatch.setattr(status, "of", stands)
    monkeypatch.setattr(intake, "store", lambda: store)
    still = SimpleNamespace(metrics=SimpleNamespace(count_sign_ins=False))
    monkeypatch.setattr(intake, "policy", lambda: still)
    for _ in range(2):
        await measuring.measure(None)

    assert asked == [INCIDENT]
    assert milestones.all_reached(store) == [Reached(INCIDENT, "contained", 40.0)]
    assert milestones.all_failed(store) == [Failed(run_id, "tell_of_run", 2)]
    assert milestones.all_said(store) == {INCIDENT, run_id}


async def test_a_workspace_that_does_not_answer_stops_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceFolder(tmp_path)

    async def unreachable() -> Any:
        raise TransientError("no route")

    monkeypatch.setattr(Cloud, "connect", staticmethod(unreachable))
    monkeypatch.setattr(intake, "store", lambda: store)
    counting = SimpleNamespace(metrics=SimpleNamespace(count_sign_ins=True))
    monkeypatch.setattr(intake, "policy", lambda: counting)
    with capture_logs() as logs:
        await measuring.measure(None)

    assert [one["why"] for one in logs if one["event"] == "sign-ins not counted"] == ["no route"]
    assert sign_in_totals.read(store) is None


def test_of_two_moments_of_one_milestone_the_first_counts(tmp_path: Path) -> None:
    store = EvidenceFolder(tmp_path)
    for seconds in (50.0, 30.0, 70.0):
        milestones.reached(store, Reached(INCIDENT, "contained", seconds))

    assert milestones.all_reached(store) == [Reached(INCIDENT, "contained", 30.0)]


def test_facts_are_what_the_store_says_and_the_same_in_a_new_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceFolder(tmp_path)
    incident = an_incident()
    incident_index.opened(store, incident)
    milestones.failed(store, Failed(incident["incident_id"], "remove_grants", 1))
    run_id = "run-health_check-20261127T050000-00000a"
    run_records.opened(store, {"run_id": run_id, "playbook": "health_check", "mode": "apply"})
    ended: Any = {"run_id": run_id, "status": "done", "counts": {"high": 2}, "summary": ""}
    run_records.ended(store, ended)
    first = looking.read(store, timedelta(days=1))
    monkeypatch.setattr(looking, "_ended", {})  # as after a restart
    second = looking.read(EvidenceFolder(tmp_path), timedelta(days=1))

    assert (first.open_now, sum(first.incidents.values())) == (1, 1)
    assert first.runs == Counter({("health_check", "done"): 1})
    assert first.findings == {("health_check", "high"): 2}
    assert replace(second, now=first.now) == first

    incident_index.closed(
        store, incident["incident_id"], incident_index.Closed("contained", "contain")
    )
    assert looking.read(store, timedelta(days=1)).outcomes == {("contain", "contained"): 1}


def rows(*found: tuple[str, str, str, int]) -> Say:
    names = ("ServicePrincipalId", "AppId", "ResultType", "Failures")
    columns = [{"name": one, "type": "string"} for one in names]
    body = {"tables": [{"columns": columns, "rows": [list(one) for one in found]}]}
    none = {"tables": [{"columns": columns, "rows": []}]}
    said = [{"id": "0", "status": 200, "body": body}, {"id": "1", "status": 200, "body": none}]
    return Say(200, {"responses": said})


async def test_sign_ins_are_counted_from_where_the_last_look_ended(
    azure: FakeAzure, cloud: Cloud, tmp_path: Path
) -> None:
    store = EvidenceFolder(tmp_path)
    assert await sign_in_totals.count(cloud, store, NOW) == []
    begun = sign_in_totals.read(store)
    assert begun is not None
    assert begun["failures"] == {}

    azure.on("POST", "/v1/$batch", rows((SP, APP, "700213", 3), ("", "guessed", "700016", 4)))
    later = NOW + timedelta(minutes=5)
    await sign_in_totals.count(cloud, store, later)
    azure.on("POST", "/v1/$batch", rows((SP, APP, "700213", 2)))
    await sign_in_totals.count(cloud, store, later + timedelta(minutes=5))
    totals = sign_in_totals.read(store)

    assert totals is not None
    assert totals["failures"] == {f"{SP}/{APP}/700213": 5, "others//700016": 4}
    queries = [
        one.body["requests"][0]["body"]["query"] for one in azure.asked("POST", "/v1/$batch")
    ]
    assert "let arrived_until = datetime(2026-11-27T05:03:00.000000Z);" in queries[0]
    assert "let arrived_after = datetime(2026-11-27T05:03:00.000000Z);" in queries[1]


async def test_a_table_that_cannot_be_read_is_named_and_counted_later_from_the_same_moment(
    azure: FakeAzure, cloud: Cloud, tmp_path: Path
) -> None:
    store = EvidenceFolder(tmp_path)
    await sign_in_totals.count(cloud, store, NOW)
    azure.on("POST", "/v1/$batch", Say(200, {"responses": []}))
    unread = await sign_in_totals.count(cloud, store, NOW + timedelta(minutes=5))

    assert [one.partition(":")[0] for one in unread] == list(sign_in_failures.TABLES)
    totals = sign_in_totals.read(store)
    assert totals is not None
    assert set(totals["until"].values()) == {(NOW - timedelta(minutes=2)).isoformat()}


async def test_of_two_who_count_at_once_one_is_void(
    azure: FakeAzure, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceFolder(tmp_path)
    await sign_in_totals.count(cloud, store, NOW)
    azure.on("POST", "/v1/$batch", rows((SP, APP, "700213", 3)))
    replace_claim = store.replace_claim

    def beaten(path: str, expected: bytes, content: bytes) -> bool:
        monkeypatch.setattr(store, "replace_claim", replace_claim)
        replace_claim(path, expected, content)  # the other instance
        return replace_claim(path, expected, content)

    monkeypatch.setattr(store, "replace_claim", beaten)
    await sign_in_totals.count(cloud, store, NOW + timedelta(minutes=5))
    totals = sign_in_totals.read(store)

    assert totals is not None
    assert totals["failures"] == {f"{SP}/{APP}/700213": 3}


async def test_a_spray_of_client_ids_makes_one_series(
    azure: FakeAzure, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_totals, "_MOST_SERIES", 2)
    store = EvidenceFolder(tmp_path)
    await sign_in_totals.count(cloud, store, NOW)
    known = [(f"{number:08d}{SP[8:]}", APP, "7000215", 1) for number in range(4)]
    strange = [("", f"{number:08d}{SP[8:]}", "700016", 1) for number in range(50)]
    odd = [(SP, "x/y", 'a"b\n', 1)]
    azure.on("POST", "/v1/$batch", rows(*strange, *known, *odd))
    await sign_in_totals.count(cloud, store, NOW + timedelta(minutes=5))
    totals = sign_in_totals.read(store)

    assert totals is not None
    assert len(totals["failures"]) <= 2 + 3
    assert totals["failures"]["others//700016"] == 50
    assert totals["failures"]["others//others"] == 1


class Kept(MetricExporter):
    """Takes what is handed over."""

    def __init__(self, *, takes: bool = True) -> None:
        super().__init__(preferred_temporality=dict.fromkeys([], AggregationTemporality.DELTA))
        self.takes = takes
        self.samples: dict[tuple[str, tuple[tuple[str, Any], ...]], float] = {}

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        for resource in metrics_data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        labels = tuple(sorted((point.attributes or {}).items()))
                        self.samples[metric.name, labels] = point.value  # type: ignore[union-attr]
        return MetricExportResult.SUCCESS if self.takes else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        return None


def test_by_opentelemetry_goes_what_a_scraper_reads() -> None:
    kept = Kept()

    assert exporting.hand_over(some_facts(), kept)
    assert kept.samples == scraped(some_facts())


def test_handing_on_twice_or_from_a_new_process_is_no_growth() -> None:
    kept = Kept()
    for _ in range(2):  # each look has a provider of its own, as after a restart
        exporting.hand_over(some_facts(), kept)

    assert kept.samples == scraped(some_facts())


class Listener:
    """A collector, or Azure Monitor's door: takes whatever is posted."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                bodies.append((self.path, body))
                self.send_response(200)
                said = b'{"itemsReceived": 1, "itemsAccepted": 1, "errors": []}'
                said = b"" if self.path == "/v1/metrics" else said
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.close()


def test_a_collector_is_found_by_opentelemetrys_own_variable(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listener.url)

    assert exporting.push(some_facts()) == "collector"
    (path, body), *_ = listener.bodies
    assert path == "/v1/metrics"
    assert b"firebreak_time_to_contain_seconds_bucket" in body
    assert SP.encode() in body


def test_azure_monitor_takes_each_sample_with_its_labels(listener: Listener) -> None:
    door = f"InstrumentationKey={SP};IngestionEndpoint={listener.url}/"
    exporter = exporting.to_azure(telemetry.arguments_for(door, None))

    assert exporting.hand_over(some_facts(), exporter)
    sent = [item for _, body in listener.bodies for item in json.loads(body)]
    points = [one["data"]["baseData"] for one in sent]
    found = {
        one["metrics"][0]["value"]: one["properties"]
        for one in points
        if one["metrics"][0]["name"] == "azure_federated_credential_errors_total"
    }
    assert found[7.0]["reason"] == "subject"


def test_it_is_handed_on_only_where_somebody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
    ):
        monkeypatch.delenv(name, raising=False)
    assert not exporting.is_set_up()

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert exporting.is_set_up()


def test_a_cold_start_loads_nothing_that_no_alert_waits_for() -> None:
    """The app is started by whoever calls it first, often an alert."""
    heavy = [
        *("prometheus_client", "opentelemetry.sdk", "azure.monitor.opentelemetry", "croniter"),
        *("cryptography", "httpx", "jinja2", "jwt", "msgraph_core", "yaml"),
    ]
    said = f"import sys, function_app; print([one for one in {heavy} if one in sys.modules])"
    settings = {"FIREBREAK_TENANT_ID": SP, "FIREBREAK_LOG_WORKSPACE_ID": APP}
    done = subprocess.run(
        [sys.executable, "-c", said],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, **settings},
    )

    assert done.stdout.strip() == "[]", done.stderr
