"""The StatefulSet controller: numbered pods, replaced from the highest number down.

Left out    volume claims, stored ControllerRevisions (the revision is a hash in a label)
Source      https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes.controllers import ownership
from sandbox.kubernetes.kinds import stored
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = stored("statefulsets")
_REVISION = "controller-revision-hash"


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """One step: a missing pod, a surplus pod, or the next pod of an update."""
    owner = cluster.store.get(KIND, namespace, name)
    if owner is None:
        return
    revision = f"{name}-{ownership.template_hash(owner['spec']['template'])}"
    if not owner["metadata"].get("deletionTimestamp"):
        _step(cluster, owner, revision)
    _report(cluster, owner, revision)


def _step(cluster: "Cluster", owner: Json, revision: str) -> None:
    pods = {_number(pod): pod for pod in ownership.owned(cluster, ownership.PODS, owner)}
    wanted = owner["spec"]["replicas"]
    in_order = owner["spec"].get("podManagementPolicy") != "Parallel"
    for number in range(wanted):
        if number not in pods:
            if not _create(cluster, owner, number, revision):
                ownership.retry_later(cluster, KIND, owner)
                return
            if in_order:
                return
        elif in_order and not ownership.is_ready(pods[number]):
            return
    for number in sorted(pods, reverse=True):
        if number >= wanted:
            if not pods[number]["metadata"].get("deletionTimestamp"):
                ownership.delete_pod(cluster, KIND, owner, pods[number])
            if in_order:
                return
    _update(cluster, owner, pods, revision)


def _update(cluster: "Cluster", owner: Json, pods: dict[int, Json], revision: str) -> None:
    strategy = owner["spec"]["updateStrategy"]
    if strategy["type"] != "RollingUpdate":
        return
    first = strategy.get("rollingUpdate", {}).get("partition", 0)
    for number in sorted((each for each in pods if each >= first), reverse=True):
        pod = pods[number]
        if pod["metadata"].get("deletionTimestamp"):
            return
        if pod["metadata"]["labels"].get(_REVISION) != revision:
            ownership.delete_pod(cluster, KIND, owner, pod)
            return
        if not ownership.is_ready(pod):
            return


def _create(cluster: "Cluster", owner: Json, number: int, revision: str) -> bool:
    name = f"{owner['metadata']['name']}-{number}"
    labels = {
        _REVISION: revision,
        "apps.kubernetes.io/pod-index": str(number),
        "statefulset.kubernetes.io/pod-name": name,
    }
    return ownership.create_pod(cluster, KIND, owner, {"name": name, "labels": labels})


def _number(pod: Json) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])


def _report(cluster: "Cluster", owner: Json, revision: str) -> None:
    pods = ownership.active_pods(cluster, owner)
    before = owner.get("status", {})
    updated = [pod for pod in pods if pod["metadata"]["labels"].get(_REVISION) == revision]
    wanted = owner["spec"]["replicas"]
    done = len(updated) == len(pods) == wanted and all(map(ownership.is_ready, pods))
    current = revision if done else before.get("currentRevision", revision)
    counts = {
        "readyReplicas": sum(map(ownership.is_ready, pods)),
        "currentReplicas": sum(
            1 for pod in pods if pod["metadata"]["labels"].get(_REVISION) == current
        ),
        "updatedReplicas": len(updated),
    }
    patience = owner["spec"].get("minReadySeconds", 0)
    status: Json = {
        "observedGeneration": owner["metadata"]["generation"],
        "replicas": len(pods),
        **ownership.without_zeros(counts),
        "currentRevision": current,
        "updateRevision": revision,
        "collisionCount": 0,
        "availableReplicas": sum(ownership.is_available(cluster, pod, patience) for pod in pods),
    }
    ownership.set_status(cluster, KIND, owner, status)
