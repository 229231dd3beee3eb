"""The world of many clusters: each has its own trouble, and what runs in it works until somebody acts.

What it defends: a recovery is tried against every shape of workload and every kind of broken cluster at once.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox_fixture import RunningSandbox
from tests.test_sandbox_clusters import call, eventually, stored

STORAGE = "https://storage.azure.com"


@pytest.fixture
def many(sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """The test's world is the last one of its kind: the next test begins plain again."""
    answer = sandbox.control("POST", "reset", {"world": "multi-cluster"})
    assert answer["world"] == "multi-cluster"
    yield sandbox
    sandbox.control("POST", "reset", {"world": "plain"})


def _run(sandbox: RunningSandbox, cluster: str, pod: dict[str, Any]) -> httpx.Response:
    about = pod["metadata"]
    path = f"nodes/{cluster}/pods/{about['namespace']}/{about['name']}/run"
    wish = {"url": sandbox.seed["storage"]["blob_url"], "resource": STORAGE}
    return sandbox.http.post(f"{sandbox.endpoints['control']}/sandbox/{path}", json=wish)


def test_every_workload_with_an_identity_reads_its_data_at_first(many: RunningSandbox) -> None:
    asked = 0
    for cluster in many.seed["clusters"]:
        for pod in stored(many, "pods", cluster):
            if pod["metadata"].get("labels", {}).get("azure.workload.identity/use") == "true":
                answer = _run(many, cluster, pod)
                assert answer.json().get("status") == 200, (pod["metadata"]["name"], answer.text)
                asked += 1
    assert asked > 25


def test_each_cluster_has_a_trouble_of_its_own(many: RunningSandbox) -> None:
    shown = {name: many.control("GET", f"clusters/{name}") for name in many.seed["clusters"]}

    assert shown["aks-weu"]["api_server"] == "up"
    assert shown["aks-neu"]["gitops"] == ["shop"]
    assert not shown["aks-frc"]["enforces_policies"]
    assert not shown["aks-sdc"]["webhook_ready"]
    assert (shown["aks-uks"]["api_server"], shown["aks-uks"]["private"]) == ("reset", True)
    [budget] = stored(many, "poddisruptionbudgets", "aks-frc")
    assert (budget["status"]["disruptionsAllowed"], budget["status"]["currentHealthy"]) == (0, 2)
    [webhook] = [
        each
        for each in stored(many, "deployments", "aks-sdc")
        if each["metadata"]["name"] == "azure-wi-webhook-controller-manager"
    ]
    assert "readyReplicas" not in webhook["status"]
    with pytest.raises(httpx.TransportError):
        call(many, "GET", "/version", cluster="aks-uks")


def test_the_canary_has_every_shape_and_every_consumer(many: RunningSandbox) -> None:
    client_id = many.seed["orders_api"]["app_id"]

    def one(plural: str, name: str, cluster: str = "aks-weu") -> dict[str, Any]:
        [found] = [
            each for each in stored(many, plural, cluster) if each["metadata"]["name"] == name
        ]
        return found

    assert (
        one("secretproviderclasses", "orders-secrets")["spec"]["parameters"]["clientID"]
        == client_id
    )
    identity = one("triggerauthentications", "orders-queue")["spec"]["podIdentity"]
    assert identity["identityId"] == client_id
    assert one("storageclasses", "orders-files")["parameters"]["clientID"] == client_id
    source = one("persistentvolumes", "orders-blobs")["spec"]["csi"]
    assert source["volumeAttributes"]["clientID"] == client_id
    assert one("configmaps", "orders-settings")["data"]["AZURE_CLIENT_ID"] == client_id
    legacy = one("deployments", "orders-legacy")["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "AZURE_CLIENT_ID", "value": client_id} in legacy["env"]
    importer = one("deployments", "orders-import")["spec"]["template"]
    assert importer["spec"]["initContainers"]
    note = "azure.workload.identity/service-account-token-expiration"
    assert importer["metadata"]["annotations"][note] == "86400"
    assert one("jobs", "orders-migration")["status"]["active"] == 1
    assert one("cronjobs", "orders-nightly")["spec"]["schedule"] == "0 3 * * *"
    assert "ownerReferences" not in one("pods", "orders-shell")["metadata"]
    assert one("deployments", "orders-preview", "aks-frc")["spec"]["paused"] is True
    agent = one("daemonsets", "orders-agent", "aks-frc")
    assert agent["spec"]["updateStrategy"]["type"] == "OnDelete"
    assert one("statefulsets", "orders-ledger", "aks-frc")["status"]["readyReplicas"] == 2


def test_the_paused_and_the_waiting_keep_their_pods_when_they_are_patched(
    many: RunningSandbox,
) -> None:
    before = {each["metadata"]["uid"] for each in stored(many, "pods", "aks-frc")}
    body = {"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}}
    for plural, name in (("deployments", "orders-preview"), ("daemonsets", "orders-agent")):
        path = f"/apis/apps/v1/namespaces/shop/{plural}/{name}"
        assert call(many, "PATCH", path, body, "aks-frc").is_success

    path = "/apis/apps/v1/namespaces/shop/daemonsets/orders-agent"

    def observed() -> bool:
        found = call(many, "GET", path, cluster="aks-frc").json()
        return bool(found["status"]["observedGeneration"] == found["metadata"]["generation"])

    eventually(observed)
    assert {each["metadata"]["uid"] for each in stored(many, "pods", "aks-frc")} == before


def test_a_cron_job_runs_when_the_clock_is_put_to_its_time(many: RunningSandbox) -> None:
    many.control("POST", "clock", {"advance_seconds": 86400})

    def runs() -> list[dict[str, Any]]:
        return [
            each
            for each in stored(many, "jobs", "aks-weu")
            if each["metadata"]["name"].startswith("orders-nightly-")
        ]

    [job] = eventually(runs)
    assert job["metadata"]["ownerReferences"][0]["kind"] == "CronJob"


def test_a_world_that_is_none_is_refused(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.endpoints['control']}/sandbox/reset"
    answer = sandbox.http.post(url, json={"world": "flat"})
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "world: flat: there are plain, multi-cluster"},
    )


def test_a_reset_keeps_the_world(many: RunningSandbox) -> None:
    many.control("POST", "reset")

    assert many.control("GET", "clusters/aks-neu")["gitops"] == ["shop"]
    assert many.control("GET", "clusters/aks-neu/gitops/shop")["delay_s"] == 60
