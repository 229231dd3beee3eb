"""The ReplicaSet controller: as many pods as asked for.

Source   https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes.controllers import ownership
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.reactor import controller_of
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = stored("replicasets")
_BURST = 500  # pods made at a time, as upstream's BurstReplicas; what was made brings us back


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """Create or delete pods, then say what is there."""
    owner = cluster.store.get(KIND, namespace, name)
    if owner is None:
        return
    if not owner["metadata"].get("deletionTimestamp"):
        _replicate(cluster, owner)
    _report(cluster, owner)
    if deployment := controller_of(owner):
        # A Recreate rollout waits for pods to be gone, which no status of ours tells.
        cluster.reactor.enqueue(stored("deployments"), namespace, deployment["name"])


def _replicate(cluster: "Cluster", owner: Json) -> None:
    pods = ownership.active_pods(cluster, owner)
    wanted = owner["spec"].get("replicas", 0)
    for _ in range(min(wanted - len(pods), _BURST)):
        about = {"generateName": f"{owner['metadata']['name']}-"}
        if not ownership.create_pod(cluster, KIND, owner, about):
            ownership.retry_later(cluster, KIND, owner)
            return
    cluster.refused_pods.pop(owner["metadata"]["uid"], None)
    surplus = len(pods) - wanted
    if surplus > 0:
        # Not-ready pods go first, then the youngest.
        pods.sort(key=lambda pod: pod["metadata"]["creationTimestamp"], reverse=True)
        pods.sort(key=ownership.is_ready)
        for pod in pods[:surplus]:
            ownership.delete_pod(cluster, KIND, owner, pod)


def _report(cluster: "Cluster", owner: Json) -> None:
    pods = ownership.active_pods(cluster, owner)
    patience = owner["spec"].get("minReadySeconds", 0)
    ready = sum(map(ownership.is_ready, pods))
    available = sum(ownership.is_available(cluster, pod, patience) for pod in pods)
    if available < ready:
        namespace, name = owner["metadata"]["namespace"], owner["metadata"]["name"]
        cluster.reactor.after(patience, lambda: cluster.reactor.enqueue(KIND, namespace, name))
    counts = {
        "fullyLabeledReplicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": available,
    }
    status: Json = {"replicas": len(pods), **ownership.without_zeros(counts)}
    status["observedGeneration"] = owner["metadata"]["generation"]
    if owner["metadata"]["uid"] in cluster.refused_pods:
        _, why = cluster.refused_pods[owner["metadata"]["uid"]]
        before = owner.get("status", {})
        status["conditions"] = [
            ownership.condition(cluster, before, "ReplicaFailure", "True", "FailedCreate", why)
        ]
    ownership.set_status(cluster, KIND, owner, status)
