"""The world before anything happened: one tenant, three clusters, two applications, Firebreak."""

from sandbox.seed import azure, clusters, directory, names
from sandbox.world import Json, World


def plant(world: World) -> Json:
    """Fill a new world and return names -> ids, as `sandbox.json` shows them."""
    directory.plant(world)
    azure.plant(world)
    clusters.plant(world)
    return {
        "orders_api": names.ORDERS_API.as_json(),
        "billing_api": names.BILLING_API.as_json(),
        "firebreak_api": names.FIREBREAK_API.as_json(),
        "firebreak": {
            "object_id": names.FIREBREAK.object_id,
            "app_id": names.FIREBREAK.app_id,
        },
        "users": {
            user["userPrincipalName"].partition("@")[0]: {
                "object_id": user["id"],
                "upn": user["userPrincipalName"],
            }
            for user in world.directory.users.values()
        },
        "groups": {
            group["displayName"]: {"object_id": group["id"]}
            for group in world.directory.groups.values()
        },
        "storage": {
            "account_id": names.storage_account(world),
            "blob_url": f"{world.endpoints['storage']}/stordersprod/orders/customers.csv",
        },
        "clusters": {
            name: {
                "resource_id": names.cluster(world, name),
                "issuer": names.issuer(world, name),
                "server": world.endpoints[f"kube-{name}"],
            }
            for name in names.REGIONS
        },
    }
