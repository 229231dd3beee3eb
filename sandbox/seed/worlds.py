"""The worlds that a sandbox can begin with.

plain           every cluster is well; what goes wrong, a test or a drill says
multi-cluster   each cluster has a trouble of its own, and workloads of every shape run as orders-api

In `multi-cluster`:

    aks-weu   every shape and every consumer, payments by an AKS identity binding; the one to begin with
    aks-neu   Flux puts the ServiceAccount of orders-api back after a minute, its Deployment too
    aks-frc   a disruption budget that lets no pod of orders-api go; slow restarts; no engine for NetworkPolicies
    aks-sdc   the identity webhook is broken; new pods of orders-reports hang
    aks-uks   the API server is down
    aks-06    where there is one: a private cluster, which can't be reached (otherwise, so is aks-uks)
"""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.arm import identity_bindings
from sandbox.kubernetes import gitops, switches
from sandbox.kubernetes.cluster import Cluster
from sandbox.seed import directory, names, shapes
from sandbox.seed.names import ORDERS_API, PAYMENTS_IDENTITY
from sandbox.world import Json, World

_SHOP = shapes.SHOP
# ServiceAccounts of these names are federated beyond those of the plain world: by cluster.
_FEDERATED = {
    "aks-weu": ("orders-batch", "orders-import", "orders-tools"),
    "aks-frc": ("orders-agent", "orders-ledger"),
    "aks-sdc": ("orders-api",),
    "aks-uks": ("orders-api",),
    "aks-06": ("orders-api",),
}
_PRIVATE = "aks-06"


def _nothing(_: World | Cluster) -> None:
    return


@dataclass(frozen=True)
class Plan:
    """What a world has beyond the plain one, in three parts."""

    plant: Callable[[World], None] = _nothing  # in the directory and in Azure, before the clusters
    roll_out: Callable[[Cluster], None] = _nothing  # in one cluster; kept for the worlds after this
    turn: Callable[[Cluster], None] = _nothing  # its switches, each time anew


def _plant(world: World) -> None:
    since = names.seeded_at(world)
    for cluster, accounts in _FEDERATED.items():
        for account in accounts if cluster in names.clusters(world) else ():
            directory.federate(world, ORDERS_API, cluster, account, since)
    if "aks-weu" in names.clusters(world):
        identity = world.azure.resources.get(names.payments_identity(world).lower()) or {}
        identity_bindings.plant(world, names.cluster(world, "aks-weu"), identity, since)


def _roll_out(cluster: Cluster) -> None:
    client_id = ORDERS_API.app_id
    if cluster.name not in names.SHOP_CLUSTERS:
        _orders_api(cluster, client_id)
    match cluster.name:
        case "aks-weu":
            shapes.of_the_canary(cluster, client_id)
            shapes.bound_workload(cluster, "payments", "payments-bound", PAYMENTS_IDENTITY.app_id)
        case "aks-neu":
            manifests = [
                shapes.client_id_manifest(_SHOP, "orders-api", client_id),
                _as_in_git(cluster, "deployments", "orders-api"),
            ]
            cluster.gitops.own(gitops.Repository("flux", "shop"), manifests)
        case "aks-frc":
            shapes.of_slow_restarts(cluster, client_id)
            shapes.budget(cluster, "orders-api", 2)
        case "aks-sdc":
            cluster.seed_deployment(_SHOP, "orders-reports", service_account="orders-api")


def _turn(cluster: Cluster) -> None:
    match cluster.name:
        case "aks-frc":
            switches.set_policies(cluster, enforced=False)
        case "aks-sdc":
            switches.set_webhook_ready(cluster, ready=False)
            cluster.never_ready.add(f"{_SHOP}/orders-reports")
        case "aks-uks":
            if _PRIVATE not in cluster.world.clusters:
                switches.set_private(cluster, private=True)
            cluster.outage = "reset"
        case name if name == _PRIVATE:
            switches.set_private(cluster, private=True)


def _orders_api(cluster: Cluster, client_id: str) -> None:
    customers = f"{cluster.world.endpoints['storage']}/stordersprod/orders/customers.csv"
    shapes.accounts(cluster, client_id, "orders-api")
    cluster.seed_deployment(
        _SHOP,
        "orders-api",
        service_account="orders-api",
        replicas=2,
        env={"CUSTOMERS_URL": customers},
    )


def _as_in_git(cluster: Cluster, plural: str, name: str) -> Json:
    """The manifest that makes this object: what people wrote, without what the cluster has added."""
    [found] = [each for each in cluster.objects(plural, _SHOP) if each["metadata"]["name"] == name]
    about = {key: found["metadata"][key] for key in ("name", "namespace", "labels")}
    kept = ("replicas", "selector", "template")
    spec = {key: found["spec"][key] for key in kept}
    return {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "metadata": about,
        "spec": spec,
    }


PLAIN = "plain"
WORLDS = {
    PLAIN: Plan(),
    "multi-cluster": Plan(plant=_plant, roll_out=_roll_out, turn=_turn),
}
