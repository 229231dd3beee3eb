"""Where Firebreak keeps its evidence: an account of its own, one container that nothing is taken back from.

Source      https://learn.microsoft.com/azure/storage/blobs/immutable-policy-configure-container-scope
"""

from sandbox.seed import names, own_roles
from sandbox.storage import containers
from sandbox.storage.containers import Retention
from sandbox.world import Json, World

ACCOUNT = "stfirebreakevd"
EVIDENCE, CLAIMS = "evidence", "evidence-claims"


def plant(world: World) -> Json:
    """Deploy it, with Firebreak as the only one who may write there."""
    since = names.seeded_at(world)
    account_id = (
        f"{names.resource_group(world, 'rg-security')}"
        f"/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
    )
    origin = f"{world.endpoints['storage']}/{ACCOUNT}"
    world.azure.resources.put(account_id.lower(), _account(account_id, origin), since=since)
    keep = Retention(days=365, protected_append_writes=True)
    containers.plant(world, ACCOUNT, EVIDENCE, since=since, retention=keep)
    containers.plant(world, ACCOUNT, CLAIMS, since=since)
    own_roles.give(world, account_id, "Storage Blob Data Contributor")
    return {"account_id": account_id, "container_url": f"{origin}/{EVIDENCE}"}


def _account(account_id: str, origin: str) -> Json:
    return {
        "id": account_id,
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
