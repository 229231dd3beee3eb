"""Objects that name an owner.

Source   https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes.kind import Kind
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster


def of(cluster: "Cluster", uid: str) -> list[tuple[Kind, Json]]:
    """Everything that names this object as an owner. To read only."""
    return cluster.store.owned(uid)


def orphan(cluster: "Cluster", uid: str) -> None:
    """Take the owner out of its dependents, so that they survive it."""
    for kind, value in of(cluster, uid):
        about = value["metadata"]
        left = [each for each in about["ownerReferences"] if each["uid"] != uid]
        freed = {key: item for key, item in about.items() if key != "ownerReferences"}
        if left:
            freed["ownerReferences"] = left
        cluster.store.write(kind, {**value, "metadata": freed})
