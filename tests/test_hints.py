"""What a signal calls an identity leads to one principal, or is refused with the candidates; never by a name."""

import uuid
from typing import Any

import pytest

from responders import clusters, hints, principals
from responders.cloud import Cloud
from responders.errors import AmbiguousError, TransientError, UnresolvedError
from responders.inventory_cuts import CLIENT_ID
from responders.kube_requests import path_of
from responders.model import ClusterRef, Hint
from tests.arm_caller import as_firebreak
from tests.azure_fake import TENANT, FakeAzure, Say, problem
from tests.sandbox_fixture import RunningSandbox

SUBSCRIPTION = f"/subscriptions/{uuid.UUID(int=0xA4)}"
APP_SERVICE = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Web/sites/app"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ONE, TWO = str(uuid.UUID(int=0xABC1)), str(uuid.UUID(int=0xABC2))
ACCOUNT = {"namespace": "shop", "name": "orders-api"}


def cluster(name: str, resource_group: str) -> ClusterRef:
    path = f"{SUBSCRIPTION}/resourceGroups/{resource_group}/providers/x/managedClusters/{name}"
    issuer = f"https://issuer/{resource_group}/"
    return {"name": name, "resource_id": path, "location": "westeurope", "issuer_url": issuer}


async def object_id(cloud: Cloud, hint: Any) -> str:
    return (await principals.resolve(cloud, hint))["object_id"]


async def test_every_kind_of_id_leads_to_the_same_application(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    ids = sandbox.seed["orders_api"]
    at = sandbox.seed["clusters"]["aks-weu"]

    for hint in (
        {"object_id": ids["object_id"]},
        {"object_id": ids["application_object_id"]},
        {"app_id": ids["app_id"]},
        *(
            {"service_account": {"cluster": one, **ACCOUNT}}
            for one in ("AKS-weu", at["resource_id"].upper(), at["issuer"])
        ),
    ):
        assert await object_id(sandbox_cloud, hint) == ids["object_id"]


async def test_a_user_assigned_identity_is_named_by_its_resource_id(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    ids = sandbox.seed["payments_identity"]

    assert await object_id(sandbox_cloud, {"resource_id": ids["resource_id"]}) == ids["object_id"]


async def test_a_machine_with_several_identities_is_refused_with_all_of_them(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    own, attached = sandbox.seed["batch_vm"], sandbox.seed["payments_identity"]

    with pytest.raises(AmbiguousError) as refused:
        await object_id(sandbox_cloud, {"resource_id": own["resource_id"]})
    assert refused.value.candidates == [
        f"{own['object_id']} (system-assigned)",
        f"{attached['object_id']} ({attached['resource_id']})",
    ]


async def test_a_role_assignment_leads_to_whom_it_was_given(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    arm, given_to = as_firebreak(sandbox), sandbox.seed["billing_api"]["object_id"]
    definition = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    path = f"{arm.group}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    body = {"properties": {"roleDefinitionId": definition, "principalId": given_to}}
    assert arm("PUT", path, json=body).status_code == 201

    assert await object_id(sandbox_cloud, {"role_assignment_id": path}) == given_to
    arm("DELETE", path)
    with pytest.raises(UnresolvedError, match="gone"):
        await object_id(sandbox_cloud, {"role_assignment_id": path})


async def test_a_service_account_is_no_way_to_turn_a_signal_against_somebody_else(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    """Whoever holds a namespace can write any client id on a ServiceAccount."""
    (weu,) = [one for one in await clusters.list_all(sandbox_cloud) if one["name"] == "aks-weu"]
    kube = await clusters.connect(sandbox_cloud, weu)
    victim = sandbox.seed["billing_api"]["app_id"]
    patch = {"metadata": {"annotations": {CLIENT_ID: victim}}}
    await kube.patch(path_of("serviceaccounts", "shop", "orders-api"), patch)

    hint = {"service_account": {"cluster": "aks-weu", **ACCOUNT}}
    with pytest.raises(UnresolvedError, match=f"names {victim}, which does not trust it"):
        await object_id(sandbox_cloud, hint)


async def test_of_several_entities_the_one_that_is_a_workload_identity_is_meant(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    orders, billing = sandbox.seed["orders_api"], sandbox.seed["billing_api"]
    dana = sandbox.seed["users"]["dana"]["object_id"]
    ours = [{"object_id": dana}, {"app_id": orders["app_id"]}, {"object_id": orders["object_id"]}]

    assert await object_id(sandbox_cloud, {"any_of": ours}) == orders["object_id"]
    with pytest.raises(AmbiguousError) as refused:
        await object_id(sandbox_cloud, {"any_of": [*ours, {"app_id": billing["app_id"]}]})
    assert refused.value.candidates == sorted((orders["object_id"], billing["object_id"]))
    for nobody in ([{"object_id": dana}], [], [{"any_of": ours}]):
        with pytest.raises(UnresolvedError):
            await object_id(sandbox_cloud, {"any_of": nobody})


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        ({"service_account": {"cluster": "aks-none", **ACCOUNT}}, "no cluster 'aks-none'"),
        ({"service_account": {"cluster": "aks-weu", **ACCOUNT, "name": "nobody"}}, "there is no"),
        (
            {
                "service_account": {
                    "cluster": "aks-weu",
                    "namespace": "kube-system",
                    "name": "default",
                }
            },
            "names no client id",
        ),
        ({"resource_id": APP_SERVICE}, "is not there"),
    ],
)
async def test_what_is_not_there_is_unresolved(
    sandbox_cloud: Cloud, hint: Hint, words: str
) -> None:
    with pytest.raises(UnresolvedError, match=words):
        await principals.resolve(sandbox_cloud, hint)


@pytest.mark.parametrize(
    "hint",
    [
        {"resource_id": "orders-api"},
        {"resource_id": f"{APP_SERVICE}/../x"},
        {"resource_id": f"{APP_SERVICE}' or true"},
        {"resource_id": APP_SERVICE, "app_id": ONE},
        {"role_assignment_id": f"{APP_SERVICE}"},
        {
            "role_assignment_id": "/subscriptions/s/../providers/Microsoft.Authorization/"
            f"roleAssignments/{ONE}"
        },
        {"service_account": {"cluster": "c", "namespace": "../x", "name": "a"}},
        {"service_account": {"cluster": "c", "namespace": "x", "name": "a/b"}},
        {"service_account": {"cluster": "c", "namespace": "x"}},
        {"service_account": "orders/orders-api"},
        {"service_account": None},
    ],
)
async def test_what_is_no_id_reaches_nobody(azure: FakeAzure, cloud: Cloud, hint: Hint) -> None:
    with pytest.raises(UnresolvedError):
        await principals.resolve(cloud, hint)
    assert azure.seen == []


async def test_a_resource_with_one_identity_means_that_one(azure: FakeAzure, cloud: Cloud) -> None:
    identity = {"type": "SystemAssigned", "principalId": ONE.upper(), "tenantId": TENANT}
    rows = {"data": [{"id": APP_SERVICE, "type": "x", "identity": identity}]}
    azure.on("POST", "/providers/Microsoft.ResourceGraph/resources", Say(200, rows))

    named = await hints.named(cloud, {"resource_id": APP_SERVICE})
    assert (named.key, named.value) == ("object_id", ONE)


async def test_a_cluster_name_that_several_have_is_refused_with_their_ids(
    monkeypatch: pytest.MonkeyPatch, cloud: Cloud
) -> None:
    known = [cluster("aks", "rg-a"), cluster("aks", "rg-b")]

    async def list_all(_: Cloud) -> list[ClusterRef]:
        return known

    monkeypatch.setattr(clusters, "list_all", list_all)
    with pytest.raises(AmbiguousError) as refused:
        await object_id(cloud, {"service_account": {"cluster": "AKS", **ACCOUNT}})
    assert refused.value.candidates == [one["resource_id"] for one in known]


async def test_a_role_of_a_person_is_no_workload_identity(azure: FakeAzure, cloud: Cloud) -> None:
    path = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{ONE}"
    azure.on("GET", path, Say(200, {"properties": {"principalId": TWO, "principalType": "User"}}))

    with pytest.raises(UnresolvedError, match="given to a User"):
        await principals.resolve(cloud, {"role_assignment_id": path})


async def test_a_resource_manager_that_does_not_answer_is_not_an_unknown_identity(
    azure: FakeAzure, cloud: Cloud
) -> None:
    path = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{ONE}"
    azure.on("GET", path, problem(503, "ServiceUnavailable"))

    with pytest.raises(TransientError):
        await principals.resolve(cloud, {"role_assignment_id": path})
