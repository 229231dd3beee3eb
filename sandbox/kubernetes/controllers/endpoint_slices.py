"""The EndpointSlice controller: which pods a Service reaches now, and whether they are ready.

Left out    more than one slice for a Service, dual stack, zones, mirroring of Endpoints that people write
Source      https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes import selectors, writes
from sandbox.kubernetes.controllers import ownership
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.names import suffix
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND, SLICES = stored("services"), stored("endpointslices")
SERVICE = "kubernetes.io/service-name"
_MANAGED = ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io")
_WRITER = writes.Writer("kube-controller-manager")


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """Write what the Service reaches now; one without a selector is looked after by somebody else."""
    service = cluster.store.get(KIND, namespace, name)
    if service is None or not service["spec"].get("selector"):
        return
    wanted = {
        "addressType": "IPv4",
        "endpoints": _endpoints(cluster, service),
        "ports": [_port(one) for one in service["spec"].get("ports", [])],
    }
    known = next(iter(ownership.owned(cluster, SLICES, service)), None)
    if known is None:
        _create(cluster, service, wanted)
    elif any(known.get(part) != value for part, value in wanted.items()):
        writes.update(cluster, SLICES, known, {**known, **wanted}, _WRITER)


def sync_pod(cluster: "Cluster", namespace: str, name: str) -> None:
    """A pod changed: the Services that choose it, and those that reached it, look again."""
    pod = cluster.store.look(ownership.PODS, namespace, name)
    labels = pod["metadata"].get("labels", {}) if pod else None
    for service in cluster.store.peek(KIND, namespace):
        chosen = service["spec"].get("selector") or {}
        if chosen and (labels is None or chosen.items() <= labels.items()):
            cluster.reactor.enqueue(KIND, namespace, service["metadata"]["name"])


def _create(cluster: "Cluster", service: Json, wanted: Json) -> None:
    about = service["metadata"]
    metadata = {
        "name": f"{about['name']}-{suffix()}",
        "namespace": about["namespace"],
        "labels": {SERVICE: about["name"], _MANAGED[0]: _MANAGED[1]},
        "ownerReferences": [ownership.reference(KIND, service)],
    }
    writes.create(cluster, SLICES, {"metadata": metadata, **wanted}, _WRITER)


def _endpoints(cluster: "Cluster", service: Json) -> list[Json]:
    matches = selectors.by_object({"matchLabels": service["spec"]["selector"]})
    namespace = service["metadata"]["namespace"]
    found = [
        _endpoint(pod)
        for pod in cluster.store.peek(ownership.PODS, namespace)
        if matches(pod["metadata"].get("labels", {}))
        and pod.get("status", {}).get("podIP")
        and pod["status"].get("phase") not in ("Succeeded", "Failed")
    ]
    return sorted(found, key=lambda one: str(one["targetRef"]["name"]))


def _endpoint(pod: Json) -> Json:
    about, status = pod["metadata"], pod["status"]
    ready = any(
        one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", [])
    )
    ends = bool(about.get("deletionTimestamp"))
    return {
        "addresses": [status["podIP"]],
        "conditions": {"ready": ready and not ends, "serving": ready, "terminating": ends},
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": {
            "kind": "Pod",
            "namespace": about["namespace"],
            "name": about["name"],
            "uid": about["uid"],
        },
    }


def _port(port: Json) -> Json:
    number = port.get("targetPort", port["port"])
    return {
        "name": port.get("name", ""),
        "port": number if isinstance(number, int) else port["port"],
        "protocol": port.get("protocol", "TCP"),
    }
