"""AKS clusters as Azure Resource Manager shows them.

Simulates   Microsoft.ContainerService/managedClusters, 2026-08-01
Source      https://learn.microsoft.com/rest/api/aks/managed-clusters/get
"""

from sandbox.seed import names
from sandbox.seed.managed_identities import attached
from sandbox.world import Json, World

_VERSION = "1.34.2"


def managed_cluster(world: World, name: str) -> Json:
    """One cluster, with OIDC issuer, workload identity and Entra sign-in, without local accounts."""
    region = names.region(name)
    return {
        "id": names.cluster(world, name),
        "name": name,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "location": region,
        "tags": {},
        "sku": {"name": "Base", "tier": "Standard"},
        "identity": {
            "type": "UserAssigned",
            "userAssignedIdentities": attached(
                names.control_plane_identity(world, name), names.control_plane(name)
            ),
        },
        "properties": {
            "provisioningState": "Succeeded",
            "powerState": {"code": "Running"},
            "kubernetesVersion": _VERSION,
            "currentKubernetesVersion": _VERSION,
            "dnsPrefix": name,
            "fqdn": world.endpoints[f"kube-{name}"].removeprefix("https://"),
            "nodeResourceGroup": f"MC_rg-platform_{name}_{region}",
            "servicePrincipalProfile": {"clientId": "msi"},
            "agentPoolProfiles": [_pool()],
            "enableRBAC": True,
            "disableLocalAccounts": True,
            "apiServerAccessProfile": {"enablePrivateCluster": False, "disableRunCommand": True},
            "networkProfile": {
                "networkPlugin": "azure",
                "networkPluginMode": "overlay",
                "networkDataplane": "cilium",
                "networkPolicy": "cilium",
            },
            "aadProfile": {
                "managed": True,
                "enableAzureRBAC": False,
                "adminGroupObjectIDs": [],
                "tenantID": world.tenant_id,
            },
            "oidcIssuerProfile": {"enabled": True, "issuerURL": names.issuer(world, name)},
            "securityProfile": {"workloadIdentity": {"enabled": True}},
            "identityProfile": {"kubeletidentity": _kubelet(world, name)},
        },
    }


def _pool() -> Json:
    return {
        "name": "system",
        "count": 1,
        "vmSize": "Standard_D4ds_v5",
        "osType": "Linux",
        "mode": "System",
        "type": "VirtualMachineScaleSets",
        "orchestratorVersion": _VERSION,
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
    }


def _kubelet(world: World, name: str) -> Json:
    ids = names.kubelet(name)
    return {
        "resourceId": names.kubelet_identity(world, name),
        "clientId": ids.app_id,
        "objectId": ids.object_id,
    }
