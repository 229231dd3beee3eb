"""The clusters' part: each with what was exported of it, rolled out anew, and as old as it was there.

Left out    more than one node; Helm, whose releases nobody puts back; images: what runs only holds its identity
"""

from collections.abc import Mapping

from sandbox.arm import identity_bindings
from sandbox.kubernetes import switches
from sandbox.kubernetes.cluster import Cluster
from sandbox.seed import names, own_identities
from sandbox.seed.twins import ages, azure, gitops, manifests
from sandbox.seed.twins import issuers as issuer_names
from sandbox.world import Json, World

# In this order: an object comes after what it names. What a binding or a pod refers to is not checked, as upstream.
_ORDER = (
    *("serviceaccounts", "configmaps", "roles", "clusterroles"),
    *("rolebindings", "clusterrolebindings", "storageclasses", "persistentvolumes"),
    *("persistentvolumeclaims", "secretproviderclasses", "triggerauthentications"),
    *("clustertriggerauthentications", "deployments", "statefulsets", "daemonsets"),
    *("replicasets", "rollouts", "jobs", "cronjobs", "pods", "poddisruptionbudgets"),
    *("scaledobjects", "scaledjobs"),
)


def plant(
    world: World, clusters: list[Json], issuers: Mapping[str, str], left_out: list[str]
) -> None:
    """All of them, with an API server each."""
    since = names.seeded_at(world)
    for one in clusters:
        resource = _resource(world, one, issuers)
        azure.put(world, resource, since)
        issuer = issuer_names.of(one)
        off = f"{world.endpoints['oidc']}/off/{one['name']}/"
        cluster = Cluster(
            world,
            one["name"],
            issuer_url=issuers[issuer] if issuer is not None else off,
            resource_id=resource["id"],
            since=since,
        )
        world.clusters[one["name"]] = cluster
        with cluster.reactor.seeding_now():
            own_identities.plant_in_cluster(cluster)
            _fill(cluster, one, left_out)
            _turn(cluster, one)
        for binding in one.get("bindings") or []:
            _bind(world, binding)


def _fill(cluster: Cluster, one: Json, left_out: list[str]) -> None:
    objects: Json = one.get("objects") or {}
    there = {each["metadata"]["name"] for each in cluster.objects("namespaces")}
    spaces = {
        each["metadata"]["namespace"]
        for items in objects.values()
        for each in items
        if each["metadata"].get("namespace")
    }
    for name in sorted(spaces - there):
        cluster.seed_namespace(name)
    for plural in _ORDER:
        for each in objects.get(plural) or []:
            if not _is_there(cluster, plural, each):
                cluster.seed(plural, manifests.whole(plural, each))
    gitops.own(cluster, one, left_out)
    ages.set_back(cluster, objects)


def _is_there(cluster: Cluster, plural: str, one: Json) -> bool:
    """Every cluster has some of them: default accounts, and Kubernetes' own roles."""
    about = one["metadata"]
    return any(
        each["metadata"]["name"] == about["name"]
        for each in cluster.objects(plural, about.get("namespace") or "")
    )


def _turn(cluster: Cluster, one: Json) -> None:
    """What is wrong with it, and what it is without."""
    properties = one["resource"]["properties"]
    network = properties.get("networkProfile") or {}
    engine = network.get("networkDataplane") == "cilium" or network.get("networkPolicy")
    cluster.enforces_policies = bool(engine) and engine != "none"
    if one.get("webhook"):
        switches.set_webhook_ready(cluster, ready=False)
    if not one["reachable"]:
        cluster.outage = "reset"


def _resource(world: World, one: Json, issuers: Mapping[str, str]) -> Json:
    """The cluster as Azure shows it: what was exported, and what every cluster has."""
    exported: Json = one["resource"]
    properties = {
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
        "dnsPrefix": exported["name"],
        "fqdn": world.endpoints[f"kube-{one['name']}"].removeprefix("https://"),
        "servicePrincipalProfile": {"clientId": "msi"},
        "enableRBAC": True,
        **exported["properties"],
    }
    issuer = issuer_names.of(one)
    if issuer is not None:
        properties["oidcIssuerProfile"] = {"enabled": True, "issuerURL": issuers[issuer]}
    return {
        **exported,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "tags": {},
        "sku": {"name": "Base", "tier": "Standard"},
        "properties": properties,
    }


def _bind(world: World, binding: Json) -> None:
    """An identity binding, where the identity is known here."""
    identity = world.azure.resources.get(str(binding.get("managed_identity_id") or "").lower())
    if identity is None:
        return
    since = names.seeded_at(world)
    made = identity_bindings.new_binding(world, binding["id"], identity)
    if binding.get("created"):
        made["systemData"] = {**(made.get("systemData") or {}), "createdAt": binding["created"]}
    world.azure.resources.put(made["id"].lower(), made, since=since)
