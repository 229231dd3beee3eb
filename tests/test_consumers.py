"""Everything besides ServiceAccounts that names the client id: forgotten, it breaks after the move."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from responders import config_consumers, consumers, identity_bindings, service_accounts, workloads
from responders.cloud import Cloud
from responders.errors import NotFoundError, ResponderError
from responders.model import ClusterRef, Consumer
from tests.cluster_objects import CLIENT_ID, account, deployment, inventory, metadata, template

Json = dict[str, Any]
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
CLUSTER: ClusterRef = {
    "name": "weu",
    "resource_id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService"
    "/managedClusters/weu",
    "location": "westeurope",
    "issuer_url": None,
}


def found(**lists: list[Json]) -> list[Consumer]:
    read = inventory(**{"serviceaccounts": [account()], "deployments": [deployment()], **lists})
    running = workloads.find(read, service_accounts.find(read))
    return [
        *consumers.find(read),
        *config_consumers.find(read, running),
        *identity_bindings.in_cluster(read, running),
    ]


def one(**lists: list[Json]) -> Consumer:
    (consumer,) = found(**lists)
    return consumer


def provider_class(**parameters: str) -> Json:
    return {"metadata": metadata("vault"), "spec": {"provider": "azure", "parameters": parameters}}


def test_a_secret_provider_class_is_patchable_and_says_who_mounts_it() -> None:
    csi = {
        "driver": "secrets-store.csi.k8s.io",
        "volumeAttributes": {"secretProviderClass": "vault"},
    }
    pods = template(volumes=[{"name": "v", "csi": csi}])
    consumer = one(
        secretproviderclasses=[provider_class(clientID=CLIENT_ID.lower())],
        deployments=[deployment(pods=pods), deployment("other")],
    )
    assert (consumer["kind"], consumer["field"]) == (
        "SecretProviderClass",
        "spec.parameters.clientID",
    )
    assert consumer["patchable"]
    assert consumer["used_by"] == ["Deployment/orders-api"]


def test_the_identity_of_the_nodes_in_a_secret_provider_class_is_for_a_person() -> None:
    consumer = one(secretproviderclasses=[provider_class(userAssignedIdentityID=CLIENT_ID)])

    assert not consumer["patchable"]
    assert "scale sets" in consumer["by_hand"]


def test_another_identitys_objects_are_no_consumers() -> None:
    assert found(secretproviderclasses=[provider_class(clientID="another")]) == []


def test_the_field_is_named_as_it_is_spelt() -> None:
    storage = {
        "metadata": metadata("files", None),
        "provisioner": "file.csi.azure.com",
        "parameters": {"clientid": CLIENT_ID},
    }
    consumer = one(storageclasses=[storage])

    assert consumer["field"] == "parameters.clientid"
    assert "replace --force" in consumer["by_hand"]


def test_a_volume_is_immutable_and_says_who_mounts_it() -> None:
    volume = {
        "metadata": metadata("pv", None),
        "spec": {
            "csi": {"driver": "file.csi.azure.com", "volumeAttributes": {"clientID": CLIENT_ID}},
            "claimRef": {"namespace": "shop", "name": "data"},
        },
    }
    mounted = {"name": "d", "persistentVolumeClaim": {"claimName": "data"}}
    consumer = one(
        persistentvolumes=[volume], deployments=[deployment(pods=template(volumes=[mounted]))]
    )
    assert (consumer["patchable"], consumer["used_by"]) == (False, ["Deployment/orders-api"])


@pytest.mark.parametrize(
    ("plural", "kind", "namespace"),
    [
        ("triggerauthentications", "TriggerAuthentication", "shop"),
        ("clustertriggerauthentications", "ClusterTriggerAuthentication", None),
    ],
)
def test_scalers_name_it_in_their_pod_identity(
    plural: str, kind: str, namespace: str | None
) -> None:
    scaler = {
        "metadata": metadata("queue", namespace),
        "spec": {"podIdentity": {"provider": "azure-workload", "identityId": CLIENT_ID}},
    }
    consumer = one(**{plural: [scaler]})

    assert (consumer["kind"], consumer["namespace"], consumer["patchable"]) == (
        kind,
        namespace,
        True,
    )


def scaler(name: str, space: str = "shop", **spec: Any) -> Json:
    return {"metadata": metadata(name, space), "spec": spec}


def by(name: str, **more: str) -> Json:
    secret = {"type": "azure-servicebus", "metadata": {"connection": "Endpoint=sb://secret"}}
    return {**secret, "authenticationRef": {"name": name, **more}}


def test_a_scaler_says_what_it_scales() -> None:
    named = {
        "metadata": metadata("queue"),
        "spec": {"podIdentity": {"provider": "azure-workload", "identityId": CLIENT_ID}},
    }
    scaled = [
        scaler("api", scaleTargetRef={"name": "orders-api"}, triggers=[by("queue")]),
        scaler("db", scaleTargetRef={"kind": "StatefulSet", "name": "db"}, triggers=[by("queue")]),
        scaler("else", scaleTargetRef={"name": "else"}, triggers=[by("other"), {"type": "cron"}]),
        scaler("far", "billing", scaleTargetRef={"name": "far"}, triggers=[by("queue")]),
    ]
    jobs = [scaler("imports", jobTargetRef={}, triggers=[by("queue")])]

    consumer = one(triggerauthentications=[named], scaledobjects=scaled, scaledjobs=jobs)

    assert consumer["used_by"] == ["Deployment/orders-api", "ScaledJob/imports", "StatefulSet/db"]


def test_a_scaler_of_the_whole_cluster_says_in_which_namespace() -> None:
    named = {
        "metadata": metadata("queue", None),
        "spec": {"podIdentity": {"provider": "azure-workload", "identityId": CLIENT_ID}},
    }
    trigger = by("queue", kind="ClusterTriggerAuthentication")
    scaled = [
        scaler("far", "billing", scaleTargetRef={"name": "far"}, triggers=[trigger]),
        scaler("namesake", scaleTargetRef={"name": "namesake"}, triggers=[by("queue")]),
    ]

    consumer = one(clustertriggerauthentications=[named], scaledobjects=scaled)

    assert consumer["used_by"] == ["billing Deployment/far"]


def test_nothing_of_a_scalers_own_settings_is_kept() -> None:
    kept = inventory(scaledobjects=[scaler("api", triggers=[by("queue")])]).of("scaledobjects")

    assert kept[0]["spec"] == {"triggers": [{"authenticationRef": {"name": "queue"}}]}


def test_a_storage_class_says_who_mounts_volumes_of_it() -> None:
    """By the class that a claim asks for, and by the volume that it is bound to."""
    files = {"metadata": metadata("files", None), "parameters": {"clientID": CLIENT_ID}}
    volume = {
        "metadata": metadata("pv", None),
        "spec": {"storageClassName": "files", "csi": {"volumeAttributes": {"ID": CLIENT_ID}}},
    }
    claims = [
        {"metadata": metadata("data"), "spec": {"storageClassName": "files"}},
        {"metadata": metadata("bound", "billing"), "spec": {"volumeName": "pv"}},
        {"metadata": metadata("other"), "spec": {"storageClassName": "other"}},
    ]

    def mounting(name: str, claim: str, space: str = "shop") -> Json:
        mounted = {"name": "d", "persistentVolumeClaim": {"claimName": claim}}
        found = deployment(name, pods=template("other", volumes=[mounted]))
        return {**found, "metadata": metadata(name, space)}

    consumer = one(
        storageclasses=[files],
        persistentvolumes=[volume],
        persistentvolumeclaims=claims,
        deployments=[
            mounting("a", "data"),
            mounting("b", "bound", "billing"),
            mounting("c", "other"),
        ],
    )

    assert consumer["used_by"] == ["billing Deployment/b", "shop Deployment/a"]


@pytest.mark.parametrize(
    ("value", "immutable", "patchable"),
    [
        (CLIENT_ID.lower(), False, True),
        (CLIENT_ID, True, False),
        (f"id: {CLIENT_ID}", False, False),
    ],
)
def test_a_config_map_is_patchable_where_the_entry_is_the_client_id(
    value: str, immutable: bool, patchable: bool
) -> None:
    settings = {"metadata": metadata("settings"), "data": {"ID": value}, "immutable": immutable}
    pods = template(container={"envFrom": [{"configMapRef": {"name": "settings"}}]})
    consumer = one(configmaps=[settings], deployments=[deployment(pods=pods)])

    assert (consumer["field"], consumer["patchable"]) == ("data.ID", patchable)
    assert bool(consumer["by_hand"]) is not patchable
    assert consumer["used_by"] == ["Deployment/orders-api"]


def test_a_secret_is_never_read_and_always_said() -> None:
    pods = template(container={"envFrom": [{"secretRef": {"name": "settings"}}]})
    consumer = one(deployments=[deployment(pods=pods)])

    assert (consumer["kind"], consumer["field"]) == ("Secret", "data.AZURE_CLIENT_ID")
    assert "get secret settings" in consumer["by_hand"]


def test_a_secret_of_somebody_who_does_not_run_as_it_is_none_of_ours() -> None:
    pods = template("other", container={"envFrom": [{"secretRef": {"name": "settings"}}]})
    assert found(deployments=[deployment(pods=pods)]) == []


def test_a_workload_that_names_it_under_another_account_is_for_a_person() -> None:
    variable = {"name": "AZURE_CLIENT_ID", "value": CLIENT_ID}
    consumer = one(deployments=[deployment(pods=template("other", container={"env": [variable]}))])

    assert (consumer["kind"], consumer["name"]) == ("Workload", "orders-api")
    assert "ServiceAccount other names no client id" in consumer["by_hand"]


# Identity bindings


def test_a_cluster_role_that_allows_its_use_is_a_binding() -> None:
    rule = {
        "apiGroups": ["cid.wi.aks.azure.com"],
        "resources": [CLIENT_ID.lower()],
        "verbs": ["use-managed-identity"],
    }
    role = {"metadata": metadata("use-it", None), "rules": [rule]}
    bound = {
        "metadata": metadata("use-it-shop", None),
        "roleRef": {"kind": "ClusterRole", "name": "use-it"},
        "subjects": [],
    }
    other = {"metadata": metadata("view", None), "rules": [{"resources": ["pods"]}]}
    consumer = one(clusterroles=[role, other], clusterrolebindings=[bound])

    assert (consumer["kind"], consumer["patchable"]) == ("IdentityBinding", False)
    assert "create clusterrole use-it-new" in consumer["by_hand"]
    assert "use-it-shop" in consumer["by_hand"]


@pytest.mark.parametrize(
    "pods",
    [
        template(annotations={"azure.workload.identity/use-identity-binding": "true"}),
        template(container={"env": [{"name": "AZURE_KUBERNETES_TOKEN_PROXY", "value": "x"}]}),
    ],
)
def test_a_workload_that_asks_the_clusters_proxy_uses_a_binding(pods: Json) -> None:
    assert one(deployments=[deployment(pods=pods)])["kind"] == "IdentityBinding"


def _cloud(answer: list[Json] | ResponderError) -> Cloud:
    async def listed(path: str, api_version: str) -> list[Json]:
        assert path == f"{CLUSTER['resource_id']}/identityBindings"
        assert api_version
        if isinstance(answer, ResponderError):
            raise answer
        return answer

    return cast(Cloud, SimpleNamespace(arm=SimpleNamespace(list=listed)))


async def test_a_binding_of_the_cluster_comes_with_the_commands() -> None:
    profile = {"managedIdentity": {"clientId": CLIENT_ID.lower()}}
    others = {"managedIdentity": {"clientId": "another"}}
    answer: list[Json] = [
        {"name": "ib", "properties": profile},
        {"name": "theirs", "properties": others},
    ]
    (consumer,) = await identity_bindings.read(_cloud(answer), CLUSTER, CLIENT_ID)

    assert consumer["name"] == "ib"
    assert f"identity-binding create --subscription {SUBSCRIPTION} -g rg" in consumer["by_hand"]


async def test_where_there_are_no_such_bindings_there_are_none() -> None:
    gone = NotFoundError("InvalidResourceType")
    assert await identity_bindings.read(_cloud(gone), CLUSTER, CLIENT_ID) == []
