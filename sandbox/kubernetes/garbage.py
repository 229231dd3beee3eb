"""The garbage collector: what nobody owns any more goes too.

Source   https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes import deletes, dependents
from sandbox.kubernetes.kind import Kind

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster


def collect(cluster: "Cluster", uid: str) -> None:
    """Delete the dependents of an object that is gone, or is being deleted in the foreground."""
    for kind, value in dependents.of(cluster, uid):
        about = value["metadata"]
        current = cluster.store.get(kind, about.get("namespace", ""), about["name"])
        if current is not None and not current["metadata"].get("deletionTimestamp"):
            deletes.delete(cluster, kind, current, deletes.DeleteOptions(propagation="Background"))


def finish_foreground(cluster: "Cluster", kind: Kind, namespace: str, name: str) -> None:
    """Let go of an object that waits for its dependents, once they are all gone."""
    value = cluster.store.get(kind, namespace, name)
    if value is None or deletes.FOREGROUND not in value["metadata"].get("finalizers", []):
        return
    about = value["metadata"]
    collect(cluster, about["uid"])
    if dependents.of(cluster, about["uid"]):
        return
    left = [each for each in about["finalizers"] if each != deletes.FOREGROUND]
    if left:
        cluster.store.write(kind, {**value, "metadata": {**about, "finalizers": left}})
    else:
        cluster.store.remove(kind, namespace, name)
