"""What a Deployment says about its rollout: counters and conditions, as `kubectl rollout status` reads them.

Source   https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.kubernetes.controllers import ownership, rollouts
from sandbox.kubernetes.names import moment_of, timestamp
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster


def report(cluster: "Cluster", deployment: Json, new: Json | None, sets: list[Json]) -> None:
    """Write status and the revision annotation, which counts no generation."""
    before = deployment.get("status", {})
    wanted = sum(each["spec"].get("replicas", 0) for each in sets)
    available = _sum(sets, "availableReplicas")
    counts = {
        "replicas": _sum(sets, "replicas"),
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(wanted - available, 0),
    }
    status: Json = {"observedGeneration": deployment["metadata"]["generation"]}
    status |= ownership.without_zeros(counts)
    conditions = [
        _available(cluster, deployment, before, available),
        _progressing(cluster, deployment, before, new, counts),
        _failing(cluster, before, new),
    ]
    status["conditions"] = [each for each in conditions if each is not None]
    current = cluster.store.get(
        rollouts.KIND, deployment["metadata"]["namespace"], deployment["metadata"]["name"]
    )
    if current is None:
        return
    written = {**current, "status": status}
    if new is not None and not deployment["spec"].get("paused"):
        about = dict(current["metadata"])
        text = str(rollouts.revision(new))
        about["annotations"] = {**about.get("annotations", {}), rollouts.REVISION: text}
        written["metadata"] = about
    if written != current:
        cluster.store.write(rollouts.KIND, written)


def _sum(sets: list[Json], name: str) -> int:
    return sum(each.get("status", {}).get(name, 0) for each in sets)


def _available(cluster: "Cluster", deployment: Json, before: Json, available: int) -> Json:
    _, missing = rollouts.limits(deployment)
    if available >= deployment["spec"]["replicas"] - missing:
        text = "Deployment has minimum availability."
        found = ("True", "MinimumReplicasAvailable", text)
    else:
        text = "Deployment does not have minimum availability."
        found = ("False", "MinimumReplicasUnavailable", text)
    return _dated(cluster, before, ownership.condition(cluster, before, "Available", *found))


def _progressing(
    cluster: "Cluster", deployment: Json, before: Json, new: Json | None, counts: Json
) -> Json:
    wanted = deployment["spec"]["replicas"]
    name = new["metadata"]["name"] if new else ""
    known = next((each for each in before.get("conditions", []) if each["type"] == _TYPE), None)
    done = (
        counts["updatedReplicas"] == wanted
        and counts["replicas"] == wanted
        and counts["availableReplicas"] == wanted
    )
    if deployment["spec"].get("paused"):
        found = ("Unknown", "DeploymentPaused", "Deployment is paused")
    elif done:
        text = f'ReplicaSet "{name}" has successfully progressed.'
        found = ("True", "NewReplicaSetAvailable", text)
    elif known and _is_overdue(cluster, deployment, known, before, counts):
        text = f'ReplicaSet "{name}" has timed out progressing.'
        found = ("False", "ProgressDeadlineExceeded", text)
    else:
        found = ("True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
        _look_again(cluster, deployment)
    fresh = ownership.condition(cluster, before, _TYPE, *found)
    moved = any(before.get(each, 0) != counts[each] for each in _MOVES)
    if moved and not done and found[0] == "True":
        fresh["lastUpdateTime"] = timestamp(cluster.now())
    return _dated(cluster, before, fresh)


_TYPE = "Progressing"
_MOVES = ("updatedReplicas", "readyReplicas", "availableReplicas")


def _is_overdue(
    cluster: "Cluster", deployment: Json, known: Json, before: Json, counts: Json
) -> bool:
    """Whether nothing has moved for the length of the progress deadline."""
    if any(before.get(each, 0) != counts[each] for each in _MOVES):
        return False
    if known["reason"] == "NewReplicaSetAvailable":
        return False  # a rollout that was complete begins anew
    if before.get("observedGeneration") != deployment["metadata"]["generation"]:
        return False
    if known["reason"] == "ProgressDeadlineExceeded":
        return True  # until something moves, or is asked for
    limit = timedelta(seconds=deployment["spec"].get("progressDeadlineSeconds", 600))
    return cluster.now() - moment_of(known["lastUpdateTime"]) >= limit


def _look_again(cluster: "Cluster", deployment: Json) -> None:
    about = deployment["metadata"]
    seconds = deployment["spec"].get("progressDeadlineSeconds", 600)
    if not cluster.reactor.seeding:
        cluster.reactor.once(
            ("deadline", about["uid"], about["generation"]),
            seconds + 1.0,
            lambda: cluster.reactor.enqueue(rollouts.KIND, about["namespace"], about["name"]),
        )


def _failing(cluster: "Cluster", before: Json, new: Json | None) -> Json | None:
    """The replica set's failure to create pods, handed up."""
    for each in (new or {}).get("status", {}).get("conditions", []):
        if each["type"] == "ReplicaFailure" and each["status"] == "True":
            found = ("True", each["reason"], each["message"])
            fresh = ownership.condition(cluster, before, "ReplicaFailure", *found)
            return _dated(cluster, before, fresh)
    return None


def _dated(cluster: "Cluster", before: Json, fresh: Json) -> Json:
    """Deployment conditions also say when they were last written."""
    if "lastUpdateTime" in fresh:
        return fresh
    return {**fresh, "lastUpdateTime": timestamp(cluster.now())}
