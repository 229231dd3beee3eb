"""What is deployed, and who may do what with it: one subscription in Azure Resource Manager."""

from datetime import datetime

from sandbox.arm import sentinel_incidents
from sandbox.arm.definitions import new_role_assignment
from sandbox.seed import key_vaults, management_groups, names, own_identities
from sandbox.seed.managed_clusters import managed_cluster
from sandbox.seed.names import BILLING_API, ORDERS_API
from sandbox.storage import containers
from sandbox.world import Json, World, stable_guid

_REGION = "westeurope"
_GROUPS = ("rg-orders", "rg-platform")
# Deliberately small and made up: what the attacker is after.
_CUSTOMERS = b"""customer,name,card
1001,Ada Palmer,4111-xxxx-xxxx-1111
1002,Bo Lindqvist,5500-xxxx-xxxx-0004
1003,Chen Wei,3400-xxxxxx-x0009
"""


def plant(world: World) -> None:
    """Deploy everything and assign the roles."""
    since = names.seeded_at(world)
    own = new_subscription(world, world.subscription_id, "Contoso Production")
    world.azure.subscriptions.put(world.subscription_id, own, since=since)
    management_groups.plant(world, since)
    plant_around(world)
    for resource in [*(_resource_group(world, name) for name in _GROUPS), *_resources(world)]:
        world.azure.resources.put(resource["id"].lower(), resource, since=since)
    key_vaults.plant(world, since)
    orders = containers.plant(world, "stordersprod", "orders", since=since)
    containers.plant_blob(orders, "customers.csv", _CUSTOMERS, "text/csv")
    _assign_roles(world, since)


def plant_around(world: World) -> None:
    """What stands beside whatever is guarded: Firebreak's app, and the workspace."""
    for resource in _around(world):
        world.azure.resources.put(resource["id"].lower(), resource, since=names.seeded_at(world))


def new_subscription(world: World, subscription_id: str, display_name: str) -> Json:
    """A subscription as ARM lists it; keep it under its id."""
    return {
        "id": f"/subscriptions/{subscription_id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription_id,
        "tenantId": world.tenant_id,
        "displayName": display_name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def _resource_group(world: World, name: str) -> Json:
    return {
        "id": names.resource_group(world, name),
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": _REGION,
        "tags": {},
        "properties": {"provisioningState": "Succeeded"},
    }


def _around(world: World) -> list[Json]:
    return [
        _resource_group(world, "rg-security"),
        _resource(
            sentinel_incidents.workspace_id(world),
            properties={
                "customerId": world.workspace_id,
                "provisioningState": "Succeeded",
                "retentionInDays": 90,
                "sku": {"name": "PerGB2018"},
            },
        ),
        _resource(
            names.function_app(world),
            kind="functionapp,linux",
            identity=own_identities.function_app_identity(world),
            properties={"state": "Running", "enabled": True},
        ),
    ]


def _resources(world: World) -> list[Json]:
    storage_origin = world.endpoints["storage"]
    return [
        _resource(
            names.storage_account(world),
            kind="StorageV2",
            sku={"name": "Standard_ZRS", "tier": "Standard"},
            properties={
                "provisioningState": "Succeeded",
                "allowBlobPublicAccess": False,
                "allowSharedKeyAccess": False,
                "primaryEndpoints": {"blob": f"{storage_origin}/stordersprod/"},
            },
        ),
        *(managed_cluster(world, name) for name in names.clusters(world)),
    ]


def _resource(resource_id: str, **rest: object) -> Json:
    provider, _, kind_and_name = resource_id.rpartition("/providers/")[2].partition("/")
    kind, _, name = kind_and_name.partition("/")
    return {
        "id": resource_id,
        "name": name,
        "type": f"{provider}/{kind}",
        "location": _REGION,
        "tags": {},
        **rest,
    }


def _assign_roles(world: World, since: datetime) -> None:
    storage, orders = names.storage_account(world), names.resource_group(world, "rg-orders")
    for principal_id, role, scope in (
        (ORDERS_API.object_id, "Storage Blob Data Reader", storage),
        (ORDERS_API.object_id, "Reader", orders),
        (BILLING_API.object_id, "Storage Blob Data Reader", storage),
        # What nobody named orders-api for, and it has all the same: it is in this group.
        (names.group_id(names.DATA_READERS), "Storage Blob Data Reader", storage),
        # What makes a phished developer dangerous: she may hand out roles on her team's group.
        (names.user_id("dana"), "User Access Administrator", orders),
    ):
        assignment = new_role_assignment(
            world,
            scope=scope,
            role=role,
            principal_id=principal_id,
            principal_type=_type_of(world, principal_id),
            name=stable_guid(f"role-assignment/{principal_id}/{role}"),
            created=since,
        )
        world.azure.role_assignments.put(assignment["id"].lower(), assignment, since=since)


def _type_of(world: World, principal_id: str) -> str:
    if principal_id in world.directory.users:
        return "User"
    return "Group" if principal_id in world.directory.groups else "ServicePrincipal"
