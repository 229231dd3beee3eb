"""Responder: whether a workload's pods run, all of them, with the identity that they should have.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    deployments.apps: get; statefulsets.apps: get; daemonsets.apps: get;
         replicasets.apps: list; pods: list
Source   https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
         https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
"""

from responders import pods
from responders.errors import NotFoundError
from responders.kube import Kube
from responders.model import Json, StepResult, WorkloadRef
from responders.workload_objects import (
    REPLICAS,
    client_id_of,
    containers_of,
    describe,
    is_finished,
    path,
    service_account_of,
)

_SKIPPED = "azure.workload.identity/skip-containers"  # annotation: names, separated by semicolons


async def is_healthy(kube: Kube, ref: WorkloadRef, client_id: str) -> StepResult:
    """Done when the rollout is over and every container has this client id; failed while not yet.

    Judged by the pods themselves: a template says what should be, and a workload without its
    variables may run happily on the node's identity instead.
    """
    try:
        found = await kube.get(path(ref))
    except NotFoundError:
        return {"status": "failed", "detail": f"{describe(ref)} is gone"}
    if ref["kind"] not in ("Deployment", "StatefulSet", "DaemonSet"):
        return {"status": "refused", "detail": f"{describe(ref)} has no rollout to watch"}
    missing = _rollout(ref, found)
    wanted = service_account_of(found["spec"]["template"]["spec"])
    for pod in await pods.of_workload(kube, ref, found):
        missing += _pod(pod, wanted, client_id)
    if missing:
        detail = f"{describe(ref)}: not yet: {'; '.join(missing)}"
        return {
            "status": "failed",
            "detail": detail,
            "items": [{"missing": one} for one in missing],
        }
    return {"status": "done", "detail": f"{describe(ref)}: every pod runs with {client_id}"}


def _rollout(ref: WorkloadRef, found: Json) -> list[str]:
    """What the controller still has to do."""
    status: Json = found.get("status") or {}
    missing = []
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        missing.append("the controller has not seen the change")
    if REPLICAS in (found["metadata"].get("annotations") or {}):
        missing.append("it is still scaled to zero by the eviction")
    for condition in status.get("conditions") or []:
        if condition.get("reason") == "ProgressDeadlineExceeded":
            missing.append(f"the rollout is stuck: {condition.get('message', '')}")
    wanted, counts = _counts(ref, found["spec"], status)
    missing += [f"{name} {count} of {wanted}" for name, count in counts.items() if count != wanted]
    return missing


def _counts(ref: WorkloadRef, spec: Json, status: Json) -> tuple[int, dict[str, int]]:
    """How many pods there should be, and the counts that have to be the same."""
    if ref["kind"] == "DaemonSet":
        names = {"updated": "updatedNumberScheduled", "available": "numberAvailable"}
        wanted: int = status.get("desiredNumberScheduled", 0)
    else:
        names = {"updated": "updatedReplicas", "available": "availableReplicas"}
        names["present"] = "replicas"
        wanted = spec.get("replicas", 1)
    return wanted, {name: status.get(key, 0) for name, key in names.items()}


def _pod(pod: Json, wanted: str, client_id: str) -> list[str]:
    """What is wrong with one pod. A terminating one still runs, with what it has."""
    name = pod["metadata"]["name"]
    if is_finished("Pod", pod):
        return []
    if pod["metadata"].get("deletionTimestamp"):
        return [f"{name} is terminating"]
    runs_as = service_account_of(pod["spec"])
    if runs_as != wanted:
        return [f"{name} runs as {runs_as}"]
    skipped = (pod["metadata"].get("annotations") or {}).get(_SKIPPED, "").split(";")
    return [
        f"{name}/{container['name']} has {client_id_of(container) or 'no readable client id'}"
        for container in containers_of(pod["spec"])
        if container["name"] not in skipped and client_id_of(container) != client_id
    ]
