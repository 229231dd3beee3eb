"""The vault that orders-api and payments read their secrets from, by access policies as old vaults have.

Source      https://learn.microsoft.com/azure/key-vault/general/assign-access-policy
"""

from datetime import datetime

from sandbox.keyvault.secrets import new_secret
from sandbox.seed import names
from sandbox.settings import pretend_secret
from sandbox.world import Json, World


def plant(world: World, since: datetime) -> None:
    """Deploy `kv-orders` and put the database's password into it."""
    vault = _vault(world)
    world.azure.resources.put(vault["id"].lower(), vault, since=since)
    new_secret(world, vault["id"], "db-password", pretend_secret("db-password"), created=since)


def _vault(world: World) -> Json:
    readers = (names.ORDERS_API, names.PAYMENTS_IDENTITY)
    return {
        "id": names.key_vault(world),
        "name": "kv-orders",
        "type": "Microsoft.KeyVault/vaults",
        "location": "westeurope",
        "tags": {},
        "properties": {
            "sku": {"family": "A", "name": "standard"},
            "tenantId": world.tenant_id,
            "accessPolicies": [
                {
                    "tenantId": world.tenant_id,
                    "objectId": reader.object_id,
                    "permissions": {"keys": [], "secrets": ["get", "list"], "certificates": []},
                }
                for reader in readers
            ],
            "enabledForDeployment": False,
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 90,
            "enableRbacAuthorization": False,
            "vaultUri": f"{world.endpoints['keyvault']}/kv-orders/",
            "provisioningState": "Succeeded",
            "publicNetworkAccess": "Enabled",
        },
    }
