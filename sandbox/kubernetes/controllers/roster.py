"""Which controller looks after which kind."""

from typing import TYPE_CHECKING

from sandbox.kubernetes.controllers import (
    daemon_sets,
    deployments,
    kubelet,
    namespaces,
    replica_sets,
    stateful_sets,
)
from sandbox.kubernetes.kinds import KINDS

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_CONTROLLERS = (daemon_sets, deployments, kubelet, namespaces, replica_sets, stateful_sets)


def attach(cluster: "Cluster") -> None:
    """Let every controller see what changes."""
    for controller in _CONTROLLERS:
        cluster.reactor.register(controller.KIND, controller.sync)
    for kind in KINDS:
        if kind.is_stored and kind.namespaced:
            cluster.reactor.register(kind, namespaces.sync_content)
