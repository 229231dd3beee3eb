"""Azure has doors to a cluster of its own: who holds one comes by tokens there, and is named."""

from typing import Any

import pytest

from responders import cluster_access, role_definitions
from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.model import ServiceAccountRef
from tests.in_process import InProcess, activities

ACCOUNT: Any = {"namespace": "shop", "name": "orders-api"}
ACCOUNTS: list[ServiceAccountRef] = [ACCOUNT]
ADMIN = "Azure Kubernetes Service Cluster Admin Role"


@pytest.fixture
async def cluster(in_process: InProcess) -> Any:
    seed = in_process.sandbox.described["seed"]
    opened = await in_process.call({"object_id": seed["orders_api"]["object_id"]}, mode="respond")
    listed = await activities()["list_clusters"](dict(opened))
    return next(one for one in listed["clusters"] if one["name"] == "aks-weu")


@pytest.fixture
def switches(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The cluster as Azure describes it, less what the test turns."""
    turned: dict[str, Any] = {}
    real = cluster_access._properties

    async def properties(cloud: Cloud, path: str) -> Any:
        return {**await real(cloud, path), **turned}

    monkeypatch.setattr(cluster_access, "_properties", properties)
    return turned


def give(world: InProcess, scope: str, role: str) -> str:
    """Give somebody of the directory a role. Returns who it is."""
    somebody: str = world.sandbox.described["seed"]["users"]["yuri"]["object_id"]
    one = {"scope": scope, "role": role, "principalId": somebody}
    world.sandbox.control("POST", "seed", {"roleAssignments": [one]})
    return somebody


async def found(cluster: Any) -> list[tuple[str, str]]:
    cloud = await Cloud.connect()
    ours = await cloud.own_object_ids()
    held = await cluster_access.holders(cloud, cluster, ACCOUNTS, ours=ours)
    return [(one["user"] or one["who"], one["how"]) for one in held]


async def test_who_may_take_the_administrators_credential_is_named_while_there_is_one(
    in_process: InProcess, cluster: Any, switches: dict[str, Any]
) -> None:
    eve = give(in_process, cluster["resource_id"], ADMIN)
    assert await found(cluster) == [], "local accounts and commands are switched off here"

    switches["disableLocalAccounts"] = False
    assert await found(cluster) == [(eve, "gets the administrator's credential")]

    switches["apiServerAccessProfile"] = {}
    ((_, how),) = await found(cluster)
    assert how == "gets the administrator's credential, runs commands as its administrator"


async def test_a_role_above_the_cluster_reaches_it_and_one_beside_it_does_not(
    in_process: InProcess, cluster: Any, switches: dict[str, Any]
) -> None:
    switches["disableLocalAccounts"] = False
    subscription = "/".join(cluster["resource_id"].split("/")[:3])
    give(in_process, f"{subscription}/resourceGroups/rg-orders", "Owner")
    give(in_process, subscription, "Reader")
    assert await found(cluster) == []

    eve = give(in_process, subscription, "Owner")
    assert [who for who, _ in await found(cluster)] == [eve]


async def test_data_actions_count_where_azure_decides_for_the_cluster(
    in_process: InProcess,
    cluster: Any,
    switches: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    role: Any = {
        "actions": [],
        "not_actions": [],
        "data_actions": ["Microsoft.ContainerService/managedClusters/pods/*"],
        "not_data_actions": ["Microsoft.ContainerService/managedClusters/pods/exec/action"],
    }

    async def read(_cloud: Any, ids: Any) -> Any:
        return {one: [role] for one in ids}

    monkeypatch.setattr(role_definitions, "read", read)
    eve = give(in_process, cluster["resource_id"], "Reader")
    assert await found(cluster) == []

    switches["aadProfile"] = {"enableAzureRBAC": True}
    assert (eve, "runs pods") in await found(cluster)


async def test_a_role_whose_definition_can_not_be_read_is_not_taken_for_a_harmless_one(
    in_process: InProcess, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unread(_cloud: Any, _ids: Any) -> Any:
        return {}

    monkeypatch.setattr(role_definitions, "read", unread)
    give(in_process, cluster["resource_id"], "Reader")

    with pytest.raises(RefusedError, match="could not be read"):
        await found(cluster)


@pytest.mark.parametrize(
    ("scope", "namespace"),
    [
        ("/subscriptions/s", None),
        ("/", None),
        ("/subscriptions/s/resourceGroups/g/c", None),
        ("/subscriptions/S/resourcegroups/g/c/namespaces/shop", "shop"),
        ("/subscriptions/s/resourceGroups/g/c/agentPools/p", ""),
    ],
)
def test_a_scope_is_the_whole_cluster_a_namespace_or_nothing_of_ours(
    scope: str, namespace: str | None
) -> None:
    assert cluster_access._namespace("/subscriptions/s/resourceGroups/g/c", scope) == namespace
