"""What can be wrong with a cluster, or be otherwise than in the others, at the turn of a switch."""

from typing import TYPE_CHECKING

from sandbox.kubernetes import bootstrap, workload_identity
from sandbox.kubernetes.controllers import kubelet
from sandbox.kubernetes.kinds import stored
from sandbox.world import Json, copied

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_WEBHOOK = f"{workload_identity.NAMESPACE}/{workload_identity.DEPLOYMENT}"


def webhook_is_ready(cluster: "Cluster") -> bool:
    """Whether it was not broken here; its pods may still take a moment."""
    return _WEBHOOK not in cluster.never_ready


def set_webhook_ready(cluster: "Cluster", *, ready: bool) -> None:
    """Break the identity webhook, or mend it: its pods run, but answer no probe."""
    if ready:
        cluster.never_ready.discard(_WEBHOOK)
    else:
        cluster.never_ready.add(_WEBHOOK)
    for pod in cluster.store.peek(stored("pods"), workload_identity.NAMESPACE):
        if pod["metadata"].get("labels", {}).items() >= workload_identity.LABELS.items():
            kubelet.set_ready(cluster, copied(pod), ready=ready)


def has_workload_identity(cluster: "Cluster") -> bool:
    """Whether Resource Manager says that issuer and workload identity are on."""
    properties = _resource(cluster)["properties"]
    issuer = (properties.get("oidcIssuerProfile") or {}).get("enabled")
    security = properties.get("securityProfile") or {}
    return bool(issuer and (security.get("workloadIdentity") or {}).get("enabled"))


def set_workload_identity(cluster: "Cluster", *, issuer: bool, webhook: bool) -> None:
    """Be a cluster with or without an issuer that anybody knows, with or without the add-on and its webhook.

    https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster
    """
    resource = _resource(cluster)
    profile = {"enabled": True, "issuerURL": cluster.issuer.url} if issuer else {"enabled": False}
    resource["properties"]["oidcIssuerProfile"] = profile
    security = resource["properties"].setdefault("securityProfile", {})
    security["workloadIdentity"] = {"enabled": webhook}
    cluster.world.azure.resources.put(cluster.resource_id.lower(), resource)
    registered = stored("mutatingwebhookconfigurations")
    if webhook and not cluster.store.peek(registered):
        bootstrap.register_webhook(cluster)
    if not webhook:
        for one in cluster.store.peek(registered):
            cluster.store.remove(registered, "", one["metadata"]["name"])


def webhook_says(cluster: "Cluster", lines: list[str]) -> None:
    """Each of its pods writes these lines now."""
    for pod in cluster.store.peek(stored("pods"), workload_identity.NAMESPACE):
        if pod["metadata"].get("labels", {}).items() >= workload_identity.LABELS.items():
            for line in lines:
                cluster.logs.add(
                    cluster.now(), pod, str(pod["spec"]["containers"][0]["name"]), line
                )


def is_private(cluster: "Cluster") -> bool:
    """Whether Resource Manager says that its API server has no public address."""
    properties = _resource(cluster)["properties"]
    return bool(properties.get("apiServerAccessProfile", {}).get("enablePrivateCluster"))


def set_private(cluster: "Cluster", *, private: bool) -> None:
    """Give its API server a private address, which nobody here has a way to, or a public one again.

    https://learn.microsoft.com/azure/aks/private-clusters
    """
    resource = _resource(cluster)
    properties = resource["properties"]
    profile = properties.setdefault("apiServerAccessProfile", {})
    profile["enablePrivateCluster"] = private
    if private:
        profile |= {"enablePrivateClusterPublicFQDN": False, "privateDNSZone": "system"}
        region = resource["location"]
        properties["privateFQDN"] = f"{cluster.name}-dns.privatelink.{region}.azmk8s.io"
    else:
        for name in ("enablePrivateClusterPublicFQDN", "privateDNSZone"):
            profile.pop(name, None)
        properties.pop("privateFQDN", None)
    cluster.outage = "reset" if private else ""
    cluster.world.azure.resources.put(cluster.resource_id.lower(), resource)


def set_policies(cluster: "Cluster", *, enforced: bool) -> None:
    """Install an engine for NetworkPolicies, or be without: they are taken by the API server all the same.

    https://learn.microsoft.com/azure/aks/use-network-policies
    """
    resource = _resource(cluster)
    profile = resource["properties"].setdefault("networkProfile", {})
    if enforced:
        profile |= {"networkPolicy": "cilium", "networkDataplane": "cilium"}
    else:
        profile |= {"networkPolicy": "none", "networkDataplane": "azure"}
    cluster.enforces_policies = enforced
    cluster.world.azure.resources.put(cluster.resource_id.lower(), resource)


def _resource(cluster: "Cluster") -> Json:
    found = cluster.world.azure.resources.get(cluster.resource_id.lower())
    if found is None:
        raise KeyError(cluster.resource_id)
    return found
