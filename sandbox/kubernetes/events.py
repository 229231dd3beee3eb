"""Events: what controllers and the kubelet say about an object, for `kubectl describe`.

Left out    counting repeats over time windows: the same event on the same object is one object whose count grows
Source      https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

import uuid
from typing import TYPE_CHECKING, Literal

from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.names import suffix, timestamp
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster


def emit(
    cluster: "Cluster",
    kind: Kind,
    about: Json,
    type_: Literal["Normal", "Warning"],
    reason: str,
    message: str,
) -> None:
    """Write an event about an object."""
    if cluster.reactor.seeding:
        return  # long gone: events live for an hour
    kind_of_event, metadata = stored("events"), about["metadata"]
    namespace, now = metadata.get("namespace", "default"), timestamp(cluster.now())
    for known in cluster.store.peek(kind_of_event, namespace):
        about_known = known["involvedObject"].get("uid")
        if (about_known, known.get("reason"), known.get("message")) == (
            metadata["uid"],
            reason,
            message,
        ):
            repeated = {**known, "count": known.get("count", 1) + 1, "lastTimestamp": now}
            cluster.store.write(kind_of_event, repeated)
            return
    component = "kubelet" if kind.plural == "pods" else f"{kind.singular}-controller"
    cluster.store.write(
        kind_of_event,
        {
            "metadata": {
                "name": f"{metadata['name']}.{suffix(16)}",
                "namespace": namespace,
                "uid": str(uuid.uuid4()),
                "creationTimestamp": now,
            },
            "involvedObject": {
                "kind": kind.kind,
                "namespace": namespace,
                "name": metadata["name"],
                "uid": metadata["uid"],
                "apiVersion": kind.api_version,
                "resourceVersion": metadata["resourceVersion"],
            },
            "reason": reason,
            "message": message,
            "source": {"component": component},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": type_,
            "eventTime": None,
            "reportingComponent": component,
            "reportingInstance": "",
        },
    )
