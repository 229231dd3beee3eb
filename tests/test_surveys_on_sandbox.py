"""One simulated cluster with all that can name a client id in it: nothing is overlooked, and nobody else is named."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from responders import clusters, surveys
from responders.cloud import Cloud
from responders.model import Principal
from responders.surveys import Survey
from tests.sandbox_fixture import RunningSandbox

Json = dict[str, Any]
CLUSTER, SHOP = "aks-weu", "shop"


@pytest.fixture
async def cloud(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    connected = await Cloud.connect()
    yield connected
    await connected.close()


def named(name: str, **more: Any) -> Json:
    return {"name": name, "namespace": SHOP, **more}


def orders(sandbox: RunningSandbox) -> str:
    return str(sandbox.seed["orders_api"]["app_id"])


def deployment(name: str, account: str, **container: Any) -> Json:
    labels = {"app": name}
    pods = {
        "serviceAccountName": account,
        "containers": [{"name": "app", "image": "x", **container}],
    }
    return {
        "metadata": named(name),
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pods},
        },
    }


def consumers_of(client_id: str) -> dict[str, list[Json]]:
    """One of each kind, and one of each that names somebody else."""
    other = "99999999-9999-4999-8999-999999999999"
    parameters = {"keyvaultName": "kv", "tenantId": "t", "objects": ""}
    disk = {"driver": "file.csi.azure.com", "volumeHandle": "h"}
    return {
        "secretproviderclasses": [
            {
                "metadata": named(f"vault-{one[:4].lower()}"),
                "spec": {"provider": "azure", "parameters": {**parameters, "clientID": one}},
            }
            for one in (client_id.upper(), other)
        ],
        "triggerauthentications": [
            {
                "metadata": named("queue"),
                "spec": {"podIdentity": {"provider": "azure-workload", "identityId": client_id}},
            }
        ],
        "storageclasses": [
            {
                "metadata": {"name": "files"},
                "provisioner": "file.csi.azure.com",
                "parameters": {"clientID": client_id},
            }
        ],
        "persistentvolumes": [
            {
                "metadata": {"name": "pv-files"},
                "spec": {
                    "capacity": {"storage": "1Gi"},
                    "accessModes": ["ReadWriteMany"],
                    "csi": {**disk, "volumeAttributes": {"clientID": client_id}},
                },
            }
        ],
        "configmaps": [{"metadata": named("settings"), "data": {"AZURE_CLIENT_ID": client_id}}],
        "deployments": [
            deployment("loner", "default", env=[{"name": "AZURE_CLIENT_ID", "value": client_id}]),
            deployment("reader", "orders-api", envFrom=[{"configMapRef": {"name": "settings"}}]),
            deployment("keeper", "orders-api", envFrom=[{"secretRef": {"name": "hidden"}}]),
        ],
        "poddisruptionbudgets": [
            {
                "metadata": named("all"),
                "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "orders-api"}}},
            }
        ],
    }


async def surveyed(cloud: Cloud, client_id: str) -> Survey:
    principal: Any = {"kind": "application", "app_id": client_id}
    refs = {one["name"]: one for one in await clusters.list_all(cloud)}
    wanted: Principal = principal
    return await surveys.take(cloud, refs[CLUSTER], wanted, insist=True)


async def test_everything_that_names_the_client_id_is_found(
    cloud: Cloud, sandbox: RunningSandbox
) -> None:
    client_id = orders(sandbox)
    sandbox.control("POST", "seed", {"clusters": {CLUSTER: consumers_of(client_id)}})

    survey = await surveyed(cloud, client_id)

    assert survey["unread"] == []
    assert {(one["kind"], one["name"], one["patchable"]) for one in survey["consumers"]} == {
        ("SecretProviderClass", f"vault-{client_id[:4]}", True),
        ("TriggerAuthentication", "queue", True),
        ("StorageClass", "files", False),
        ("PersistentVolume", "pv-files", False),
        ("ConfigMap", "settings", True),
        ("Secret", "hidden", False),
        ("Workload", "loner", False),
    }
    (settings,) = [one for one in survey["consumers"] if one["kind"] == "ConfigMap"]
    assert settings["used_by"] == ["Deployment/reader"]


async def test_what_holds_a_workload_up_is_known(cloud: Cloud, sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "seed", {"clusters": {CLUSTER: consumers_of(orders(sandbox))}})

    found = {one["name"]: one for one in (await surveyed(cloud, orders(sandbox)))["workloads"]}

    assert found["orders-api"]["budgets"] == found["orders-api"]["blocking_budgets"] == ["all"]
    assert found["orders-api"]["longest_token_s"] == 3600
    assert found["reader"]["hard_coded_client_id"]
    assert not found["keeper"]["hard_coded_client_id"]
    assert found["orders-worker"]["budgets"] == []


async def test_a_seeded_account_says_since_when_it_names_the_client_id(
    cloud: Cloud, sandbox: RunningSandbox
) -> None:
    (account, *_) = (await surveyed(cloud, orders(sandbox)))["service_accounts"]

    assert account["named_since"] is not None
    assert account["named_since"] <= str(account["created"])


async def test_a_cluster_without_the_definitions_has_nothing_of_them(
    cloud: Cloud, sandbox: RunningSandbox
) -> None:
    survey = await surveyed(cloud, orders(sandbox))

    assert (survey["consumers"], survey["unread"]) == ([], [])
