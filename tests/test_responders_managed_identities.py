"""Managed identities: where they are attached, what clusters stand on, and a promise that is none."""

from typing import Any

import pytest

from responders import managed_identities
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, NotFoundError, RefusedError, TransientError
from responders.model import Json
from tests.azure_fake import RESOURCE_GRAPH, SUBSCRIPTION, FakeAzure, Say, page, problem
from tests.sandbox_fixture import RunningSandbox
from tests.suspects import IDENTITY, MACHINE, OBJECT, suspect

OF_IDENTITY = suspect("user_assigned_identity")
OF_MACHINE = suspect("system_assigned_identity")
REVOKE = f"{IDENTITY}/revokeTokens"
CLUSTERS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters"
CLUSTER = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-aks/providers"
    "/Microsoft.ContainerService/managedClusters/aks-weu"
)


def _graph_says(azure: FakeAzure, *rows: dict[str, Any]) -> None:
    azure.on("POST", RESOURCE_GRAPH, Say(200, {"data": list(rows), "resultTruncated": "false"}))


def _cluster(azure: FakeAzure, **content: Any) -> None:
    azure.on("GET", "/subscriptions", page({"subscriptionId": SUBSCRIPTION}))
    azure.on("GET", CLUSTERS, page({"id": CLUSTER, "identity": None, "properties": {}, **content}))


# --- attachments --------------------------------------------------------------------------------


async def test_attachments_are_found_whatever_the_case_of_the_id(
    azure: FakeAzure, cloud: Cloud
) -> None:
    row = {
        "id": MACHINE,
        "type": "microsoft.compute/virtualmachines",
        "identity": {"userAssignedIdentities": {IDENTITY.upper(): {"clientId": "x"}}},
    }
    _graph_says(azure, row)
    result = await managed_identities.attachments(cloud, OF_IDENTITY)
    (found,) = result["items"]
    assert (found["resource_id"], found["type"], found["how"]) == (
        MACHINE,
        "microsoft.compute/virtualmachines",
        "attached",
    )
    assert MACHINE in found["by_hand"]
    assert result["status"] == "done"
    assert azure.writes() == []


async def test_an_id_that_only_begins_like_ours_is_another(azure: FakeAzure, cloud: Cloud) -> None:
    longer: Json = {"userAssignedIdentities": {f"{IDENTITY}-2": {}}}
    _graph_says(azure, {"id": MACHINE, "type": "x", "identity": longer})
    result = await managed_identities.attachments(cloud, OF_IDENTITY)
    assert (result["status"], result["items"]) == ("nothing_to_do", [])


async def test_what_a_cluster_does_with_it_is_named(azure: FakeAzure, cloud: Cloud) -> None:
    profile = {"kubeletidentity": {"resourceId": IDENTITY.lower(), "objectId": OBJECT}}
    _graph_says(azure, {"id": CLUSTER, "type": "x", "identity": None, "identityProfile": profile})
    (found,) = (await managed_identities.attachments(cloud, OF_IDENTITY))["items"]
    assert found["how"] == "identityProfile.kubeletidentity.resourceId"


async def test_resource_graph_out_of_reach_is_not_unattached(
    azure: FakeAzure, cloud: Cloud
) -> None:
    for said, error in (
        (problem(403, "AuthorizationFailed"), RefusedError),
        (problem(503, "ServerBusy"), TransientError),
    ):
        azure.on("POST", RESOURCE_GRAPH, said)
        with pytest.raises(error):
            await managed_identities.attachments(cloud, OF_IDENTITY)


async def test_a_system_assigned_identity_is_attached_to_its_resource(
    azure: FakeAzure, cloud: Cloud
) -> None:
    identity = {"type": "SystemAssigned", "principalId": OBJECT.upper()}
    _graph_says(
        azure, {"id": MACHINE, "type": "microsoft.compute/virtualmachines"} | {"identity": identity}
    )
    result = await managed_identities.attachments(cloud, OF_MACHINE)
    (found,) = result["items"]
    assert (found["resource_id"], found["how"]) == (MACHINE, "system-assigned")
    assert "identity.type=None" in found["by_hand"]
    assert result["by_hand"] == [found["by_hand"]]


async def test_a_resource_with_another_identity_by_now_has_not_this_one(
    azure: FakeAzure, cloud: Cloud
) -> None:
    _graph_says(azure, {"id": MACHINE, "type": "x", "identity": {"principalId": IDENTITY}})
    assert (await managed_identities.attachments(cloud, OF_MACHINE))["status"] == "nothing_to_do"
    _graph_says(azure)  # not shown at all: that may be lag, so it is no proof
    assert (await managed_identities.attachments(cloud, OF_MACHINE))["status"] == "done"


async def test_an_application_is_attached_to_nothing(azure: FakeAzure, cloud: Cloud) -> None:
    assert (await managed_identities.attachments(cloud, suspect()))["status"] == "nothing_to_do"
    assert azure.seen == []


# --- what clusters stand on ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "duty"),
    [
        (
            {
                "properties": {
                    "identityProfile": {"kubeletidentity": {"resourceId": IDENTITY.upper()}}
                }
            },
            "kubelet identity",
        ),
        (
            {"properties": {"identityProfile": {"kubeletidentity": {"objectId": OBJECT}}}},
            "kubelet identity",
        ),
        (
            {"identity": {"userAssignedIdentities": {IDENTITY.lower(): {}}}},
            "control-plane identity",
        ),
        (
            {"properties": {"addonProfiles": {"omsagent": {"identity": {"resourceId": IDENTITY}}}}},
            "add-on identity",
        ),
        (
            {
                "properties": {
                    "ingressProfile": {"webAppRouting": {"identity": {"objectId": OBJECT}}}
                }
            },
            "add-on identity",
        ),
    ],
)
async def test_an_identity_that_a_cluster_stands_on_is_recognised(
    azure: FakeAzure, cloud: Cloud, content: dict[str, Any], duty: str
) -> None:
    _cluster(azure, **content)
    why = await managed_identities.cluster_duty(cloud, OF_IDENTITY)
    assert why is not None
    assert duty in why
    assert CLUSTER in why


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"properties": {"identityProfile": {"kubeletidentity": {"resourceId": f"{IDENTITY}-2"}}}},
        # An identity of workloads, which the cluster only hands out.
        {
            "properties": {
                "podIdentityProfile": {
                    "userAssignedIdentities": [{"identity": {"resourceId": IDENTITY}}]
                }
            }
        },
        # Whoever may tag a cluster must not be able to keep us away.
        {"tags": {"identity": IDENTITY, IDENTITY: "x"}},
    ],
)
async def test_an_identity_that_no_cluster_stands_on_is_not(
    azure: FakeAzure, cloud: Cloud, content: dict[str, Any]
) -> None:
    _cluster(azure, **content)
    assert await managed_identities.cluster_duty(cloud, OF_IDENTITY) is None


async def test_the_system_assigned_identity_of_a_cluster_is_its_control_plane(cloud: Cloud) -> None:
    of_cluster = suspect("system_assigned_identity", resource_id=CLUSTER)
    why = await managed_identities.cluster_duty(cloud, of_cluster)
    assert why is not None
    assert "control-plane" in why


async def test_the_application_that_an_old_cluster_runs_as_is_recognised(
    azure: FakeAzure, cloud: Cloud
) -> None:
    application = suspect()
    _cluster(azure, properties={"servicePrincipalProfile": {"clientId": application["app_id"]}})
    why = await managed_identities.cluster_duty(cloud, application)
    assert why is not None
    assert "control-plane identity" in why


async def test_a_cluster_that_cannot_be_read_may_be_the_one(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", "/subscriptions", page({"subscriptionId": SUBSCRIPTION}))
    azure.on("GET", CLUSTERS, problem(403, "AuthorizationFailed"))
    with pytest.raises(RefusedError):
        await managed_identities.cluster_duty(cloud, OF_IDENTITY)
    azure.on("GET", CLUSTERS, problem(503, "ServerBusy"))
    with pytest.raises(TransientError):
        await managed_identities.cluster_duty(cloud, OF_IDENTITY)
    azure.on("GET", CLUSTERS, problem(409, "MissingSubscriptionRegistration"))  # never had any
    assert await managed_identities.cluster_duty(cloud, OF_IDENTITY) is None


# --- revocation ---------------------------------------------------------------------------------


async def test_revocation_is_asked_for_and_promises_nothing(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", REVOKE, Say(200))
    result = await managed_identities.revoke_tokens(cloud, OF_IDENTITY)
    assert result["status"] == "done"
    assert "best effort" in result["detail"]
    assert "not containment" in result["detail"]
    assert azure.writes()[0].query == {"api-version": managed_identities.REVOKE_VERSION}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (problem(403, "AuthorizationFailed"), "refused"),
        (problem(409, "ScopeLocked"), "refused"),
        (problem(400, "NoRegisteredProviderFound"), "nothing_to_do"),
        (problem(404, "ResourceNotFound"), "nothing_to_do"),
        (problem(503, "ServerBusy"), "nothing_to_do"),
        (Say(200, drop=True), "nothing_to_do"),
    ],
)
async def test_no_failure_of_it_stops_anything(
    azure: FakeAzure, cloud: Cloud, said: Say, status: str
) -> None:
    azure.on("POST", REVOKE, said)
    result = await managed_identities.revoke_tokens(cloud, OF_IDENTITY)
    assert result["status"] == status
    assert "best effort" in result["detail"]
    assert "changes" not in result


async def test_a_plan_revokes_nothing_and_others_have_nothing_to_revoke(
    azure: FakeAzure, cloud: Cloud
) -> None:
    with read_only():
        planned = await managed_identities.revoke_tokens(cloud, OF_IDENTITY)
    assert (planned["status"], len(planned["changes"])) == ("planned", 1)
    result = await managed_identities.revoke_tokens(cloud, OF_MACHINE)
    assert result["status"] == "nothing_to_do"
    assert azure.seen == []


# --- the rest -----------------------------------------------------------------------------------


async def test_the_resource_is_read_and_nothing_else(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", IDENTITY, Say(200, {"id": IDENTITY}))
    assert await managed_identities.read(cloud, IDENTITY) == {"id": IDENTITY}
    with pytest.raises(NotFoundError):
        await managed_identities.read(cloud, f"{IDENTITY}-2")
    with pytest.raises(RefusedError, match="not a resource id"):
        await managed_identities.read(cloud, f"{IDENTITY}/../x")


async def test_a_row_that_is_none_is_not_believed(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", RESOURCE_GRAPH, Say(200, {"data": ["x"]}))
    with pytest.raises(ContractChangedError):
        await managed_identities.attachments(cloud, OF_IDENTITY)


def test_a_person_can_do_it_by_hand() -> None:
    assert any(REVOKE in one for one in managed_identities.by_hand(OF_IDENTITY))
    assert managed_identities.by_hand(OF_MACHINE)[0].startswith(
        f"az resource update --ids '{MACHINE}'"
    )


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("Microsoft.Compute/virtualMachines", f"az vm identity remove --ids '{MACHINE}' "),
        (
            "microsoft.app/containerapps",
            f"az rest --method patch --url 'https://management.azure.com{MACHINE}",
        ),
    ],
)
async def test_the_command_that_detaches_names_the_identity_as_az_takes_it(
    azure: FakeAzure, cloud: Cloud, kind: str, command: str
) -> None:
    """`az resource update --remove` splits an id at its dots and brackets, and finds nothing."""
    row = {"id": MACHINE, "type": kind, "identity": {"userAssignedIdentities": {IDENTITY: {}}}}
    azure.on("POST", RESOURCE_GRAPH, Say(200, {"data": [row]}))
    (said,) = (await managed_identities.attachments(cloud, OF_IDENTITY))["by_hand"]
    assert said.startswith(command)
    assert IDENTITY in said
    assert "az resource update" not in said


# --- sandbox ------------------------------------------------------------------------------------


async def test_the_clusters_of_the_sandbox_stand_on_theirs_and_not_on_a_workloads(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    for kubelet in sandbox.seed["kubelets"].values():
        why = await managed_identities.cluster_duty(
            sandbox_cloud,
            suspect(
                "user_assigned_identity",
                object_id=kubelet["object_id"],
                resource_id=kubelet["resource_id"],
            ),
        )
        assert why is not None
        assert "kubelet identity" in why
    payments = sandbox.seed["payments_identity"]
    workload = suspect(
        "user_assigned_identity",
        object_id=payments["object_id"],
        app_id=payments["app_id"],
        resource_id=payments["resource_id"],
    )
    assert await managed_identities.cluster_duty(sandbox_cloud, workload) is None
    assert (await managed_identities.revoke_tokens(sandbox_cloud, workload))["status"] == "done"
    shown = await managed_identities.read(sandbox_cloud, payments["resource_id"])
    assert shown["properties"]["principalId"] == payments["object_id"]


async def test_what_has_the_sandboxs_identities_is_named_with_how_to_take_them_away(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    sandbox.control("POST", "delays", {"resource_graph": 0})
    payments, machine = sandbox.seed["payments_identity"], sandbox.seed["batch_vm"]
    of_payments = suspect(
        "user_assigned_identity",
        object_id=payments["object_id"],
        resource_id=payments["resource_id"],
    )
    found = (await managed_identities.attachments(sandbox_cloud, of_payments))["items"]
    assert {one["resource_id"].rpartition("/")[2] for one in found} == {"vm-batch", "func-payments"}
    of_machine = suspect(
        "system_assigned_identity",
        object_id=machine["object_id"],
        resource_id=machine["resource_id"],
    )
    (itself,) = (await managed_identities.attachments(sandbox_cloud, of_machine))["items"]
    assert itself["how"] == "system-assigned"
