"""Responder: what AKS says of a cluster's own hardening: add-ons, local accounts, the issuer, workload identity.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/aks/managed-clusters/list
         https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad
"""

from typing import Final, TypedDict

from responders.cloud import Cloud
from responders.errors import ContractChangedError
from responders.managed_identities import all_clusters
from responders.model import Json
from responders.needs import CLUSTERS, AzureNeed, Needs

NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            f"{CLUSTERS}/read",
            "how clusters are set up: local accounts, network policies, versions",
        ),
    ),
)


class ClusterSettings(TypedDict):
    """Switches of one cluster."""

    resource_id: str
    policy_addon: bool
    local_accounts: bool  # a shared administrator's certificate can be had
    workload_identity: bool


async def read_all(cloud: Cloud) -> list[ClusterSettings]:
    """Of every cluster in sight. Raises where any can't be read."""
    return [_parse(one) for one in await all_clusters(cloud)]


def _parse(found: Json) -> ClusterSettings:
    match found:
        case {"id": str(resource_id), "properties": dict(properties)}:
            addons = {
                str(name).lower(): one
                for name, one in (properties.get("addonProfiles") or {}).items()
            }
            security = properties.get("securityProfile") or {}
            return {
                "resource_id": resource_id,
                "policy_addon": bool((addons.get("azurepolicy") or {}).get("enabled")),
                "local_accounts": not properties.get("disableLocalAccounts"),
                "workload_identity": bool((security.get("workloadIdentity") or {}).get("enabled")),
            }
        case _:
            raise ContractChangedError(f"not a cluster: {sorted(found)}")
