"""Responder: whether a workload's pods run, all of them, with the identity that they should have.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    what standing.py needs
Source   https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
         https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
"""

from responders import argo_rollouts
from responders.model import Json, StepResult, WorkloadRef
from responders.move_patches import literals
from responders.standing import Standing
from responders.workload_objects import (
    NOWHERE,
    REPLICAS,
    SUSPEND,
    client_id_of,
    containers_of,
    describe,
    has_seen,
    is_finished,
    is_of_another,
    service_account_of,
    template_of,
)

_SKIPPED = "azure.workload.identity/skip-containers"  # annotation: names, separated by semicolons
_TOO_LATE = (
    "ProgressDeadlineExceeded"  # the controller's own deadline: waiting longer changes nothing
)
_WHY = 300  # characters of a controller's own words


def is_healthy(
    ref: WorkloadRef, standing: Standing, service_account: str, client_id: str
) -> StepResult:
    """Done when the rollout is over and every container has this client id; failed while not yet.

    Judged by the pods themselves: a template says what should be, and a workload without its
    variables may run happily on the node's identity instead. `final` where waiting helps nothing.
    """
    found = standing.of(ref)
    if found is None or (ref["kind"] == "Job" and found["spec"].get("suspend")):
        return _not_there(ref)
    if found["spec"].get("paused"):
        return _paused(ref)
    missing = _rollout(ref, found)
    for pod in standing.pods_of(ref):
        missing += _pod(pod, service_account, client_id)
    runs_as = service_account_of(template_of(ref["kind"], found)["spec"])
    if runs_as != service_account and not is_of_another(ref["kind"], found):
        missing.append(f"its template names {runs_as}")
    said = [*_refused(ref, found, standing), *missing]
    if not said:
        return {"status": "done", "detail": f"{describe(ref)}: {_well(ref, client_id)}"}
    return {
        "status": "failed",
        "detail": f"{describe(ref)}: not yet: {'; '.join(said)}",
        "items": [{"missing": one} for one in said],
        "final": any(_TOO_LATE in one for one in said)
        or (ref["kind"] == "Rollout" and argo_rollouts.is_degraded(found)),
    }


def stands(
    ref: WorkloadRef, standing: Standing, service_account: str, old_client_id: str
) -> str | None:
    """Why a workload that was moved is not what it was moved to any more; None where it is.

    What is left to a person is not judged: what is to be made again, or to be resumed, was said before.
    """
    found = standing.of(ref)
    if ref["kind"] in {"Pod", "Job"}:
        return None
    if found is None:
        return f"{describe(ref)} is gone"
    if found["spec"].get("paused") or is_of_another(ref["kind"], found):
        return None
    spec = template_of(ref["kind"], found)["spec"]
    runs_as = service_account_of(spec)
    if runs_as != service_account:
        return f"{describe(ref)} runs as {runs_as}, not as {service_account}"
    if said := literals(spec, old_client_id):
        return f"{describe(ref)} says {old_client_id} again, in {', '.join(said)}"
    return None


def _paused(ref: WorkloadRef) -> StepResult:
    """Nothing reaches its pods, and no waiting helps; the step that would have moved it has said how to resume it."""
    detail = f"{describe(ref)} is paused, so it was not moved: see move_workloads"
    return {"status": "refused", "detail": detail, "by_hand": []}


def _not_there(ref: WorkloadRef) -> StepResult:
    """What a person has to make again; the step that moved it has said how."""
    if ref["kind"] in {"Pod", "Job"}:
        detail = f"{describe(ref)} is a person's to make again: see move_workloads"
        return {"status": "refused", "detail": detail, "by_hand": []}
    return {"status": "failed", "detail": f"{describe(ref)} is gone", "final": True}


def _well(ref: WorkloadRef, client_id: str) -> str:
    if ref["kind"] == "CronJob":
        return f"its next run gets {client_id}"
    return f"every pod runs with {client_id}"


def _rollout(ref: WorkloadRef, found: Json) -> list[str]:
    """What the controller still has to do."""
    status: Json = found.get("status") or {}
    notes: Json = found["metadata"].get("annotations") or {}
    missing = []
    if {REPLICAS, SUSPEND} & notes.keys():
        missing.append("it is still stopped by the eviction")
    if ref["kind"] == "Rollout":
        return [*missing, *argo_rollouts.missing(found)]
    if ref["kind"] not in {"Deployment", "StatefulSet", "DaemonSet"}:
        return missing
    if NOWHERE in (found["spec"]["template"]["spec"].get("nodeSelector") or {}):
        missing.append("it is still sent nowhere by the eviction")
    if not has_seen(found):
        missing.append("the controller has not seen the change")
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


def _refused(ref: WorkloadRef, found: Json, standing: Standing) -> list[str]:
    """What the controllers say keeps pods from coming up: a deadline, a quota, an admission webhook.

    Only of what they have seen: a condition may be of the rollout before.
    """
    if not has_seen(found):
        return []
    sets = standing.below(ref, "ReplicaSet") if ref["kind"] in {"Deployment", "Rollout"} else []
    current = [found, *(one for one in sets if one["spec"].get("replicas"))]
    conditions = [
        condition
        for one in current
        for condition in (one.get("status") or {}).get("conditions") or []
    ]
    said = [
        f"{one['reason']}: {str(one.get('message', ''))[:_WHY]}"
        for one in conditions
        if one.get("reason") == _TOO_LATE
        or (one.get("type") == "ReplicaFailure" and one.get("status") == "True")
    ]
    return list(dict.fromkeys(said))


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
    wrong = [
        f"{name}/{container['name']} has {client_id_of(container) or 'no readable client id'}"
        for container in containers_of(pod["spec"])
        if container["name"] not in skipped and client_id_of(container) != client_id
    ]
    return [*wrong, *_waiting(pod)]


def _waiting(pod: Json) -> list[str]:
    """Why a container does not start, in the node's words."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    reasons = [(one["name"], (one.get("state") or {}).get("waiting") or {}) for one in statuses]
    return [
        f"{pod['metadata']['name']}/{name} waits: {waiting['reason']}"
        for name, waiting in reasons
        if waiting.get("reason")
    ]
