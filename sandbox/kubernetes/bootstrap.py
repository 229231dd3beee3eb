"""What a new cluster holds."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster


def fill(cluster: "Cluster") -> None:
    """Namespaces of a new cluster."""
    for name in ("default", "kube-node-lease", "kube-public", "kube-system"):
        cluster.seed_namespace(name)
