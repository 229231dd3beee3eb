"""Where Firebreak keeps its evidence: an account of its own, one container that nothing is taken back from.

Source      https://learn.microsoft.com/azure/storage/blobs/immutable-policy-configure-container-scope
"""

from sandbox.seed import names
from sandbox.storage import containers
from sandbox.storage.containers import Retention
from sandbox.world import Json, World

ACCOUNT = "stfirebreakevd"
EVIDENCE, CLAIMS = "evidence", "evidence-claims"


def plant(world: World) -> Json:
    """Deploy it. Firebreak alone may write there, by its permission file."""
    since, at = names.seeded_at(world), account_id(world)
    origin = f"{world.endpoints['storage']}/{ACCOUNT}"
    world.azure.resources.put(at.lower(), _account(at, origin), since=since)
    keep = Retention(days=365, protected_append_writes=True)
    containers.plant(world, ACCOUNT, EVIDENCE, since=since, retention=keep)
    containers.plant(world, ACCOUNT, CLAIMS, since=since)
    return {"account_id": at, "container_url": f"{origin}/{EVIDENCE}"}


def account_id(world: World) -> str:
    """Its resource id."""
    group = names.resource_group(world, "rg-security")
    return f"{group}/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"


def container_id(world: World, name: str) -> str:
    """Resource id of one of its containers."""
    return f"{account_id(world)}/blobServices/default/containers/{name}"


def _account(resource_id: str, origin: str) -> Json:
    return {
        "id": resource_id,
        "name": ACCOUNT,
        "type": "Microsoft.Storage/storageAccounts",
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_ZRS", "tier": "Standard"},
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "allowBlobPublicAccess": False,
            "allowSharedKeyAccess": False,
            "primaryEndpoints": {"blob": f"{origin}/"},
        },
    }
