"""What is AKS's or the sandbox's own, and not every API server's: caps, compaction on demand, reset.

What it defends: tokens live no longer than AKS lets them, and a client meets revisions that are gone.
"""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.kubernetes.names import moment_of
from tests.kubernetes_api import Api, LocalCluster, deployment


def test_aks_shortens_tokens_to_a_day_and_says_so(api: Api) -> None:
    api.account("app")
    path = api.path("serviceaccounts", "app", "token")

    answer = api.call("POST", path, {"spec": {"expirationSeconds": 90000}})

    assert answer.json()["spec"]["expirationSeconds"] == 86400
    assert answer.headers["warning"] == (
        '299 - "requested expiration of 90000 seconds shortened to 86400 seconds"'
    )


def test_a_page_of_a_compacted_revision_is_gone_but_can_be_continued(
    api: Api, local_cluster: LocalCluster
) -> None:
    for name in ("a", "b", "c"):
        api.account(name)
    path = api.path("serviceaccounts")
    first = api.call("GET", path, limit="2").json()["metadata"]["continue"]
    api.account("d")
    local_cluster.run(local_cluster.cluster.store.compact)

    gone = api.call("GET", path, **{"continue": first})
    assert (gone.status_code, gone.json()["reason"]) == (410, "Expired")
    again = gone.json()["metadata"]["continue"]
    rest = api.call("GET", path, **{"continue": again}).json()
    assert [each["metadata"]["name"] for each in rest["items"]] == ["c", "d", "default"]


def test_a_watch_ends_when_its_cluster_is_thrown_away(
    api: Api, local_cluster: LocalCluster
) -> None:
    """A reset must not wait half an hour for watches to end."""
    query = {"watch": "true", "timeoutSeconds": "60"}
    cluster = local_cluster.cluster
    with api.http.stream("GET", api.path("serviceaccounts"), params=query) as answer:
        lines = answer.iter_lines()
        assert json.loads(next(lines))["type"] == "ADDED"
        local_cluster.run(cluster.end_watches)
        assert list(lines) == []


def test_every_workload_of_the_seed_is_ready_from_the_start(local_cluster: LocalCluster) -> None:
    deployments = local_cluster.run(lambda: local_cluster.cluster.objects("deployments", "shop"))

    assert {each["metadata"]["name"] for each in deployments} >= {"orders-api", "billing-api"}
    for each in deployments:
        assert each["status"]["availableReplicas"] == each["spec"]["replicas"]
        age = datetime.now(UTC) - moment_of(each["metadata"]["creationTimestamp"])
        assert age.days > 200


def test_continue_tokens_look_like_kubernetes_ones(api: Api) -> None:
    api.account("a")
    page = api.call("GET", api.path("serviceaccounts"), limit="1").json()["metadata"]

    padded = page["continue"] + "=" * (-len(page["continue"]) % 4)
    opened = json.loads(base64.urlsafe_b64decode(padded))

    assert opened == {
        "v": "meta.k8s.io/v1",
        "rv": int(page["resourceVersion"]),
        "start": f"{api.namespace}/a\0",
    }


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_health_is_public_text(api: Api, path: str) -> None:
    answer = api.http.get(path, headers={"authorization": ""})

    assert (answer.status_code, answer.text) == (200, "ok")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("serviceaccounts", {"limit": "many"}),
        ("serviceaccounts", {"watch": "true", "timeoutSeconds": "long"}),
        ("serviceaccounts", {"resourceVersion": "new"}),
    ],
)
def test_garbled_numbers_are_bad_requests(api: Api, path: str, query: dict[str, str]) -> None:
    assert api.call("GET", api.path(path), **query).status_code == 400


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"replicas": -1}, "spec.replicas"),
        ({"strategy": {"type": "Yolo"}}, "spec.strategy"),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "lots"}}},
            "spec.strategy.rollingUpdate.maxSurge",
        ),
        (
            {"selector": {"matchExpressions": [{"key": "app", "operator": "Like"}]}},
            "spec.selector.matchExpressions[0].operator",
        ),
        ({"selector": {"matchLabels": {"app": "x"}}}, "spec.template.metadata.labels"),
    ],
)
def test_what_no_controller_could_work_with_is_refused(
    api: Api, spec: dict[str, Any], field: str
) -> None:
    answer = api.call("POST", api.path("deployments"), deployment("web", **spec))

    assert answer.status_code == 422
    assert field in {each["field"] for each in answer.json()["details"]["causes"]}
