"""`metrics.k8s.io`: what pods use, as metrics-server measures it. AKS brings one along.

Faithful    list and get of PodMetrics, selectors; 404 without a metrics-server, 503 while it is down
Left out    NodeMetrics; what pods really do: a pod uses what its name makes it use, the identity webhook what is wished
Source      https://kubernetes.io/docs/reference/external-api/metrics.v1beta1/
            https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/
"""

import hashlib
from typing import TYPE_CHECKING

from sandbox.kubernetes import lists, workload_identity
from sandbox.kubernetes.kinds import POD_METRICS, stored
from sandbox.kubernetes.names import timestamp
from sandbox.kubernetes.objects import Answer
from sandbox.kubernetes.requests import Request
from sandbox.kubernetes.statuses import StatusError, not_found
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = POD_METRICS
_WINDOW = "15s"


def answer(cluster: "Cluster", request: Request) -> Answer:
    """200; 404 no such pod, 405, 503."""
    if cluster.metrics == "down":
        text = "the server is currently unable to handle the request"
        raise StatusError(503, "ServiceUnavailable", text, details={})
    if request.wanted.verb not in KIND.verbs:
        raise StatusError(405, "MethodNotAllowed", "the method is not allowed", details={})
    namespace, name = request.namespace, request.wanted.name
    if request.wanted.verb == "get":
        pod = cluster.store.get(stored("pods"), namespace, name)
        if pod is None or not _runs(pod):
            raise not_found(KIND, name)
        return Answer(200, KIND, _measured(cluster, pod))
    pods, _ = lists.page(cluster, stored("pods"), namespace, {**request.call.query, "limit": "0"})
    return Answer(200, KIND, {}, [_measured(cluster, one) for one in pods if _runs(one)])


def _runs(pod: Json) -> bool:
    return bool(pod["status"].get("phase") == "Running")


def _measured(cluster: "Cluster", pod: Json) -> Json:
    about, now = pod["metadata"], timestamp(cluster.now())
    kept = {part: about[part] for part in ("name", "namespace", "labels") if part in about}
    return {
        "metadata": {**kept, "creationTimestamp": now},
        "timestamp": now,
        "window": _WINDOW,
        "containers": [
            {"name": one["name"], "usage": _usage(cluster, pod, one["name"])}
            for one in pod["spec"]["containers"]
        ],
    }


def _usage(cluster: "Cluster", pod: Json, container: str) -> dict[str, str]:
    seed = hashlib.sha256(f"{pod['metadata']['name']}/{container}".encode()).digest()
    ours = pod["metadata"].get("labels", {}).items() >= workload_identity.LABELS.items()
    memory = cluster.webhook_memory if ours else f"{16 + seed[0] % 48}Mi"
    return {"cpu": f"{1 + seed[1] % 20}m", "memory": memory}
