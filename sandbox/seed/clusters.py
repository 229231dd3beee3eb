"""What runs in the clusters: the shop's workloads and payments, and what Firebreak may do there."""

from sandbox.kubernetes.cluster import Cluster, Settled, user
from sandbox.seed import names, worlds
from sandbox.seed.managed_identities import PAYMENTS_CLUSTERS
from sandbox.seed.names import BILLING_API, FIREBREAK, ORDERS_API, PAYMENTS_IDENTITY, Ids
from sandbox.world import Json, World

_SHOP, _PAYMENTS = "shop", "payments"


def plant(world: World, settled: dict[str, Settled], wanted: str) -> None:
    """Start the clusters with their workloads rolled out, as in the world of this name.

    Rolling out takes nearly all the time of a reset: `settled` keeps the clusters as they are then, by world and name,
    for the worlds after this one, whose endpoints are the same.
    """
    plan = worlds.WORLDS[wanted]
    plan.plant(world)
    for name in names.clusters(world):
        cluster = Cluster(
            world,
            name,
            issuer_url=names.issuer(world, name),
            resource_id=names.cluster(world, name),
            since=settled.get(f"{wanted}/{name}") or names.seeded_at(world),
        )
        world.clusters[name] = cluster
        if f"{wanted}/{name}" not in settled:
            _roll_out(cluster)
            plan.roll_out(cluster)
            settled[f"{wanted}/{name}"] = cluster.settled()
    for cluster in world.clusters.values():
        with cluster.reactor.seeding_now():
            plan.turn(cluster)


def _roll_out(cluster: Cluster) -> None:
    cluster.seed_namespace(_SHOP)
    if cluster.name in names.SHOP_CLUSTERS:
        _workload(cluster, f"{_SHOP}/orders-api", ORDERS_API, replicas=2)
    else:
        cluster.seed_deployment(_SHOP, "storefront", replicas=2, workload_identity=False)
    if cluster.name == "aks-weu":
        _workload(cluster, f"{_SHOP}/orders-worker", ORDERS_API, replicas=1)
        _workload(cluster, f"{_SHOP}/billing-api", BILLING_API, replicas=1)
    if cluster.name in PAYMENTS_CLUSTERS:
        cluster.seed_namespace(_PAYMENTS)
        _workload(cluster, f"{_PAYMENTS}/payments", PAYMENTS_IDENTITY, replicas=1)
    _firebreak(cluster)


def _workload(cluster: Cluster, where: str, ids: Ids, *, replicas: int) -> None:
    """A Deployment, named "namespace/name", under a ServiceAccount of its own."""
    namespace, _, name = where.partition("/")
    customers = f"{cluster.world.endpoints['storage']}/stordersprod/orders/customers.csv"
    cluster.seed_service_account(namespace, name, client_id=ids.app_id)
    cluster.seed_deployment(
        namespace,
        name,
        service_account=name,
        replicas=replicas,
        env={"CUSTOMERS_URL": customers},
    )


def _firebreak(cluster: Cluster) -> None:
    """All that a responder needs and no more: no secrets, no creating of pods."""
    cluster.seed_cluster_role(
        "firebreak",
        [
            _rule("", ["serviceaccounts"], ["get", "list", "create", "patch", "delete"]),
            _rule("", ["namespaces"], ["get", "list", "create", "delete"]),
            _rule("", ["serviceaccounts/token"], ["create"]),
            _rule("", ["pods"], ["get", "list", "watch", "delete"]),
            _rule("", ["pods/log"], ["get"]),
            _rule(
                "apps",
                ["deployments", "statefulsets", "daemonsets", "replicasets"],
                ["get", "list", "watch", "patch"],
            ),
            _rule("apps", ["deployments/scale", "statefulsets/scale"], ["get", "patch"]),
            _rule("batch", ["jobs", "cronjobs"], ["get", "list", "patch"]),
            _rule("networking.k8s.io", ["networkpolicies"], ["get", "list", "create", "delete"]),
            _rule(
                "rbac.authorization.k8s.io",
                ["roles", "clusterroles", "rolebindings", "clusterrolebindings"],
                ["get", "list"],
            ),
            _rule("", ["persistentvolumes", "persistentvolumeclaims", "resourcequotas"], ["list"]),
            _rule("", ["configmaps"], ["get", "list", "patch"]),
            _rule("policy", ["poddisruptionbudgets"], ["list"]),
            _rule("storage.k8s.io", ["storageclasses"], ["list"]),
            _rule(
                "secrets-store.csi.x-k8s.io", ["secretproviderclasses"], ["get", "list", "patch"]
            ),
            _rule(
                "keda.sh",
                ["triggerauthentications", "clustertriggerauthentications"],
                ["get", "list", "patch"],
            ),
            _rule("keda.sh", ["scaledobjects", "scaledjobs"], ["list"]),
            _rule("admissionregistration.k8s.io", ["mutatingwebhookconfigurations"], ["list"]),
            _rule("discovery.k8s.io", ["endpointslices"], ["list"]),
            _rule("kustomize.toolkit.fluxcd.io", ["kustomizations"], ["get", "patch"]),
            _rule("helm.toolkit.fluxcd.io", ["helmreleases"], ["get", "patch"]),
            _rule("argoproj.io", ["applications"], ["get", "patch"]),
            _rule("argoproj.io", ["rollouts"], ["get", "list", "patch"]),
            _rule("argoproj.io", ["rollouts/status"], ["patch"]),
            _rule("metrics.k8s.io", ["pods"], ["list"]),
            # Of no resource: who is no ServiceAccount has to be allowed by name.
            {"nonResourceURLs": ["/openid/v1/jwks"], "verbs": ["get"]},
        ],
    )
    cluster.seed_cluster_role_binding(
        "firebreak", role="firebreak", subjects=[user(FIREBREAK.object_id)]
    )


def _rule(group: str, resources: list[str], verbs: list[str]) -> Json:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}
