"""Arithmetic and replica sets of a Deployment's rollout.

Source   https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
"""

import copy
import math
from typing import TYPE_CHECKING

from sandbox.kubernetes import events, writes
from sandbox.kubernetes.controllers import ownership, replica_sets
from sandbox.kubernetes.kinds import stored
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = stored("deployments")
REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MOST = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = (REVISION, "kubectl.kubernetes.io/last-applied-configuration")


def limits(deployment: Json) -> tuple[int, int]:
    """How many pods may be too many, and how many may be missing, during a rollout."""
    wanted = deployment["spec"]["replicas"]
    strategy = deployment["spec"]["strategy"]
    if strategy["type"] == "Recreate":
        return 0, wanted
    rolling = strategy.get("rollingUpdate", {})
    surge = _count(rolling.get("maxSurge", "25%"), wanted, up=True)
    missing = _count(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    return surge, max(missing, 0 if surge else 1)


def newest(deployment: Json, sets: list[Json]) -> Json | None:
    """The replica set that has the deployment's template."""
    template = deployment["spec"]["template"]
    return next((each for each in sets if _template_of(each) == template), None)


def revision(replica_set: Json) -> int:
    """Its place in the deployment's history."""
    text = replica_set["metadata"].get("annotations", {}).get(REVISION, "0")
    return int(text)


def ensure_newest(cluster: "Cluster", deployment: Json, sets: list[Json]) -> Json:
    """The replica set for the current template, made where there is none; its revision is the highest."""
    found = newest(deployment, sets)
    others = [each for each in sets if each is not found]
    number = max([0, *map(revision, others)]) + 1
    if found is None:
        return _create(cluster, deployment, number)
    current = copy.deepcopy(found)
    if revision(current) < number:
        current["metadata"].setdefault("annotations", {})[REVISION] = str(number)
        return cluster.store.write(replica_sets.KIND, current)
    return current


def scale(cluster: "Cluster", deployment: Json, replica_set: Json, replicas: int) -> Json:
    """Set a replica set's size."""
    before = replica_set["spec"].get("replicas", 0)
    surge, _ = limits(deployment)
    wanted = deployment["spec"]["replicas"]
    changed = copy.deepcopy(replica_set)
    annotations = changed["metadata"].setdefault("annotations", {})
    annotations |= {_DESIRED: str(wanted), _MOST: str(wanted + surge)}
    changed["spec"]["replicas"] = replicas
    if changed == replica_set:
        return replica_set
    if before != replicas:
        changed["metadata"]["generation"] += 1
        direction = "up" if replicas > before else "down"
        name = changed["metadata"]["name"]
        text = f"Scaled {direction} replica set {name} from {before} to {replicas}"
        events.emit(cluster, KIND, deployment, "Normal", "ScalingReplicaSet", text)
    return cluster.store.write(replica_sets.KIND, changed)


def _create(cluster: "Cluster", deployment: Json, number: int) -> Json:
    about, spec = deployment["metadata"], deployment["spec"]
    digest = ownership.template_hash(spec["template"])
    template = copy.deepcopy(spec["template"])
    labels = {**template["metadata"].get("labels", {}), HASH: digest}
    template["metadata"]["labels"] = labels
    selector = copy.deepcopy(spec["selector"])
    selector["matchLabels"] = {**selector.get("matchLabels", {}), HASH: digest}
    annotations = {
        key: value for key, value in about.get("annotations", {}).items() if key not in _NOT_COPIED
    }
    value: Json = {
        "metadata": {
            "name": f"{about['name']}-{digest}",
            "namespace": about["namespace"],
            "labels": labels,
            "annotations": {**annotations, REVISION: str(number)},
            "ownerReferences": [ownership.reference(KIND, deployment)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    }
    if "minReadySeconds" in spec:
        value["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    return writes.create(cluster, replica_sets.KIND, value, writes.CONTROLLER)


def _template_of(replica_set: Json) -> Json:
    template: Json = copy.deepcopy(replica_set["spec"]["template"])
    template["metadata"].get("labels", {}).pop(HASH, None)
    return template


def _count(share: int | str, of: int, *, up: bool) -> int:
    if isinstance(share, int):
        return share
    exact = int(share.rstrip("%")) * of / 100
    return math.ceil(exact) if up else math.floor(exact)
