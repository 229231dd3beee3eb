"""The Deployment controller: rolls a new template out, replica set by replica set.

Faithful    surge and unavailability, Recreate, paused, revisions, conditions, the progress deadline, history limit
Left out    proportional scaling in the middle of a rollout, rollback by the deprecated subresource
Source      https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes.controllers import deployment_status, ownership, replica_sets, rollouts
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = rollouts.KIND


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """Take one step towards the template and the replicas that are asked for."""
    deployment = cluster.store.get(KIND, namespace, name)
    if deployment is None:
        return
    sets = ownership.owned(cluster, replica_sets.KIND, deployment)
    if deployment["metadata"].get("deletionTimestamp"):
        deployment_status.report(cluster, deployment, rollouts.newest(deployment, sets), sets)
        return
    if deployment["spec"].get("paused"):
        new = rollouts.newest(deployment, sets)
        _resize(cluster, deployment, new, sets)
    else:
        new = rollouts.ensure_newest(cluster, deployment, sets)
        sets = ownership.owned(cluster, replica_sets.KIND, deployment)
        old = [each for each in sets if each["metadata"]["uid"] != new["metadata"]["uid"]]
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            _recreate(cluster, deployment, new, old)
        else:
            _roll(cluster, deployment, new, old)
        _forget(cluster, deployment, old)
    sets = ownership.owned(cluster, replica_sets.KIND, deployment)
    new = rollouts.newest(deployment, sets)
    deployment_status.report(cluster, deployment, new, sets)


def _resize(cluster: "Cluster", deployment: Json, new: Json | None, sets: list[Json]) -> None:
    """A paused deployment is scaled, but not rolled out."""
    active = [each for each in sets if each["spec"].get("replicas", 0)]
    target = active[0] if len(active) == 1 else new
    if target is None and sets:
        target = max(sets, key=rollouts.revision)
    if target is not None and len(active) <= 1:
        rollouts.scale(cluster, deployment, target, deployment["spec"]["replicas"])


def _recreate(cluster: "Cluster", deployment: Json, new: Json, old: list[Json]) -> None:
    """Old pods end before new ones begin."""
    for each in old:
        if each["spec"].get("replicas", 0):
            rollouts.scale(cluster, deployment, each, 0)
    if not any(ownership.owned(cluster, ownership.PODS, each) for each in old):
        rollouts.scale(cluster, deployment, new, deployment["spec"]["replicas"])


def _roll(cluster: "Cluster", deployment: Json, new: Json, old: list[Json]) -> None:
    wanted = deployment["spec"]["replicas"]
    surge, missing = rollouts.limits(deployment)
    total = sum(each["spec"].get("replicas", 0) for each in [new, *old])
    size = new["spec"].get("replicas", 0)
    room = wanted + surge - total
    target = min(size + max(room, 0), wanted) if size < wanted else wanted
    scaled = rollouts.scale(cluster, deployment, new, target)
    if target != size:
        return  # the replica set's change brings us back
    _shrink(cluster, deployment, scaled, old, wanted - missing)


def _shrink(cluster: "Cluster", deployment: Json, new: Json, old: list[Json], least: int) -> None:
    """Take from the old sets what is not needed: first pods that never became available."""
    total = sum(each["spec"].get("replicas", 0) for each in [new, *old])
    waiting = new["spec"].get("replicas", 0) - new["status"].get("availableReplicas", 0)
    spare = total - least - waiting
    available = sum(each["status"].get("availableReplicas", 0) for each in [new, *old])
    healthy_spare = available - least
    for each in old:
        size = each["spec"].get("replicas", 0)
        useless = max(size - each["status"].get("availableReplicas", 0), 0)
        cut = min(useless, max(spare, 0))
        healthy_cut = min(size - cut, max(healthy_spare, 0), max(spare - cut, 0))
        spare -= cut + healthy_cut
        healthy_spare -= healthy_cut
        if cut + healthy_cut:
            rollouts.scale(cluster, deployment, each, size - cut - healthy_cut)


def _forget(cluster: "Cluster", deployment: Json, old: list[Json]) -> None:
    """Delete replica sets beyond the history limit."""
    empty = [
        each
        for each in old
        if not each["spec"].get("replicas", 0) and not each["status"].get("replicas", 0)
    ]
    surplus = len(empty) - deployment["spec"].get("revisionHistoryLimit", 10)
    for each in sorted(empty, key=rollouts.revision)[: max(surplus, 0)]:
        cluster.store.remove(
            replica_sets.KIND, each["metadata"]["namespace"], each["metadata"]["name"]
        )
