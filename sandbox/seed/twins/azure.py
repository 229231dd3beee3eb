"""Resource Manager's part: scopes, roles, the identity with its trusts, where it is attached, locks and vaults.

Of a resource that is only a scope here there is a shell: its id, so that roles and locks can stand on it.
"""

from collections.abc import Mapping
from datetime import datetime

from sandbox.arm import paths
from sandbox.arm.definitions import find_role_definition
from sandbox.arm.management_groups import new_management_group
from sandbox.seed import names
from sandbox.seed.azure import new_subscription
from sandbox.world import Json, World, timestamp

_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_ELSEWHERE = "westeurope"  # of a shell, whose place nobody asks for


def plant_scopes(world: World, part: Json, since: datetime) -> None:
    """Management groups and subscriptions. The tenant's root is there whether it was seen or not."""
    groups = {one["name"]: one for one in part.get("management_groups") or []}
    groups.setdefault(world.tenant_id, {"name": world.tenant_id})
    root = names.management_group(world.tenant_id)
    for name, one in groups.items():
        shown = one.get("displayName") or name
        parent = None if name == world.tenant_id else one.get("parent") or world.tenant_id
        above = names.management_group(parent) if parent else None
        new_management_group(world, name, shown, above, created=since)
    for one in part.get("subscriptions") or []:
        subscription_id = one["subscriptionId"]
        value = new_subscription(world, subscription_id, one.get("displayName") or subscription_id)
        world.azure.subscriptions.put(subscription_id, value, since=since)
        above = one.get("managementGroup")
        inside = names.management_group(above) if above in groups else root
        world.azure.parents[value["id"].lower()] = inside


def plant(world: World, part: Json, issuers: Mapping[str, str], since: datetime) -> None:
    """All the rest."""
    if part.get("identity") is not None:
        _identity(world, part["identity"], part.get("identity_trusts") or [], issuers, since)
    for one in part.get("attachments") or []:
        _attached(world, one, part.get("identity"), since)
    for vault in part.get("vaults") or []:
        _vault(world, vault, since)
    for definition in part.get("role_definitions") or []:
        if find_role_definition(world, definition["id"]) is None:
            world.azure.role_definitions.put(definition["id"].lower(), definition, since=since)
    for assignment in part.get("role_assignments") or []:
        shell(world, assignment["properties"]["scope"], since)
        world.azure.role_assignments.put(
            assignment["id"].lower(), _assignment(assignment, since), since=since
        )
    for lock in part.get("locks") or []:
        shell(world, paths.parse(lock["id"]).scope, since)
        value = {"type": "Microsoft.Authorization/locks", **lock}
        world.azure.resources.put(lock["id"].lower(), value, since=since)


def shell(world: World, scope: str, since: datetime) -> None:
    """A resource or group of this id, where there is none yet, and all that it is in."""
    parts = scope.strip("/").split("/")
    if parts[0].lower() != "subscriptions" or len(parts) < 4:
        return
    group = "/" + "/".join(parts[:4])
    _put_once(world, group, "Microsoft.Resources/resourceGroups", since)
    if len(parts) >= 8:
        _put_once(world, "/" + "/".join(parts[:8]), f"{parts[5]}/{parts[6]}", since)
    if len(parts) >= 10:
        _put_once(world, scope, f"{parts[5]}/{'/'.join(parts[6::2])}", since)


def put(world: World, resource: Json, since: datetime) -> None:
    """A resource with the group that it is in."""
    shell(world, resource["id"].lower().partition("/providers/")[0], since)
    shell(world, resource["id"].partition("/providers/")[0], since)
    world.azure.resources.put(resource["id"].lower(), resource, since=since)


def _put_once(world: World, resource_id: str, kind: str, since: datetime) -> None:
    if resource_id.lower() not in world.azure.resources:
        value = {
            "id": resource_id,
            "name": resource_id.rpartition("/")[2],
            "type": kind,
            "location": _ELSEWHERE,
            "tags": {},
            "properties": {"provisioningState": "Succeeded"},
        }
        world.azure.resources.put(resource_id.lower(), value, since=since)


def _identity(
    world: World, one: Json, trusts: list[Json], issuers: Mapping[str, str], since: datetime
) -> None:
    value = {"type": _IDENTITY, **one, "tags": one.get("tags") or {}}
    put(world, value, since)
    for trust in trusts:
        issuer = trust["properties"]["issuer"]
        properties = {**trust["properties"], "issuer": issuers.get(issuer, issuer)}
        kind = f"{_IDENTITY}/federatedIdentityCredentials"
        put(world, {**trust, "type": kind, "properties": properties}, since)


def _attached(world: World, one: Json, identity: Json | None, since: datetime) -> None:
    """It has this identity, in the place that was exported, and nothing else is known of it."""
    held: Json = {"type": one["identity_type"]}
    if identity is not None:
        ids = identity["properties"]
        held["userAssignedIdentities"] = {
            identity["id"]: {"clientId": ids["clientId"], "principalId": ids["principalId"]}
        }
    value = {
        "id": one["id"],
        "name": one["id"].rpartition("/")[2],
        "type": one["type"],
        "location": one.get("location") or _ELSEWHERE,
        "tags": {},
        "identity": held,
        "properties": {"provisioningState": "Succeeded"},
    }
    put(world, value, since)


def _vault(world: World, one: Json, since: datetime) -> None:
    value = {
        "id": one["id"],
        "name": one["name"],
        "type": "Microsoft.KeyVault/vaults",
        "location": one["location"],
        "tags": {},
        "properties": {
            "sku": {"family": "A", "name": "standard"},
            "tenantId": world.tenant_id,
            "accessPolicies": one["accessPolicies"],
            "enableRbacAuthorization": bool(one.get("enableRbacAuthorization")),
            "vaultUri": f"{world.endpoints['keyvault']}/{one['name']}/",
            "provisioningState": "Succeeded",
        },
    }
    put(world, value, since)


def _assignment(one: Json, since: datetime) -> Json:
    """With the fields that were not said as Azure says them of nothing."""
    moment = one["properties"].get("createdOn") or timestamp(since)
    unsaid = dict.fromkeys(
        ("condition", "conditionVersion", "description", "delegatedManagedIdentityResourceId")
    )
    properties = {
        **unsaid,
        "createdBy": "",
        "updatedBy": "",
        **one["properties"],
        "createdOn": moment,
        "updatedOn": moment,
    }
    return {"type": "Microsoft.Authorization/roleAssignments", **one, "properties": properties}
