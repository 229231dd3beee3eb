"""Names and ids of what is seeded. Ids follow from names, so documentation and tests can state them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.world import World, stable_guid

# The clusters that have a name of their own, in the order in which a sandbox gets them; more are numbered.
_REGIONS = {
    "aks-weu": "westeurope",
    "aks-neu": "northeurope",
    "aks-frc": "francecentral",
    "aks-sdc": "swedencentral",
    "aks-uks": "uksouth",
}
_MORE_REGIONS = (
    "germanywestcentral",
    "switzerlandnorth",
    "norwayeast",
    "italynorth",
    "polandcentral",
)
DEFAULT_CLUSTERS = len(_REGIONS)
SHOP_CLUSTERS = ("aks-weu", "aks-neu", "aks-frc")  # where orders-api runs
DATA_READERS = "sg-data-readers"
ORDERS_GROUP = "sg-orders"
ROLE_ASSIGNABLE_GROUP = "sg-app-operators"
DYNAMIC_GROUP = "dyn-accountants"
# Longer ago than any window that an investigation looks at, and than every token's life.
AGE = timedelta(days=240)


@dataclass(frozen=True)
class Ids:
    """An application's three ids. A managed identity has no application object."""

    name: str

    @property
    def app_id(self) -> str:
        """The client id."""
        return stable_guid(f"app/{self.name}")

    @property
    def application_object_id(self) -> str:
        """The application's object id."""
        return stable_guid(f"application/{self.name}")

    @property
    def object_id(self) -> str:
        """The service principal's object id."""
        return stable_guid(f"service-principal/{self.name}")

    def as_json(self) -> dict[str, str]:
        """For `sandbox.json`."""
        return {
            "app_id": self.app_id,
            "application_object_id": self.application_object_id,
            "object_id": self.object_id,
        }


ORDERS_API = Ids("orders-api")
BILLING_API = Ids("billing-api")
FIREBREAK_API = Ids("firebreak-api")
# The identity of Firebreak's app itself, which may do nothing, and the two that Firebreak acts as.
FIREBREAK = Ids("func-firebreak")
CONTAINMENT, REBUILD = Ids("id-firebreak-containment"), Ids("id-firebreak-rebuild")
PAYMENTS_IDENTITY = Ids("id-payments")  # a managed identity: it has no application object
PLATFORM_GROUP = "mg-platform"
BATCH_VM = Ids("vm-batch")
PARTNER_SYNC = Ids("partner-sync")
LEGACY_JOB = Ids("legacy-job")
INVOICE_AGENT = Ids("invoice-agent")
INCIDENT_BOT = Ids("incident-bot")  # an automation of the tenant's own that calls the incident API
# https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#configure-authentication-for-secure-webhook
WEBHOOK_APP_ID = "461e8683-5575-4561-ac7f-899cc907d62a"


def cluster_names(count: int) -> tuple[str, ...]:
    """The names of this many clusters."""
    numbered = (f"aks-{number:02}" for number in range(DEFAULT_CLUSTERS + 1, count + 1))
    return (*_REGIONS, *numbered)[:count]


def clusters(world: World) -> tuple[str, ...]:
    """The clusters of this world: those that have an API server."""
    found = (name for name in world.endpoints if name.startswith("kube-"))
    return tuple(name.removeprefix("kube-") for name in found)


def region(name: str) -> str:
    """Where a cluster is."""
    if name in _REGIONS:
        return _REGIONS[name]
    return _MORE_REGIONS[int(name.rpartition("-")[2]) % len(_MORE_REGIONS)]


def seeded_at(world: World) -> datetime:
    """The day on which everything was set up: the same for all worlds of one day."""
    return world.clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - AGE


def user_id(name: str) -> str:
    """A person's object id."""
    return stable_guid(f"user/{name}")


def group_id(name: str) -> str:
    """A group's object id."""
    return stable_guid(f"group/{name}")


def subscription(world: World) -> str:
    """The subscription as a scope."""
    return f"/subscriptions/{world.subscription_id}"


def resource_group(world: World, name: str) -> str:
    """A resource group as a scope."""
    return f"{subscription(world)}/resourceGroups/{name}"


def storage_account(world: World) -> str:
    """Resource id of the account that holds the customers' data."""
    group = resource_group(world, "rg-orders")
    return f"{group}/providers/Microsoft.Storage/storageAccounts/stordersprod"


def payments_identity(world: World) -> str:
    """Resource id of the identity that payments, a VM and a function app share."""
    group = resource_group(world, "rg-orders")
    return f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-payments"


def key_vault(world: World) -> str:
    """Resource id of the vault that holds the orders' secrets."""
    return f"{resource_group(world, 'rg-orders')}/providers/Microsoft.KeyVault/vaults/kv-orders"


def management_group(name: str) -> str:
    """A management group as a scope. The root's name is the tenant's id."""
    return f"/providers/Microsoft.Management/managementGroups/{name}"


def cluster(world: World, name: str) -> str:
    """Resource id of a cluster."""
    group = resource_group(world, "rg-platform")
    return f"{group}/providers/Microsoft.ContainerService/managedClusters/{name}"


def node_group(world: World, name: str) -> str:
    """The resource group that AKS made for a cluster's nodes."""
    return resource_group(world, f"MC_rg-platform_{name}_{region(name)}")


def node_pool(world: World, name: str) -> str:
    """Resource id of the scale set that a cluster's nodes are."""
    group = f"{node_group(world, name)}/providers/Microsoft.Compute/virtualMachineScaleSets"
    return f"{group}/aks-system-{int(stable_guid(f'nodes/{name}')[:7], 16) % 10**8:08}-vmss"


def kubelet_identity(world: World, name: str) -> str:
    """Resource id of the identity that a cluster's nodes pull images with."""
    group = node_group(world, name)
    return f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}-agentpool"


def kubelet(name: str) -> Ids:
    """Its ids."""
    return Ids(f"{name}-agentpool")


def control_plane_identity(world: World, name: str) -> str:
    """Resource id of the identity that a cluster manages its own Azure resources with."""
    group = resource_group(world, "rg-platform")
    return f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{name}"


def control_plane(name: str) -> Ids:
    """Its ids."""
    return Ids(f"id-{name}")


def batch_vm(world: World) -> str:
    """Resource id of the virtual machine that has an identity of its own, and id-payments."""
    group = resource_group(world, "rg-orders")
    return f"{group}/providers/Microsoft.Compute/virtualMachines/vm-batch"


def payments_app(world: World) -> str:
    """Resource id of the function app that has id-payments and no identity of its own."""
    return f"{resource_group(world, 'rg-orders')}/providers/Microsoft.Web/sites/func-payments"


def function_app(world: World) -> str:
    """Resource id of the function app that Firebreak runs in."""
    return f"{resource_group(world, 'rg-security')}/providers/Microsoft.Web/sites/func-firebreak"


def own_identity(world: World, ids: Ids) -> str:
    """Resource id of one of the two identities that Firebreak acts as."""
    group = resource_group(world, "rg-security")
    return f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{ids.name}"


def issuer(world: World, name: str) -> str:
    """A cluster's OIDC issuer URL, with the slash at its end that belongs to it."""
    return f"{world.endpoints['oidc']}/{world.tenant_id}/{stable_guid(f'issuer/{name}')}/"
