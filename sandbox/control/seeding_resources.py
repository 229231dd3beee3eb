"""Seeds of what is deployed in Azure: managed identities, machines that have them, and data worth stealing."""

import re
from datetime import datetime

from sandbox.control.wishes import WishError, a_list, text
from sandbox.graph import shapes
from sandbox.graph.credentials import TOKEN_EXCHANGE_AUDIENCE
from sandbox.keyvault.secrets import new_secret
from sandbox.storage import containers
from sandbox.world import Json, World

_LOCATION = "westeurope"
_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_TYPE = re.compile(r"Microsoft\.[A-Za-z]+/[A-Za-z]+", re.ASCII)
_MACHINES = {"virtualMachine": "Microsoft.Compute/virtualMachines", "site": "Microsoft.Web/sites"}


def _group(world: World, since: datetime, one: Json) -> Json:
    """{"name", "subscriptionId"?}: a resource group."""
    name = text(one, "name")
    properties = {"provisioningState": "Succeeded"}
    scope = _scope(world, one, name)
    made = _resource(scope, name, "Microsoft.Resources/resourceGroups", properties)
    world.azure.resources.put(scope.lower(), made, since=since)
    return {"id": scope}


def _identity(world: World, since: datetime, one: Json) -> Json:
    """{"name", "resourceGroup"?, "principalId"?, "clientId"?}: user-assigned, with its service principal."""
    name, group = text(one, "name"), _existing_group(world, one)
    resource_id = f"{group}/providers/{_IDENTITY}/{name}"
    principal = shapes.new_managed_identity(
        name,
        created=since,
        resource_id=resource_id,
        object_id=one.pop("principalId", None),
        app_id=one.pop("clientId", None),
    )
    properties = {
        "tenantId": world.tenant_id,
        "principalId": principal["id"],
        "clientId": principal["appId"],
    }
    made = _resource(resource_id, name, _IDENTITY, properties)
    world.directory.service_principals.put(principal["id"], principal, since=since)
    world.azure.resources.put(resource_id.lower(), made, since=since)
    return {"resource_id": resource_id, "object_id": principal["id"], "app_id": principal["appId"]}


def _identity_trust(world: World, since: datetime, one: Json) -> Json:
    """{"identityId", "name", "issuer", "subject"}: a federated credential of a user-assigned identity."""
    identity = _existing(world, "identityCredentials", text(one, "identityId"))
    name = text(one, "name")
    properties = {
        "issuer": text(one, "issuer"),
        "subject": text(one, "subject"),
        "audiences": [TOKEN_EXCHANGE_AUDIENCE],
    }
    kind = f"{_IDENTITY}/federatedIdentityCredentials"
    resource_id = f"{identity['id']}/federatedIdentityCredentials/{name}"
    made = {"id": resource_id, "name": name, "type": kind, "properties": properties}
    world.azure.resources.put(resource_id.lower(), made, since=since)
    return {"id": resource_id}


def _machine(world: World, since: datetime, one: Json) -> Json:
    """{"name", "kind", "resourceGroup"?, "systemAssigned"?, "userAssigned"?}: a virtualMachine or a site.

    `kind` may be any other type of resource in full, such as Microsoft.Logic/workflows: it is there, has its identity,
    and answers to no calls of its own provider. `systemAssigned` is {"principalId"?, "clientId"?}; `userAssigned` a
    list of resource ids.
    """
    name, kind, group = text(one, "name"), text(one, "kind"), _existing_group(world, one)
    if kind not in _MACHINES and not _TYPE.fullmatch(kind):
        raise WishError(f"machines: kind is one of {', '.join(_MACHINES)}, or a type in full")
    type_ = _MACHINES.get(kind, kind)
    resource_id = f"{group}/providers/{type_}/{name}"
    system, kinds = one.pop("systemAssigned", None), []
    identity: Json = {}
    if system is not None:
        principal = shapes.new_managed_identity(
            name,
            created=since,
            resource_id=resource_id,
            object_id=system.get("principalId"),
            app_id=system.get("clientId"),
        )
        world.directory.service_principals.put(principal["id"], principal, since=since)
        kinds.append("SystemAssigned")
        identity |= {"principalId": principal["id"], "tenantId": world.tenant_id}
    attached = [
        _existing(world, "machines", str(each))
        for each in a_list("userAssigned", one.pop("userAssigned", []))
    ]
    if attached:
        kinds.append("UserAssigned")
        identity["userAssignedIdentities"] = {
            each["id"]: {
                "clientId": each["properties"]["clientId"],
                "principalId": each["properties"]["principalId"],
            }
            for each in attached
        }
    made = _resource(resource_id, name, type_, {"provisioningState": "Succeeded"})
    made["identity"] = {"type": ", ".join(kinds) or "None", **identity}
    world.azure.resources.put(resource_id.lower(), made, since=since)
    return {"id": resource_id, "object_id": identity.get("principalId")}


def _storage(world: World, since: datetime, one: Json) -> Json:
    """{"name", "resourceGroup"?}: an account with the one blob data/secret.csv."""
    name, group = text(one, "name"), _existing_group(world, one)
    resource_id = f"{group}/providers/Microsoft.Storage/storageAccounts/{name}"
    origin = f"{world.endpoints['storage']}/{name}/"
    properties = {
        "provisioningState": "Succeeded",
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": False,
        "primaryEndpoints": {"blob": origin},
    }
    made = _resource(resource_id, name, "Microsoft.Storage/storageAccounts", properties)
    made |= {"kind": "StorageV2", "sku": {"name": "Standard_ZRS", "tier": "Standard"}}
    world.azure.resources.put(resource_id.lower(), made, since=since)
    data = containers.plant(world, name, "data", since=since)
    containers.plant_blob(data, "secret.csv", b"customer,card\n1001,4111\n", "text/csv")
    return {"id": resource_id, "blob_url": f"{origin}data/secret.csv"}


def _vault(world: World, since: datetime, one: Json) -> Json:
    """{"name", "resourceGroup"?, "readers"?}: a vault with the secret "password"; readers have an access policy.

    Without `readers` it is a vault that asks Azure RBAC.
    """
    name, group = text(one, "name"), _existing_group(world, one)
    readers = one.pop("readers", None)
    resource_id = f"{group}/providers/Microsoft.KeyVault/vaults/{name}"
    origin = f"{world.endpoints['keyvault']}/{name}/"
    permissions = {"keys": [], "secrets": ["get", "list"], "certificates": []}
    policies = [
        {"tenantId": world.tenant_id, "objectId": str(each), "permissions": permissions}
        for each in a_list("readers", readers or [])
    ]
    properties = {
        "sku": {"family": "A", "name": "standard"},
        "tenantId": world.tenant_id,
        "accessPolicies": policies,
        "enabledForDeployment": False,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 90,
        "enableRbacAuthorization": readers is None,
        "vaultUri": origin,
        "provisioningState": "Succeeded",
        "publicNetworkAccess": "Enabled",
    }
    made = _resource(resource_id, name, "Microsoft.KeyVault/vaults", properties)
    world.azure.resources.put(resource_id.lower(), made, since=since)
    new_secret(world, resource_id, "password", f"pretended-password-of-{name}", created=since)
    return {"id": resource_id, "secret_url": f"{origin}secrets/password"}


def _resource(resource_id: str, name: str, kind: str, properties: Json) -> Json:
    return {
        "id": resource_id,
        "name": name,
        "type": kind,
        "location": _LOCATION,
        "tags": {},
        "properties": properties,
    }


def _existing_group(world: World, one: Json) -> str:
    group = _scope(world, one, text(one, "resourceGroup", "rg-orders"))
    _existing(world, "resourceGroup", group)
    return group


def _scope(world: World, one: Json, group: str) -> str:
    """A resource group's id, in the subscription that the seed names or in the tenant's first."""
    subscription = text(one, "subscriptionId", world.subscription_id)
    if subscription not in world.azure.subscriptions:
        raise WishError(f"subscriptionId: no subscription {subscription}")
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def _existing(world: World, part: str, resource_id: str) -> Json:
    found = world.azure.resources.get(resource_id.lower())
    if found is None:
        raise WishError(f"{part}: no resource {resource_id}")
    return found


PARTS = {
    "resourceGroups": _group,
    "userAssignedIdentities": _identity,
    "identityCredentials": _identity_trust,
    "machines": _machine,
    "storageAccounts": _storage,
    "vaults": _vault,
}
