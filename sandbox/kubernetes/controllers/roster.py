"""Which controller looks after which kind."""

from typing import TYPE_CHECKING

from sandbox.kubernetes.controllers import (
    cron_jobs,
    daemon_sets,
    deployments,
    disruption_budgets,
    endpoint_slices,
    jobs,
    kubelet,
    namespaces,
    replica_sets,
    stateful_sets,
    volumes,
)

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_CONTROLLERS = (
    cron_jobs,
    daemon_sets,
    deployments,
    disruption_budgets,
    endpoint_slices,
    jobs,
    kubelet,
    namespaces,
    replica_sets,
    stateful_sets,
    volumes,
)


def attach(cluster: "Cluster") -> None:
    """Let every controller see what changes."""
    for controller in _CONTROLLERS:
        cluster.reactor.register(controller.KIND, controller.sync)
    cluster.reactor.register(kubelet.KIND, disruption_budgets.sync_pod)
    cluster.reactor.register(kubelet.KIND, endpoint_slices.sync_pod)
    cluster.reactor.register(kubelet.KIND, volumes.sync_pod)
    cluster.reactor.register(volumes.VOLUMES, volumes.sync_volume)
    cluster.reactor.register_for_all(namespaces.sync_content)
