"""What the health check reads: of a webhook's pods, of our own rights, of the sign-in logs, of signals and notices."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from responders import (
    identity_webhooks,
    own_health,
    own_rights,
    preflight,
    sign_in_failures,
    signal_records,
    webhook_pods,
)
from responders.cloud import Cloud
from responders.errors import RefusedError, TransientError
from responders.evidence_folder import EvidenceFolder
from responders.model import Signal
from responders.sign_in_failures import Window
from tests import kubernetes_fake
from tests.azure_fake import WORKSPACE, FakeAzure, Say
from tests.kubernetes_fake import FakeApi

NOW = datetime(2026, 11, 27, 5, tzinfo=UTC)
DAY = timedelta(days=1)
SPACE = "azure-workload-identity-system"
PODS = f"/api/v1/namespaces/{SPACE}/pods"
METRICS = f"/apis/metrics.k8s.io/v1beta1/namespaces/{SPACE}/pods"
REFUSED_LOG = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"


def a_signal() -> Signal:
    return {
        "source": "azure-monitor",
        "kind": "log-alert",
        "signal_id": "s-1",
        "fired_at": "2026-11-27T05:00:00Z",
        "title": "a title",
        "severity": "Sev1",
        "confidence": "medium",
        "authenticated": "key",
        "hint": {},
    }


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with kubernetes_fake.running() as running:
        yield running


def a_pod(api: FakeApi, *, log: str = "", **status: Any) -> None:
    limits = {"resources": {"limits": {"memory": "30Mi"}}}
    spec = {"containers": [{"name": "manager", **limits}]}
    ready = {"conditions": [{"type": "Ready", "status": "True"}], **status}
    api.put(f"{PODS}/webhook-1", spec=spec, status=ready)
    api.objects[f"{PODS}/webhook-1/log"] = log  # type: ignore[assignment]  # a text, as it is served


async def look(api: FakeApi) -> webhook_pods.PodsSeen:
    return await webhook_pods.look(api.kube(), SPACE, DAY, NOW)


async def test_a_pod_is_seen_with_its_complaints_its_memory_and_its_limit(api: FakeApi) -> None:
    lines = [
        '{"level":"info","message":"serving"}',
        '{"level":"error","message":"first"}',
        "I1127 02:00:00.000000 1 main.go:1] error is a word like others",
        f"E1127 02:00:01.000000 1 main.go:2] token {REFUSED_LOG} refused",
    ]
    a_pod(api, log="\n".join(lines))
    usage = {"cpu": "2500u", "memory": "20480Ki"}
    api.put(f"{METRICS}/webhook-1", containers=[{"name": "manager", "usage": usage}])
    seen = await look(api)

    (pod,) = seen["pods"]
    assert (seen["metrics"], seen["unread"]) == ("", [])
    assert (pod["ready"], pod["complaints"]) == (True, 2)
    assert pod["last_complaint"].startswith("E1127 02:00:01")
    assert REFUSED_LOG not in pod["last_complaint"]
    assert (pod["memory"], pod["memory_limit"]) == (20 * 1024**2, 30 * 1024**2)
    assert pod["cpu_m"] == 2
    asked = next(one for one in api.seen if one.path.endswith("/log"))
    assert (asked.query["sinceSeconds"], asked.query["container"]) == ("86400", "manager")


async def test_without_metrics_that_is_said_and_nothing_is_unread(api: FakeApi) -> None:
    a_pod(api)
    original = api.answer

    def absent(request: Any) -> Any:
        if request.path == METRICS:
            return 404, "404 page not found\n", {}
        return original(request)

    api.answer = absent  # type: ignore[method-assign]
    seen = await look(api)

    assert seen["metrics"] == "the cluster serves no metrics.k8s.io"
    assert seen["unread"] == []
    assert seen["pods"][0]["memory"] is None


async def test_a_log_that_cannot_be_read_is_a_line_and_no_silence(api: FakeApi) -> None:
    a_pod(api)
    del api.objects[f"{PODS}/webhook-1/log"]
    seen = await look(api)

    (line,) = seen["unread"]
    assert line.startswith("log of webhook-1: ")


async def test_a_container_that_was_killed_within_the_window_is_named(api: FakeApi) -> None:
    ended = {"reason": "OOMKilled", "finishedAt": "2026-11-26T20:00:00Z"}
    status = {"name": "manager", "restartCount": 3, "lastState": {"terminated": ended}}
    a_pod(api, containerStatuses=[status])
    (pod,) = (await look(api))["pods"]
    assert (pod["ended"], pod["restarts"]) == ("manager: OOMKilled", 3)

    ended["finishedAt"] = "2026-11-20T20:00:00Z"
    a_pod(api, containerStatuses=[status])
    (long_ago,) = (await look(api))["pods"]
    assert long_ago["ended"] == ""


async def test_a_quantity_that_is_none_is_said_and_the_pods_are_seen_all_the_same(
    api: FakeApi,
) -> None:
    a_pod(api)
    usage = {"cpu": "1m", "memory": "lots"}
    api.put(f"{METRICS}/webhook-1", containers=[{"name": "manager", "usage": usage}])

    seen = await look(api)
    assert "not a quantity" in seen["metrics"]
    assert seen["pods"][0]["memory"] is None


async def test_where_the_webhook_runs_is_what_the_api_server_was_told(api: FakeApi) -> None:
    way = {"caBundle": "x", "service": {"namespace": SPACE, "name": "s"}}
    where = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    webhooks = [{"name": identity_webhooks.WEBHOOK, "clientConfig": way}]
    api.put(f"{where}/wi", webhooks=webhooks)

    assert await identity_webhooks.namespaces(api.kube()) == [SPACE]


async def test_what_we_may_not_do_in_a_cluster_is_named_verb_by_verb(api: FakeApi) -> None:
    api.denied = {"list pods.metrics.k8s.io", "create serviceaccounts/token"}
    wanted = {"pods.metrics.k8s.io": ("list",), "serviceaccounts/token": ("create",)}
    wanted |= {"pods": ("list",)}

    assert await preflight.missing(api.kube(), wanted) == [
        "list pods.metrics.k8s.io",
        "create serviceaccounts/token",
    ]


async def test_a_person_has_no_app_roles_to_be_judged_by(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims: dict[str, Any] = {"roles": ["Application.ReadWrite.All"]}
    monkeypatch.setattr(own_rights, "claims_of", lambda _: claims)
    assert await own_rights.graph_roles(cloud) == {"Application.ReadWrite.All"}

    claims["scp"] = "User.Read"
    with pytest.raises(RefusedError, match="person's own rights"):
        await own_rights.graph_roles(cloud)


def table(*rows: dict[str, Any]) -> dict[str, Any]:
    names = list(rows[0]) if rows else ["ResultType"]
    columns = [{"name": one, "type": "string"} for one in names]
    return {"tables": [{"columns": columns, "rows": [list(one.values()) for one in rows]}]}


async def test_failures_are_counted_by_code_and_a_table_that_is_not_there_is_named(
    azure: FakeAzure, cloud: Cloud
) -> None:
    def row(*, recent: bool, failures: int) -> dict[str, Any]:
        return {
            "ResultType": "700213",
            "Recent": recent,
            "Failures": failures,
            "Identities": 2,
            "First": "2026-11-20T00:00:00Z",
            "Last": "2026-11-27T00:00:00Z",
        }

    by_code = table(row(recent=False, failures=70), row(recent=True, failures=30))
    error = {"error": {"code": "BadArgumentError", "message": "no such table"}}
    said = [
        {"id": "0", "status": 200, "body": by_code},
        {"id": "1", "status": 200, "body": table()},
        {"id": "2", "status": 400, "body": error},
        {"id": "3", "status": 400, "body": error},
    ]
    azure.on("POST", "/v1/$batch", Say(200, {"responses": said}))
    seen = await sign_in_failures.look(cloud, Window(NOW, DAY))

    (found,) = seen["codes"]
    assert (found["failures"], found["before"], found["identities"]) == (30, 70, 2)
    assert len(seen["unread"]) == 1
    assert seen["unread"][0].startswith("AADManagedIdentitySignInLogs: ")
    sent = azure.asked("POST", "/v1/$batch")[0].body["requests"]
    assert {one["workspace"] for one in sent} == {WORKSPACE}
    assert "let recent_start = datetime(2026-11-26T05:00:00.000000Z);" in sent[0]["body"]["query"]


def test_the_queue_moves_or_it_is_said_since_when_it_does_not(tmp_path: Path) -> None:
    store = EvidenceFolder(tmp_path)
    signal_records.opened(store, a_signal())
    now = datetime.now(UTC)

    assert own_health.signals(store, now) == "no signal waits for long"
    assert own_health.backlog(store, now).waiting == 1
    with pytest.raises(TransientError, match="1 signals have come to no end"):
        own_health.signals(store, now + timedelta(minutes=16))


def test_a_signal_that_was_given_up_is_listed_until_somebody_brings_it_to_an_end(
    tmp_path: Path,
) -> None:
    store, signal = EvidenceFolder(tmp_path), a_signal()
    signal_records.opened(store, signal)
    now = datetime.now(UTC)
    signal_records.poison(store, signal, "not yet")
    signal_records.poison(store, signal, "yes: posted")
    (found,) = signal_records.poisoned(store, now, DAY)
    assert found["told"] == "yes: posted"
    assert signal_records.poisoned(store, now + timedelta(days=3), DAY) == []

    signal_records.change(store, signal, lambda record: {**record, "status": "accepted"})
    assert signal_records.poisoned(store, now, DAY) == []


def test_a_probe_of_the_store_leaves_nothing_that_grows(tmp_path: Path) -> None:
    store = EvidenceFolder(tmp_path)
    for _ in range(3):
        assert own_health.evidence(store)

    assert store.list("health") == ["health/probe.txt"]
