"""Responder: whether a cluster can give workloads an identity: OIDC issuer and workload identity, on or off.

Stops    nothing
Leaves   an issuer that was switched on: AKS does not switch it off again
Undo     none: both stay on, and do nothing for a workload that has no trust
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/use-oidc-issuer
         https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster
         https://learn.microsoft.com/rest/api/aks/managed-clusters/create-or-update
"""

from typing import Final, TypedDict

from structlog.contextvars import bound_contextvars

from responders.calls import azure_call
from responders.cloud import Cloud
from responders.clusters import address_of
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.managed_identities import CLUSTERS_VERSION
from responders.model import ClusterRef, Json
from responders.needs import CLUSTERS, ENABLING, AzureNeed, Needs
from responders.signing_key_rotations import ENDS_WITHIN_S, POLL_S

NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{CLUSTERS}/read", "whether a cluster has an OIDC issuer and workload identity"),
        *(
            AzureNeed(action, "switch both on", ("enable",), only_with=ENABLING)
            for action in (
                f"{CLUSTERS}/write",
                "Microsoft.ContainerService/locations/operations/read",
                "Microsoft.ContainerService/locations/operationresults/read",
            )
        ),
    ),
)


class Features(TypedDict):
    """What a cluster has of what a workload identity needs."""

    issuer_url: str | None  # exact string, trailing slash included
    workload_identity: bool
    command: str  # that switches on what is missing; "" where nothing is


async def read(cloud: Cloud, cluster: ClusterRef) -> Features:
    """As Resource Manager has it now."""
    return _features(cluster, _properties(cluster, await _get(cloud, cluster)))


async def enable(cloud: Cloud, cluster: ClusterRef) -> Features:
    """Switch on what is missing, and wait until the cluster says that it is. Safe to repeat.

    The whole resource is put back with both switched on, as `az aks update` does: there is no smaller request. The
    version that was read goes with it, so that what somebody else changed since is a conflict and not undone.
    """
    from azure.core import MatchConditions  # noqa: PLC0415  loaded with the first call, not with the app
    from azure.mgmt.containerservice import models  # noqa: PLC0415

    if not (await read(cloud, cluster))["command"]:
        return await read(cloud, cluster)
    subscription, group, name = address_of(cluster)
    clusters = cloud.containers(subscription).managed_clusters
    with bound_contextvars(responder="cluster_features.enable", target=name):
        async with azure_call(f"update of {name}", seconds=ENDS_WITHIN_S):
            found = await clusters.get(group, name)
            found.oidc_issuer_profile = models.ManagedClusterOIDCIssuerProfile(enabled=True)
            security = found.security_profile or models.ManagedClusterSecurityProfile()
            security.workload_identity = models.ManagedClusterSecurityProfileWorkloadIdentity(
                enabled=True
            )
            found.security_profile = security
            poller = await clusters.begin_create_or_update(
                group,
                name,
                found,
                etag=found.e_tag,
                match_condition=MatchConditions.IfNotModified,
                polling_interval=POLL_S,
            )
            await poller.result()
    now = await read(cloud, cluster)
    if now["command"]:
        raise TransientError(f"{name}: was switched on, and does not say so yet")
    return now


def _features(cluster: ClusterRef, properties: Json) -> Features:
    issuer = (properties.get("oidcIssuerProfile") or {}).get("issuerURL")
    security = properties.get("securityProfile") or {}
    enabled = bool((security.get("workloadIdentity") or {}).get("enabled"))
    missing = [
        flag
        for flag, there in (
            ("--enable-oidc-issuer", bool(issuer)),
            ("--enable-workload-identity", enabled),
        )
        if not there
    ]
    command = f"az aks update --ids {cluster['resource_id']} {' '.join(missing)}" if missing else ""
    return {
        "issuer_url": str(issuer) if issuer else None,
        "workload_identity": enabled,
        "command": command,
    }


async def _get(cloud: Cloud, cluster: ClusterRef) -> Json:
    return await cloud.arm.get(cluster["resource_id"], CLUSTERS_VERSION)


def _properties(cluster: ClusterRef, found: Json) -> Json:
    properties = found.get("properties")
    if not isinstance(properties, dict):
        raise ContractChangedError(f"{cluster['name']} has no properties")
    if str(properties.get("provisioningState", "")).lower() == "failed":
        raise RefusedError(
            f"{cluster['name']}: its last operation failed: az aks show --ids {cluster['resource_id']}; mend it first"
        )
    return properties
