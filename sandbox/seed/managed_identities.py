"""Managed identities and where they are attached: payments', a virtual machine's, and those of the clusters.

`id-payments` has every way in that a user-assigned identity can have: federated credentials of two clusters, a virtual
machine and a function app. The clusters' own identities are there to be left alone.
"""

from datetime import datetime

from sandbox.arm.definitions import new_role_assignment
from sandbox.graph import shapes
from sandbox.graph.credentials import TOKEN_EXCHANGE_AUDIENCE
from sandbox.seed import names
from sandbox.seed.names import BATCH_VM, PAYMENTS_IDENTITY, Ids
from sandbox.world import Json, World, stable_guid

PAYMENTS_CLUSTERS = ("aks-weu", "aks-neu")
_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_REGION = "westeurope"


def plant(world: World) -> None:
    """Create the identities, trust the clusters, attach them and assign their roles."""
    since = names.seeded_at(world)
    for name in names.clusters(world):
        region = names.region(name)
        _put(world, _node_group(world, name, region), since)
        _put(world, _nodes(world, name, region), since)
        _identity(world, names.kubelet_identity(world, name), names.kubelet(name), region, since)
        control_plane = names.control_plane(name)
        _identity(world, names.control_plane_identity(world, name), control_plane, region, since)
        _principal(world, names.control_plane_identity(world, name), control_plane, since)
        _assign(world, control_plane, "Contributor", names.node_group(world, name), since)
    plant_identity(world, names.payments_identity(world), PAYMENTS_IDENTITY, since)
    for name in filter(names.clusters(world).__contains__, PAYMENTS_CLUSTERS):
        _put(world, _trust(world, name), since)
    _principal(world, names.batch_vm(world), BATCH_VM, since)
    _put(world, _virtual_machine(world), since)
    _put(world, _function_app(world), since)
    storage, orders = names.storage_account(world), names.resource_group(world, "rg-orders")
    _assign(world, PAYMENTS_IDENTITY, "Storage Blob Data Reader", storage, since)
    _assign(world, BATCH_VM, "Reader", orders, since)


def attached(resource_id: str, ids: Ids) -> Json:
    """One entry of `identity.userAssignedIdentities`."""
    return {resource_id: {"clientId": ids.app_id, "principalId": ids.object_id}}


def plant_identity(world: World, resource_id: str, ids: Ids, since: datetime) -> None:
    """A user-assigned identity with its service principal."""
    _identity(world, resource_id, ids, _REGION, since)
    _principal(world, resource_id, ids, since)


def _put(world: World, resource: Json, since: datetime) -> None:
    world.azure.resources.put(resource["id"].lower(), resource, since=since)


def _identity(world: World, resource_id: str, ids: Ids, region: str, since: datetime) -> None:
    properties = {
        "tenantId": world.tenant_id,
        "principalId": ids.object_id,
        "clientId": ids.app_id,
    }
    resource = {
        "id": resource_id,
        "name": ids.name,
        "type": _IDENTITY,
        "location": region,
        "tags": {},
        "properties": properties,
    }
    _put(world, resource, since)


def _principal(world: World, resource_id: str, ids: Ids, since: datetime) -> None:
    principal = shapes.new_managed_identity(
        ids.name,
        created=since,
        resource_id=resource_id,
        object_id=ids.object_id,
        app_id=ids.app_id,
    )
    world.directory.service_principals.put(principal["id"], principal, since=since)


def _trust(world: World, cluster: str) -> Json:
    name = f"{cluster}-payments"
    return {
        "id": f"{names.payments_identity(world)}/federatedIdentityCredentials/{name}",
        "name": name,
        "type": f"{_IDENTITY}/federatedIdentityCredentials",
        "properties": {
            "issuer": names.issuer(world, cluster),
            "subject": "system:serviceaccount:payments:payments",
            "audiences": [TOKEN_EXCHANGE_AUDIENCE],
        },
    }


def _node_group(world: World, cluster: str, region: str) -> Json:
    resource_id = names.node_group(world, cluster)
    return {
        "id": resource_id,
        "name": resource_id.rpartition("/")[2],
        "type": "Microsoft.Resources/resourceGroups",
        "location": region,
        "managedBy": names.cluster(world, cluster),
        "tags": {},
        "properties": {"provisioningState": "Succeeded"},
    }


def _nodes(world: World, cluster: str, region: str) -> Json:
    """The machines of a cluster. Whatever runs on one can ask for a token of the kubelet's identity.

    https://learn.microsoft.com/azure/aks/use-managed-identity
    """
    resource_id = names.node_pool(world, cluster)
    return {
        "id": resource_id,
        "name": resource_id.rpartition("/")[2],
        "type": "Microsoft.Compute/virtualMachineScaleSets",
        "location": region,
        "tags": {"aks-managed-poolName": "system"},
        "sku": {"name": "Standard_D4ds_v5", "tier": "Standard", "capacity": 1},
        "identity": {
            "type": "UserAssigned",
            "userAssignedIdentities": attached(
                names.kubelet_identity(world, cluster), names.kubelet(cluster)
            ),
        },
        "properties": {"provisioningState": "Succeeded", "orchestrationMode": "Uniform"},
    }


def _virtual_machine(world: World) -> Json:
    """Has an identity of its own, and id-payments.

    https://learn.microsoft.com/rest/api/compute/virtual-machines/get
    """
    return {
        "id": names.batch_vm(world),
        "name": "vm-batch",
        "type": "Microsoft.Compute/virtualMachines",
        "location": _REGION,
        "tags": {},
        "identity": {
            "type": "SystemAssigned, UserAssigned",
            "principalId": BATCH_VM.object_id,
            "tenantId": world.tenant_id,
            "userAssignedIdentities": attached(names.payments_identity(world), PAYMENTS_IDENTITY),
        },
        "properties": {
            "vmId": stable_guid("vm/vm-batch"),
            "provisioningState": "Succeeded",
            "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
        },
    }


def _function_app(world: World) -> Json:
    return {
        "id": names.payments_app(world),
        "name": "func-payments",
        "type": "Microsoft.Web/sites",
        "kind": "functionapp,linux",
        "location": _REGION,
        "tags": {},
        "identity": {
            "type": "UserAssigned",
            "userAssignedIdentities": attached(names.payments_identity(world), PAYMENTS_IDENTITY),
        },
        "properties": {"state": "Running", "enabled": True},
    }


def _assign(world: World, ids: Ids, role: str, scope: str, since: datetime) -> None:
    assignment = new_role_assignment(
        world,
        scope=scope,
        role=role,
        principal_id=ids.object_id,
        name=stable_guid(f"role-assignment/{ids.object_id}/{role}"),
        created=since,
    )
    world.azure.role_assignments.put(assignment["id"].lower(), assignment, since=since)
