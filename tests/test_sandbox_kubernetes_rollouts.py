"""Controllers: a changed Deployment replaces its pods, without going below what it promises.

What it defends: the rollout that a responder waits for ends when, and only when, the pods are new.
"""

import time
from typing import Any

import pytest

from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.kinds import stored
from tests.kubernetes_api import (
    MERGE,
    STRATEGIC,
    Api,
    LocalCluster,
    deployment,
    needs_kubelet,
    since,
)

RESTART = "kubectl.kubernetes.io/restartedAt"


def _pods(api: Api, *, ending: bool = False) -> list[dict[str, Any]]:
    items = api.call("GET", api.path("pods")).json()["items"]
    return [each for each in items if ending or "deletionTimestamp" not in each["metadata"]]


def _is_done(api: Api, name: str, plural: str = "deployments") -> bool:
    found = api.get(plural, name)
    wanted, status = found["spec"]["replicas"], found["status"]
    counts = {status.get(each, 0) for each in ("updatedReplicas", "replicas", "availableReplicas")}
    return counts == {wanted} and status["observedGeneration"] == found["metadata"]["generation"]


def _restart(api: Api, name: str, moment: str = "2026-11-23T10:00:00Z") -> None:
    body = {"spec": {"template": {"metadata": {"annotations": {RESTART: moment}}}}}
    assert api.call("PATCH", api.path("deployments", name), body, STRATEGIC).is_success


@pytest.fixture
def web(api: Api) -> str:
    needs_kubelet(api)
    api.create("deployments", deployment("web", replicas=2))
    api.eventually(lambda: _is_done(api, "web"))
    return "web"


def test_a_deployment_owns_replica_sets_that_own_pods(api: Api, web: str) -> None:
    pods = _pods(api)
    owner = pods[0]["metadata"]["ownerReferences"][0]
    replica_set = api.get("replicasets", owner["name"])

    assert len(pods) == 2
    assert (owner["kind"], owner["controller"]) == ("ReplicaSet", True)
    assert replica_set["metadata"]["ownerReferences"][0]["name"] == "web"
    label = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert pods[0]["metadata"]["labels"]["pod-template-hash"] == label
    assert {each["status"]["phase"] for each in pods} == {"Running"}


def test_a_restart_replaces_every_pod_and_never_falls_below_two(api: Api, web: str) -> None:
    before = {each["metadata"]["uid"] for each in _pods(api)}
    low: list[int] = []

    def is_over() -> bool:
        low.append(api.get("deployments", web)["status"].get("availableReplicas", 0))
        return _is_done(api, web)

    _restart(api, web)
    api.eventually(is_over)

    assert min(low) == 2
    after = {each["metadata"]["uid"] for each in _pods(api)}
    assert len(after) == 2
    assert not before & after
    assert api.get("deployments", web)["metadata"]["annotations"] == {
        "deployment.kubernetes.io/revision": "2"
    }


def test_status_says_that_the_new_generation_is_not_observed_yet(api: Api, web: str) -> None:
    body = {"spec": {"replicas": 3}}
    answer = api.call("PATCH", api.path("deployments", web), body, MERGE).json()

    assert answer["metadata"]["generation"] == 2
    assert answer["status"]["observedGeneration"] == 1


def test_nothing_runs_at_zero_replicas(api: Api, web: str) -> None:
    scaled = api.call("PATCH", api.path("deployments", web, "scale"), {"spec": {"replicas": 0}},
                      MERGE)  # fmt: skip
    assert scaled.is_success

    api.eventually(lambda: not _pods(api, ending=True))
    # As Go prints a zero: not at all; once the controller has counted, which is after the last pod is gone.
    api.eventually(lambda: "replicas" not in api.get("deployments", web)["status"])


def test_a_paused_deployment_waits(api: Api, web: str) -> None:
    before = {each["metadata"]["uid"] for each in _pods(api)}
    api.merge("deployments", web, {"spec": {"paused": True}})
    _restart(api, web)
    api.eventually(
        lambda: (
            (found := api.get("deployments", web))["status"]["observedGeneration"]
            == found["metadata"]["generation"]
        )
    )
    conditions = api.get("deployments", web)["status"]["conditions"]
    assert "DeploymentPaused" in {each["reason"] for each in conditions}
    assert len(api.call("GET", api.path("replicasets")).json()["items"]) == 1
    assert {each["metadata"]["uid"] for each in _pods(api)} == before

    api.merge("deployments", web, {"spec": {"paused": False}})
    api.eventually(lambda: _is_done(api, web) and len(_pods(api)) == 2)
    assert not before & {each["metadata"]["uid"] for each in _pods(api)}


def test_recreate_ends_the_old_pods_first(api: Api) -> None:
    needs_kubelet(api)
    api.create("deployments", deployment("web", replicas=1, strategy={"type": "Recreate"}))
    api.eventually(lambda: _is_done(api, "web"))
    seen: set[int] = set()

    def is_over() -> bool:
        seen.add(len(_pods(api, ending=True)))
        return _is_done(api, "web")

    _restart(api, "web")
    api.eventually(is_over)

    assert max(seen) == 1


def test_a_rollout_to_a_broken_image_keeps_the_old_pods(
    api: Api, web: str, local_cluster: LocalCluster
) -> None:
    local_cluster.run(lambda: local_cluster.cluster.unpullable_images.add("broken:1"))
    body = {
        "spec": {
            "progressDeadlineSeconds": 1,
            "template": {"spec": {"containers": [{"name": "main", "image": "broken:1"}]}},
        }
    }
    assert api.call("PATCH", api.path("deployments", web), body, STRATEGIC).is_success

    def reasons() -> set[str]:
        return {each["reason"] for each in api.get("deployments", web)["status"]["conditions"]}

    api.eventually(lambda: "ProgressDeadlineExceeded" in reasons())
    time.sleep(0.2)
    assert "ProgressDeadlineExceeded" in reasons()  # and it stays so
    assert api.get("deployments", web)["status"]["availableReplicas"] == 2


def test_what_a_deployment_owns_goes_with_it(api: Api, web: str) -> None:
    api.call("DELETE", api.path("deployments", web))

    api.eventually(lambda: not _pods(api, ending=True))
    assert api.call("GET", api.path("replicasets")).json()["items"] == []


def test_orphans_survive_their_owner(api: Api, web: str) -> None:
    api.call("DELETE", api.path("deployments", web), {"propagationPolicy": "Orphan"})

    api.eventually(lambda: api.call("GET", api.path("deployments", web)).status_code == 404)
    (replica_set,) = api.call("GET", api.path("replicasets")).json()["items"]
    assert "ownerReferences" not in replica_set["metadata"]
    assert len(_pods(api)) == 2


def test_a_foreground_delete_waits_for_the_dependents(api: Api, web: str) -> None:
    body = {"propagationPolicy": "Foreground"}
    answer = api.call("DELETE", api.path("deployments", web), body).json()

    assert answer["metadata"]["finalizers"] == ["foregroundDeletion"]
    api.eventually(lambda: api.call("GET", api.path("deployments", web)).status_code == 404)
    assert api.call("GET", api.path("replicasets")).json()["items"] == []


def test_a_stateful_set_numbers_its_pods_and_replaces_them_from_the_top(api: Api) -> None:
    needs_kubelet(api)
    since(api, 25)  # its availableReplicas
    body = deployment("db", replicas=2, serviceName="db")
    api.create("statefulsets", body)
    api.eventually(lambda: _is_done(api, "db", "statefulsets"))
    before = {each["metadata"]["name"]: each["metadata"]["uid"] for each in _pods(api)}
    assert sorted(before) == ["db-0", "db-1"]

    change = {"spec": {"template": {"metadata": {"annotations": {RESTART: "now"}}}}}
    assert api.call("PATCH", api.path("statefulsets", "db"), change, STRATEGIC).is_success
    api.eventually(lambda: _is_done(api, "db", "statefulsets"))

    after = {each["metadata"]["name"]: each["metadata"]["uid"] for each in _pods(api)}
    assert sorted(after) == ["db-0", "db-1"]
    assert not set(before.values()) & set(after.values())


def test_a_scheduled_pod_has_grace_and_a_namespace_takes_everything_with_it(api: Api) -> None:
    needs_kubelet(api)
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
    api.create("pods", {"metadata": {"name": "p"}, "spec": {"containers": [container]}})
    api.eventually(lambda: api.get("pods", "p")["status"]["phase"] == "Running")
    deleted = api.call("DELETE", api.path("pods", "p")).json()
    assert deleted["metadata"]["deletionGracePeriodSeconds"] == 30

    ending = api.call("DELETE", f"/api/v1/namespaces/{api.namespace}").json()
    assert ending["status"]["phase"] == "Terminating"
    refused = api.call("POST", api.path("serviceaccounts"), {"metadata": {"name": "late"}})
    assert refused.status_code in (403, 404)
    api.eventually(
        lambda: api.call("GET", f"/api/v1/namespaces/{api.namespace}").status_code == 404
    )


def test_a_cluster_at_rest_does_nothing(api: Api, web: str, local_cluster: LocalCluster) -> None:
    cluster = local_cluster.cluster

    def state() -> tuple[bool, int]:
        return local_cluster.run(lambda: (cluster.reactor.is_idle, cluster.store.revision))

    def is_quiet() -> bool:
        before = state()
        time.sleep(0.5)
        return before[0] and state() == before

    api.eventually(is_quiet)


def test_a_controller_that_breaks_down_over_one_object_leaves_the_others_their_turn(
    api: Api, local_cluster: LocalCluster
) -> None:
    """Both objects are new at the same moment, the one that breaks it first."""
    reactor, seen = local_cluster.cluster.reactor, list[str]()

    def frail(_cluster: Cluster, namespace: str, name: str) -> None:
        if namespace == api.namespace and name in ("first", "second"):
            seen.append(name)
            if name == "first":
                raise LookupError("what it needs is not there")

    def both() -> None:
        kind = stored("configmaps")
        reactor.register(kind, frail)
        for name in ("first", "second"):
            reactor.enqueue(kind, api.namespace, name)

    local_cluster.run(both)
    api.eventually(lambda: "second" in seen)
    assert seen == ["first", "second"]
    assert [crash.split(":")[0] for crash in reactor.crashes] == [
        f"configmaps {api.namespace}/first"
    ]
    reactor.crashes.clear()
