"""What runs in the clusters: the shop's workloads and payments, and what Firebreak may do there."""

from sandbox.kubernetes.cluster import Cluster, Settled
from sandbox.seed import names, own_identities, worlds
from sandbox.seed.managed_identities import PAYMENTS_CLUSTERS
from sandbox.seed.names import BILLING_API, ORDERS_API, PAYMENTS_IDENTITY, Ids
from sandbox.world import World

_SHOP, _PAYMENTS = "shop", "payments"


def plant(world: World, settled: dict[str, Settled], wanted: str) -> None:
    """Start the clusters with their workloads rolled out, as in the world of this name.

    Rolling out takes nearly all the time of a reset: `settled` keeps the clusters as they are then, by world and name,
    for the worlds after this one, whose endpoints are the same.
    """
    plan = worlds.WORLDS[wanted]
    given = own_identities.rights_in_clusters(world)  # they are among what is rolled out
    plan.plant(world)
    for name in names.clusters(world):
        cluster = Cluster(
            world,
            name,
            issuer_url=names.issuer(world, name),
            resource_id=names.cluster(world, name),
            since=settled.get(f"{wanted}/{name}/{given}") or names.seeded_at(world),
        )
        world.clusters[name] = cluster
        if f"{wanted}/{name}/{given}" not in settled:
            _roll_out(cluster)
            plan.roll_out(cluster)
            settled[f"{wanted}/{name}/{given}"] = cluster.settled()
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
    own_identities.plant_in_cluster(cluster)


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
