"""Our Kubernetes responders against an API server: the sandbox's, or the one of `make test-kubernetes KUBECONFIG=...`.

What it defends: what the responders send is taken by a real server as the sandbox takes it, and read back the same.
"""

from typing import Any

import pytest

from responders import (
    bindings,
    consumer_moves,
    consumers,
    inventories,
    pod_captures,
    preflight,
    quarantines,
    service_accounts,
    standing,
    workloads,
)
from responders.errors import ConflictError, NotFoundError
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import ServiceAccountRef, WorkloadRef
from responders.read_only import read_only
from tests import workload_acts
from tests.kubernetes_api import Api, define, deployment, needs_kubelet, ready_pod, since
from tests.workload_acts import NEW_ID, OLD_ID

CLIENT = "azure.workload.identity/client-id"
SUCCESSOR = "app-r1"


@pytest.fixture
async def kube(api: Api) -> Kube:
    async def bearer() -> str:
        return api.target.token

    return Kube("any", api.target.url, ca_pem=api.target.ca_pem, bearer=bearer)


@pytest.fixture
def account(api: Api) -> ServiceAccountRef:
    api.account("app", annotations={CLIENT: OLD_ID})
    return {
        "cluster": "any",
        "namespace": api.namespace,
        "name": "app",
        "client_id": OLD_ID,
        "subject": f"system:serviceaccount:{api.namespace}:app",
    }


def _template(**spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
    return {"serviceAccountName": "app", "containers": [container], **spec}


def _ref(api: Api, kind: Any, name: str) -> WorkloadRef:
    return {
        "cluster": "any",
        "namespace": api.namespace,
        "kind": kind,
        "name": name,
        "service_account": "app",
        "replicas": 1,
        "paused": False,
        "hard_coded_client_id": False,
    }


@pytest.fixture
def web(api: Api, account: ServiceAccountRef) -> WorkloadRef:
    body = deployment("web", replicas=2)
    body["spec"]["template"]["spec"] = _template()
    api.create("deployments", body)
    return _ref(api, "Deployment", "web")


async def test_the_accounts_and_workloads_of_a_client_id_are_found(
    api: Api, kube: Kube, account: ServiceAccountRef, web: WorkloadRef
) -> None:
    since(api, 25)  # batch/v1 CronJobs and policy/v1

    inventory = await inventories.read(kube, OLD_ID)
    found = [one for one in service_accounts.find(inventory) if one["namespace"] == api.namespace]

    assert [(one["name"], one["subject"]) for one in found] == [("app", account["subject"])]
    refs = workloads.find(inventory, found)
    assert [(one["kind"], one["name"], one["replicas"]) for one in refs] == [
        ("Deployment", "web", 2)
    ]
    assert all(one["via"].startswith("group ") for one in bindings.find(inventory, found[0]))


async def test_a_workload_is_stopped_moved_and_not_written_twice(
    api: Api, kube: Kube, account: ServiceAccountRef, web: WorkloadRef
) -> None:
    stopped = await workload_acts.stop(kube, web, "inc-1")
    assert api.get("deployments", "web")["spec"]["replicas"] == 0
    made = await workload_acts.ensure_successor(kube, account, SUCCESSOR, NEW_ID, "inc-1")
    moved = await workload_acts.move(kube, web, SUCCESSOR, "inc-1")
    retired = await workload_acts.retire(kube, account, SUCCESSOR, "inc-1")
    assert [one["status"] for one in (stopped, made, moved, retired)] == ["done"] * 4

    found = api.get("deployments", "web")
    assert found["spec"]["replicas"] == 2
    spec = found["spec"]["template"]["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == (SUCCESSOR, SUCCESSOR)
    assert {each["manager"] for each in found["metadata"]["managedFields"]} >= {"firebreak"}
    successor = api.get("serviceaccounts", SUCCESSOR)["metadata"]["annotations"]
    assert successor[CLIENT] == NEW_ID
    assert CLIENT not in api.get("serviceaccounts", "app")["metadata"]["annotations"]

    version = found["metadata"]["resourceVersion"]
    again = (
        await workload_acts.ensure_successor(kube, account, SUCCESSOR, NEW_ID, "inc-1"),
        await workload_acts.move(kube, web, SUCCESSOR, "inc-1"),
        await workload_acts.retire(kube, account, SUCCESSOR, "inc-1"),
    )
    assert [one["status"] for one in again] == ["nothing_to_do"] * 3
    fields = api.get("deployments", "web")["metadata"]["managedFields"]
    assert [each["manager"] for each in fields].count("firebreak") == 1
    assert int(api.get("deployments", "web")["metadata"]["resourceVersion"]) >= int(version)


@pytest.mark.parametrize(
    ("plural", "kind", "spec"),
    [
        ("statefulsets", "StatefulSet", {"serviceName": "web", "replicas": 1}),
        ("daemonsets", "DaemonSet", {"updateStrategy": {"type": "RollingUpdate"}}),
    ],
)
async def test_the_other_rolling_kinds_are_stopped_and_moved(
    api: Api, kube: Kube, account: ServiceAccountRef, plural: str, kind: str, spec: dict[str, Any]
) -> None:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": _template()}
    whole = {"selector": {"matchLabels": labels}, "template": template, **spec}
    api.create(plural, {"metadata": {"name": "web"}, "spec": whole})
    ref = _ref(api, kind, "web")

    assert (await workload_acts.stop(kube, ref, "inc-1"))["status"] == "done"
    await workload_acts.ensure_successor(kube, account, SUCCESSOR, NEW_ID, "inc-1")
    assert (await workload_acts.move(kube, ref, SUCCESSOR, "inc-1"))["status"] == "done"

    moved = api.get(plural, "web")["spec"]
    assert moved["template"]["spec"]["serviceAccountName"] == SUCCESSOR
    assert moved.get("replicas", 1) == 1
    assert not moved["template"]["spec"].get("nodeSelector")


async def test_a_job_is_suspended_and_its_template_is_not_patched(
    api: Api, kube: Kube, account: ServiceAccountRef
) -> None:
    since(api, 24)
    spec = {"template": {"spec": _template(restartPolicy="Never")}}
    spec["template"]["spec"]["containers"][0]["command"] = ["sleep", "infinity"]
    api.create("jobs", {"metadata": {"name": "load"}, "spec": spec})
    ref = _ref(api, "Job", "load")

    assert (await workload_acts.stop(kube, ref, "inc-1"))["status"] == "done"

    assert api.get("jobs", "load")["spec"]["suspend"] is True
    moved = await workload_acts.move(kube, ref, SUCCESSOR, "inc-1")
    assert moved["status"] == "refused"


async def test_a_bare_pod_is_captured_and_deleted_by_its_uid(
    api: Api, kube: Kube, account: ServiceAccountRef
) -> None:
    ready_pod(api, "shell", {"app": "shell"}, serviceAccountName="app")
    ref = _ref(api, "Pod", "shell")

    captured = await pod_captures.capture(kube, [ref])
    stopped = await workload_acts.stop(kube, ref, "inc-1")

    assert [one["spec"]["serviceAccountName"] for one in captured] == ["app"]
    assert stopped["status"] == "done"
    gone = api.call("GET", api.path("pods", "shell"))
    assert gone.status_code == 404 or "deletionTimestamp" in gone.json()["metadata"]


async def test_a_deletion_of_what_was_made_anew_is_refused(
    api: Api, kube: Kube, account: ServiceAccountRef
) -> None:
    ready_pod(api, "shell", {"app": "shell"})
    path = path_of("pods", api.namespace, "shell")

    with pytest.raises(ConflictError):
        await kube.delete(path, "11111111-2222-4333-8444-555555555555")
    assert "deletionTimestamp" not in api.get("pods", "shell")["metadata"]


async def test_a_workload_is_fenced_in_and_set_free(
    api: Api, kube: Kube, account: ServiceAccountRef, web: WorkloadRef
) -> None:
    now = await standing.read(kube, [web])

    fenced = await quarantines.fence_in(kube, web, now, "inc-1")
    again = await quarantines.fence_in(kube, web, now, "inc-1")

    [policy] = api.call("GET", api.path("networkpolicies")).json()["items"]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app": "web"}
    assert not policy["spec"].get("egress")
    assert (fenced["status"], again["status"]) == ("done", "nothing_to_do")
    assert (await quarantines.lift(kube, [web], "inc-1"))["status"] == "done"
    assert api.call("GET", api.path("networkpolicies")).json()["items"] == []


async def test_a_secret_provider_class_gets_the_new_client_id(
    api: Api, kube: Kube, account: ServiceAccountRef
) -> None:
    since(api, 25)
    define(api, "secretproviderclasses")
    parameters = {"clientID": OLD_ID, "keyvaultName": "kv"}
    body = {
        "apiVersion": "secrets-store.csi.x-k8s.io/v1",
        "kind": "SecretProviderClass",
        "metadata": {"name": "vault"},
        "spec": {"provider": "azure", "parameters": parameters},
    }
    api.create("secretproviderclasses", body)
    found = consumers.find(await inventories.read(kube, OLD_ID))
    [ref] = [
        one
        for one in found
        if one["namespace"] == api.namespace and one["kind"] == "SecretProviderClass"
    ]
    ids = consumer_moves.Ids(OLD_ID, NEW_ID, "inc-1")

    first, second = (
        await consumer_moves.move(kube, ref, ids),
        await consumer_moves.move(kube, ref, ids),
    )

    assert (first["status"], second["status"]) == ("done", "nothing_to_do")
    spec = api.get("secretproviderclasses", "vault")["spec"]
    assert spec["parameters"] == {**parameters, "clientID": NEW_ID}


async def test_a_read_only_context_changes_nothing(
    api: Api, kube: Kube, account: ServiceAccountRef, web: WorkloadRef
) -> None:
    version = api.get("deployments", "web")["metadata"]["generation"]

    with read_only(), pytest.raises(Exception, match="plan mode"):
        await workload_acts.stop(kube, web, "inc-1")

    assert api.get("deployments", "web")["metadata"]["generation"] == version


async def test_lost_races_are_run_again_and_none_is_lost(
    api: Api, kube: Kube, account: ServiceAccountRef
) -> None:
    path = path_of("serviceaccounts", api.namespace, "app")

    for number in range(5):

        def change(now: dict[str, Any], number: int = number) -> dict[str, Any]:
            api.merge("serviceaccounts", "app", {"metadata": {"labels": {f"theirs-{number}": "x"}}})
            return {"metadata": {"annotations": {f"ours-{number}": "x"}}}

        try:
            await kube.update(path, change)
        except ConflictError:
            continue
    found = api.get("serviceaccounts", "app")["metadata"]
    assert {f"theirs-{number}" for number in range(5)} <= set(found["labels"])


async def test_what_is_not_there_is_said(api: Api, kube: Kube) -> None:
    with pytest.raises(NotFoundError):
        await kube.get(path_of("deployments", api.namespace, "nobody"))
    with pytest.raises(NotFoundError):
        await kube.get(path_of("applications", api.namespace, "nobody"))


async def test_a_preflight_names_what_is_missing_where_there_is_no_webhook(
    api: Api, kube: Kube
) -> None:
    result = await preflight.check(kube)

    assert result["status"] in ("done", "failed", "refused")
    if result["status"] != "done":
        assert "webhook" in result["detail"]


async def test_a_moved_workload_comes_up_with_the_new_account(
    api: Api, kube: Kube, account: ServiceAccountRef, web: WorkloadRef
) -> None:
    needs_kubelet(api)
    await workload_acts.ensure_successor(kube, account, SUCCESSOR, NEW_ID, "inc-1")
    assert (await workload_acts.move(kube, web, SUCCESSOR, "inc-1"))["status"] == "done"

    def is_over() -> bool:
        found = api.get("deployments", "web")
        status = found["status"]
        counts = {status.get(each, 0) for each in ("updatedReplicas", "replicas", "readyReplicas")}
        current = status["observedGeneration"] == found["metadata"]["generation"]
        return counts == {2} and bool(current)

    api.eventually(is_over, 60)
    pods = api.call("GET", api.path("pods"), labelSelector="app=web").json()["items"]
    living = [each for each in pods if "deletionTimestamp" not in each["metadata"]]
    assert {each["spec"]["serviceAccountName"] for each in living} == {SUCCESSOR}
