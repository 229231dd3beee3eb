"""`pods/eviction`: a delete that asks the pod's disruption budget first.

Faithful    which pods need no permission, the 429 and its causes, two budgets for one pod being a 500; the budget's
            count goes down at once, so that two evictions can't share one permission
Left out    the limit on pods under disruption
Source      https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.kubernetes import deletes, selectors
from sandbox.kubernetes.controllers import ownership
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.names import timestamp
from sandbox.kubernetes.statuses import StatusError, bad_request, internal, not_found
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = Kind("policy", "evictions", "Eviction")
_BUDGETS = stored("poddisruptionbudgets")
_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_PROCESSING_S = 10


def evict(
    cluster: "Cluster", namespace: str, name: str, eviction: Json, options: deletes.DeleteOptions
) -> Json:
    """A Status that says yes; the pod is being deleted. Raises `StatusError` 400, 404, 409, 429, 500."""
    if (eviction.get("metadata") or {}).get("name") != name:
        raise bad_request("name in URL does not match name in Eviction object")
    pod = cluster.store.get(ownership.PODS, namespace, name)
    if pod is None:
        raise not_found(ownership.PODS, name)
    budgets = of_pod(cluster, pod)
    if len(budgets) > 1 and not _needs_no_permission(pod):
        raise internal(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does "
            "not support."
        )
    if budgets and not _needs_no_permission(pod) and not _may_go_unhealthy(pod, budgets[0]):
        _take(cluster, budgets[0], name, dry_run=options.dry_run)
    deletes.delete(cluster, ownership.PODS, pod, options)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def of_pod(cluster: "Cluster", pod: Json) -> list[Json]:
    """The budgets that count this pod. An empty selector takes every pod, none at all takes no pod."""
    about = pod["metadata"]
    return [
        budget
        for budget in cluster.store.peek(_BUDGETS, about["namespace"])
        if "selector" in budget["spec"]
        and selectors.by_object(budget["spec"]["selector"])(about.get("labels", {}))
    ]


def delete_options(eviction: Json, *, dry_run: bool) -> deletes.DeleteOptions:
    """How the pod is to be deleted, as the eviction says. Raises `StatusError` 400."""
    stated = deletes.options(eviction.get("deleteOptions") or {}, {}, dry_run=False)
    return replace(stated, dry_run=stated.dry_run or dry_run)


def _needs_no_permission(pod: Json) -> bool:
    """What has ended, has not begun or is ending disrupts nobody."""
    phase = pod["status"].get("phase")
    ended = phase in ("Succeeded", "Failed", "Pending")
    return ended or bool(pod["metadata"].get("deletionTimestamp"))


def _may_go_unhealthy(pod: Json, budget: Json) -> bool:
    """A pod that is not ready may go where enough others are, or where the budget says always."""
    if ownership.is_ready(pod):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget["status"]
    return bool(status["currentHealthy"] >= status["desiredHealthy"] > 0)


def _take(cluster: "Cluster", budget: Json, pod: str, *, dry_run: bool) -> None:
    """Use one of the disruptions that the budget allows. Raises `StatusError` 429."""
    about, status = budget["metadata"], budget["status"]
    if status.get("observedGeneration", 0) < about["generation"]:
        text = f"The disruption budget {about['name']} is still being processed by the server."
        raise _too_many(text, _PROCESSING_S)
    if status["disruptionsAllowed"] < 1:
        raise _too_many(
            f"The disruption budget {about['name']} needs {status['desiredHealthy']} healthy pods "
            f"and has {status['currentHealthy']} currently"
        )
    if dry_run:
        return
    disrupted = {**status.get("disruptedPods", {}), pod: timestamp(cluster.now())}
    left = status["disruptionsAllowed"] - 1
    taken = {**status, "disruptionsAllowed": left, "disruptedPods": disrupted}
    cluster.store.write(_BUDGETS, {**budget, "status": taken})


def _too_many(cause: str, retry_after_s: int = 0) -> StatusError:
    details: Json = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
    headers = {}
    if retry_after_s:
        details["retryAfterSeconds"] = retry_after_s
        headers = {"Retry-After": str(retry_after_s)}
    return StatusError(429, "TooManyRequests", _REFUSED, details=details, headers=headers)
