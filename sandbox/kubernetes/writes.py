"""Creating objects."""

import copy
import uuid
from typing import TYPE_CHECKING

from sandbox.kubernetes.kinds import Kind
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster


def create(cluster: "Cluster", kind: Kind, value: Json, *, manager: str) -> Json:
    """Store a new object."""
    created = copy.deepcopy(value)
    created["metadata"]["uid"] = str(uuid.uuid4())
    created["metadata"]["creationTimestamp"] = cluster.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    return cluster.store.write(kind, created)
