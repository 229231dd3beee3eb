"""Responder: the AKS clusters that Firebreak sees, and the way to their API servers.

Stops    nothing
Leaves   everything as it is; clusters in subscriptions that it can't see are not known to it
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/kubelogin-authentication
         https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad

The administrator's credential is never asked for: it is shared, and no log says who used it.
"""

import asyncio
import base64
import functools
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError
from responders.kube import Kube
from responders.model import ClusterRef, Json
from responders.needs import CLUSTERS, AzureNeed, Needs

if TYPE_CHECKING:
    from azure.mgmt.containerservice.models import ManagedCluster

# The application that every AKS cluster with Entra integration accepts tokens for, in all tenants.
SERVER_APP_SCOPE = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
_RESOURCE_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.ContainerService/managedClusters/(?P<name>[^/]+)",
    re.IGNORECASE,
)
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            f"{CLUSTERS}/read",
            "which clusters there are, and their issuers",
            ("list_all", "_in_subscription"),
        ),
        AzureNeed(
            f"{CLUSTERS}/listClusterUserCredential/action",
            "the way to an API server",
            ("connect", "_connect"),
        ),
    ),
)


async def list_all(cloud: Cloud) -> list[ClusterRef]:
    """Every cluster of every subscription that we see. One that can't be read raises."""
    lists = await asyncio.gather(
        *(_in_subscription(cloud, one) for one in await cloud.subscription_ids())
    )
    return sorted((ref for refs in lists for ref in refs), key=lambda ref: ref["resource_id"])


async def connect(cloud: Cloud, cluster: ClusterRef) -> Kube:
    """The cluster's API server, as Firebreak's own Entra identity.

    Only the server's address and CA are taken from the kubeconfig. Its `exec` block names a program
    to run, and on a cluster without Entra integration its user is an administrator: both unused.
    """
    if cluster.get("entra") is False:
        raise RefusedError(
            f"{cluster['name']} has no Entra integration, so its user credential is a shared administrator's, which "
            f"Firebreak never takes. Switch it on: az aks update --ids {cluster['resource_id']} --enable-aad"
        )
    address = address_of(cluster)
    # The steps of a minute share the way there and its open connections.
    what = f"way to {cluster['name']} {cluster['resource_id'].lower()}"
    return await cloud.remembered(what, lambda: _connect(cloud, cluster, address))


def how_to_reach(cluster: ClusterRef) -> str:
    """A sentence for a cluster whose API server has no public address; "" for any other.

    `runCommand` would get there, and is "not for programmatic access":
    https://learn.microsoft.com/azure/aks/access-private-cluster
    """
    if not cluster.get("private"):
        return ""
    return (
        f"{cluster['name']} is private: the app reaches it from a network that is peered with the cluster's, with its "
        "private DNS zone linked: az functionapp vnet-integration add"
    )


async def _connect(cloud: Cloud, cluster: ClusterRef, address: tuple[str, str, str]) -> Kube:
    subscription, group, name = address
    async with azure_call(f"listClusterUserCredential of {cluster['name']}"):
        answer = await cloud.containers(
            subscription
        ).managed_clusters.list_cluster_user_credentials(group, name, format="exec")
    if not answer.kubeconfigs or not answer.kubeconfigs[0].value:
        raise ContractChangedError(
            f"{cluster['name']}: listClusterUserCredential without kubeconfig"
        )
    server, ca_pem = _server_and_ca(cluster["name"], bytes(answer.kubeconfigs[0].value))
    bearer = functools.partial(cloud.get_token, SERVER_APP_SCOPE)
    return Kube(cluster["name"], server, ca_pem=ca_pem, bearer=bearer)


def address_of(cluster: ClusterRef) -> tuple[str, str, str]:
    """Subscription, resource group and name, as the SDK wants them."""
    parts = _RESOURCE_ID.fullmatch(cluster["resource_id"])
    if parts is None:
        raise ContractChangedError(f"not the resource id of a cluster: {cluster['resource_id']!r}")
    return parts["subscription"], parts["group"], parts["name"]


def _server_and_ca(name: str, kubeconfig: bytes) -> tuple[str, str]:
    """Address and CA of the context's cluster. Raises where the connection would not be private."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - 50 ms that a cold start can do without

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C a tenth of the time
        parsed = yaml.load(kubeconfig, Loader=loader)  # noqa: S506 - both are safe
        found: Json = parsed["clusters"][0]["cluster"]
        server = str(found["server"])
        ca_pem = base64.b64decode(found["certificate-authority-data"], validate=True).decode(
            "ascii"
        )
    except (yaml.YAMLError, ValueError, KeyError, IndexError, TypeError):
        raise ContractChangedError(f"{name}: the kubeconfig names no server with its CA") from None
    url = urlsplit(server)
    if url.scheme != "https" or not url.hostname or "@" in url.netloc:
        raise RefusedError(f"{name}: the API server's address is not https: {server[:80]!r}")
    return server, ca_pem


async def _in_subscription(cloud: Cloud, subscription_id: str) -> list[ClusterRef]:
    async with azure_call(f"list of AKS clusters in subscription {subscription_id}"):
        return [
            _ref(one) async for one in cloud.containers(subscription_id).managed_clusters.list()
        ]


def _ref(found: "ManagedCluster") -> ClusterRef:
    if not (found.name and found.id and found.location):
        raise ContractChangedError(f"a cluster without name, id or location: {found.id!r}")
    profile, server = found.oidc_issuer_profile, found.api_server_access_profile
    return {
        "name": found.name,
        "resource_id": found.id,
        "location": found.location,
        "issuer_url": profile.issuer_url if profile else None,
        "network_policy": _policy_engine(found),
        "private": bool(server and server.enable_private_cluster),
        "entra": found.aad_profile is not None,
    }


def _policy_engine(found: "ManagedCluster") -> str:
    """What enforces NetworkPolicies: "azure", "calico", "cilium", or "none".

    Cilium's data plane does whatever the other field says:
    https://learn.microsoft.com/azure/aks/azure-cni-powered-by-cilium
    """
    network = found.network_profile
    if network is None:
        return "none"
    if network.network_dataplane == "cilium":
        return "cilium"
    return str(network.network_policy or "none")
