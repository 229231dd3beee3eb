"""The DaemonSet controller: one pod per node that its template selects, replaced node by node.

Faithful    a pod whose node is no longer selected goes, whatever the update strategy
Left out    affinity and taints, surge, the annotation that counts templates
Source      https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes.controllers import kubelet, ownership
from sandbox.kubernetes.kinds import stored
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = stored("daemonsets")
_REVISION = "controller-revision-hash"


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """Create the pod that a node lacks, or replace one that has an old template."""
    owner = cluster.store.get(KIND, namespace, name)
    if owner is None:
        return
    revision = ownership.template_hash(owner["spec"]["template"])
    nodes = kubelet.nodes_for(cluster, owner["spec"]["template"]["spec"])
    if not owner["metadata"].get("deletionTimestamp"):
        _step(cluster, owner, nodes, revision)
    _report(cluster, owner, nodes, revision)


def _step(cluster: "Cluster", owner: Json, nodes: list[str], revision: str) -> None:
    pods = ownership.owned(cluster, ownership.PODS, owner)
    for pod in pods:
        node = pod["spec"].get("nodeName")
        if node and node not in nodes and not pod["metadata"].get("deletionTimestamp"):
            ownership.delete_pod(cluster, KIND, owner, pod)
    for _ in range(len(nodes) - len(pods)):
        labels = {_REVISION: revision, "pod-template-generation": _generation(owner)}
        about = {"generateName": f"{owner['metadata']['name']}-", "labels": labels}
        if not ownership.create_pod(cluster, KIND, owner, about):
            ownership.retry_later(cluster, KIND, owner)
            return
    rolls = owner["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    if not rolls or not all(
        ownership.is_ready(pod) and not pod["metadata"].get("deletionTimestamp") for pod in pods
    ):
        return
    for pod in pods:
        if pod["metadata"]["labels"].get(_REVISION) != revision:
            ownership.delete_pod(cluster, KIND, owner, pod)
            return


def _generation(owner: Json) -> str:
    return str(owner["metadata"]["generation"])


def _report(cluster: "Cluster", owner: Json, nodes: list[str], revision: str) -> None:
    pods = ownership.active_pods(cluster, owner)
    patience = owner["spec"].get("minReadySeconds", 0)
    available = sum(ownership.is_available(cluster, pod, patience) for pod in pods)
    counts = {
        "updatedNumberScheduled": sum(
            1 for pod in pods if pod["metadata"]["labels"].get(_REVISION) == revision
        ),
        "numberAvailable": available,
        "numberUnavailable": len(nodes) - available,
    }
    status: Json = {
        "currentNumberScheduled": len(pods),
        "numberMisscheduled": 0,
        "desiredNumberScheduled": len(nodes),
        "numberReady": sum(map(ownership.is_ready, pods)),
        "observedGeneration": owner["metadata"]["generation"],
        **ownership.without_zeros(counts),
    }
    ownership.set_status(cluster, KIND, owner, status)
