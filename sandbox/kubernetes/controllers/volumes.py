"""The volume controllers: a claim gets its volume, and what is no longer used is let go.

Left out    matching by size, provisioning by a driver, deleting what lies behind a volume
Source      https://kubernetes.io/docs/concepts/storage/persistent-volumes/#lifecycle-of-a-volume-and-claim
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes import storage_defaults
from sandbox.kubernetes.controllers import ownership
from sandbox.kubernetes.kinds import stored
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

VOLUMES, KIND = stored("persistentvolumes"), stored("persistentvolumeclaims")


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """Bind a claim to the volume that it names, or let an ending claim go that no pod mounts."""
    claim = cluster.store.get(KIND, namespace, name)
    if claim is None:
        return
    if claim["metadata"].get("deletionTimestamp"):
        if not _is_mounted(cluster, claim):
            _let_go(cluster, claim)
        return
    volume = cluster.store.get(VOLUMES, "", claim["spec"].get("volumeName", ""))
    if volume is None or claim["status"].get("phase") == "Bound":
        return
    holder = volume["spec"].get("claimRef")
    if holder is not None and holder.get("uid") not in (None, claim["metadata"]["uid"]):
        return
    about = claim["metadata"]
    volume["spec"]["claimRef"] = {
        "kind": KIND.kind,
        "apiVersion": KIND.api_version,
        "namespace": namespace,
        "name": name,
        "uid": about["uid"],
        "resourceVersion": about["resourceVersion"],
    }
    volume["status"] = {"phase": "Bound"}
    cluster.store.write(VOLUMES, volume)
    spec = volume["spec"]
    status = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": spec["capacity"]}
    ownership.set_status(cluster, KIND, claim, status)


def sync_volume(cluster: "Cluster", namespace: str, name: str) -> None:
    """Say what phase a volume is in; remove an ending one that no claim holds."""
    volume = cluster.store.get(VOLUMES, "", name)
    if volume is None:
        return
    held = volume["spec"].get("claimRef")
    holder = cluster.store.get(KIND, held["namespace"], held["name"]) if held else None
    is_held = holder is not None and holder["metadata"]["uid"] == (held or {}).get("uid")
    if volume["metadata"].get("deletionTimestamp") and not is_held:
        finalizers = volume["metadata"].get("finalizers", [])
        left = [each for each in finalizers if each != storage_defaults.PV_PROTECTION]
        if not left:
            cluster.store.remove(VOLUMES, "", name)
        return
    phase = "Bound" if is_held else "Released" if (held or {}).get("uid") else "Available"
    ownership.set_status(cluster, VOLUMES, volume, {"phase": phase})


def sync_pod(cluster: "Cluster", namespace: str, name: str) -> None:
    """A pod is gone: claims that waited for it may go."""
    if cluster.store.look(ownership.PODS, namespace, name) is None:
        for claim in cluster.store.peek(KIND, namespace):
            if claim["metadata"].get("deletionTimestamp"):
                cluster.reactor.enqueue(KIND, namespace, claim["metadata"]["name"])


def _is_mounted(cluster: "Cluster", claim: Json) -> bool:
    about = claim["metadata"]
    return any(
        volume.get("persistentVolumeClaim", {}).get("claimName") == about["name"]
        for pod in cluster.store.peek(ownership.PODS, about["namespace"])
        if pod["status"].get("phase") not in ("Succeeded", "Failed")
        for volume in pod["spec"].get("volumes", [])
    )


def _let_go(cluster: "Cluster", claim: Json) -> None:
    about = claim["metadata"]
    left = [each for each in about.get("finalizers", []) if each != storage_defaults.PVC_PROTECTION]
    if left:
        if left != about["finalizers"]:
            cluster.store.write(KIND, {**claim, "metadata": {**about, "finalizers": left}})
        return
    cluster.store.remove(KIND, about["namespace"], about["name"])
    if volume := claim["spec"].get("volumeName"):
        cluster.reactor.enqueue(VOLUMES, "", volume)
