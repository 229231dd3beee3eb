"""Where Firebreak keeps its evidence: an account of its own, one container that nothing is taken back from.

Source      https://learn.microsoft.com/azure/storage/blobs/immutable-policy-configure-container-scope
"""

from sandbox.arm.definitions import new_role_assignment
from sandbox.seed import names
from sandbox.seed.names import FIREBREAK
from sandbox.storage import containers
from sandbox.storage.containers import Retention
from sandbox.world import Json, World, stable_guid

ACCOUNT = "stfirebreakevd"
EVIDENCE, CLAIMS = "evidence", "evidence-claims"
_ROLE = "Storage Blob Data Contributor"


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
    assignment = new_role_assignment(
        world,
        scope=account_id,
        role=_ROLE,
        principal_id=FIREBREAK.object_id,
        principal_type="ServicePrincipal",
        name=stable_guid(f"role-assignment/{FIREBREAK.object_id}/{_ROLE}"),
        created=since,
    )
    world.azure.role_assignments.put(assignment["id"].lower(), assignment, since=since)
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
