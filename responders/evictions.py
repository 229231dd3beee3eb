"""Responder: stop everything that runs as the identity: scaled to zero, sent nowhere, suspended, deleted.

Stops    the code that runs with the identity, an attacker's foothold in it included
Leaves   ServiceAccount and Entra tokens that were read out of those pods; what a controller that Firebreak does not
         know runs, for which the command is reported; KEDA or GitOps that scale up
Undo     items: each field before, and on the object: firebreak.dev/replicas, firebreak.dev/previous-suspend, the node
         selector firebreak.dev/nowhere; a deleted pod is made again from its captured spec
Needs    NEEDS, below
Source   https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#scaling-a-deployment
         https://kubernetes.io/docs/concepts/workloads/controllers/job/#suspending-a-job
         https://kubernetes.io/docs/concepts/workloads/pods/disruptions/

Scaling down and deleting are no evictions in the sense of the eviction API, so no PodDisruptionBudget refuses them.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from responders.errors import ConflictError, NotFoundError, RefusedError
from responders.gitops import remark
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, StepResult, WorkloadRef
from responders.needs import ROLLOUTS, RUNNERS, ClusterNeed, Needs, on_each
from responders.standing import Standing
from responders.workload_objects import (
    INCIDENT,
    NOWHERE,
    REPLICAS,
    SUSPEND,
    controller_uid,
    describe,
    is_finished,
    kubectl,
    path,
)

_MIRROR = (
    "kubernetes.io/config.mirror"  # of a pod that a node runs from a file: deleting it does nothing
)
Stop = Callable[[Kube, WorkloadRef, Json, str], Awaitable[StepResult]]
NEEDS: Final = Needs(
    cluster=(
        *on_each(
            RUNNERS,
            ("get", "patch"),
            "stop what runs as the identity",
            ("_scale", "_send_nowhere", "_suspend"),
        ),
        ClusterNeed("pods", ("delete",), "delete pods that nobody makes again", ("_delete",)),
        ClusterNeed(ROLLOUTS, ("get", "patch"), "stop a Rollout", ("_scale",), wanted=True),
    ),
)


async def stop(kube: Kube, ref: WorkloadRef, standing: Standing, incident_id: str) -> StepResult:
    """Stop all its pods, and write on the object what it was before. Safe to repeat."""
    found = standing.of(ref)
    if found is None:
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is gone"}
    if is_finished(ref["kind"], found):
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is over"}
    try:
        return await _STOPS[ref["kind"]](kube, ref, found, incident_id)
    except NotFoundError:
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is gone"}


async def stop_job_of(kube: Kube, ref: WorkloadRef, job: Json, incident_id: str) -> StepResult:
    """Suspend a Job that a CronJob has made: suspending the CronJob alone lets it run on."""
    part: WorkloadRef = {**ref, "kind": "Job", "name": job["metadata"]["name"]}
    if is_finished("Job", job):
        return {"status": "nothing_to_do", "detail": f"{describe(part)} is over"}
    return await _suspend(kube, part, job, incident_id)


def is_stopped(ref: WorkloadRef, standing: Standing) -> StepResult:
    """Done when none of its pods is left, terminating ones included; failed while one is."""
    left = [one for one in standing.pods_of(ref) if not is_finished("Pod", one)]
    names = sorted(pod["metadata"]["name"] for pod in left)
    if not names:
        return {"status": "done", "detail": f"{describe(ref)}: no pod is left"}
    detail = f"{describe(ref)}: still there: {', '.join(names)}{_who_scales(standing.of(ref))}"
    return {"status": "failed", "detail": detail, "items": [{"pod": name} for name in names]}


async def _scale(kube: Kube, ref: WorkloadRef, found: Json, incident_id: str) -> StepResult:
    """To zero, and remember how many there were.

    An autoscaler leaves a workload at zero alone:
    https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
    """
    if ref["kind"] == "ReplicaSet" and controller_uid(found) is not None:
        return _unknown_owner(ref, found)

    def change(now: Json) -> Json | None:
        replicas = now["spec"].get("replicas", 1)
        if replicas == 0:
            return None
        annotations = {REPLICAS: _first(now, REPLICAS, str(replicas), incident_id)}
        return _marked(annotations, incident_id, {"replicas": 0})

    before, written = await kube.update(path(ref), change, known=found)
    if not written:
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is at 0 replicas"}
    replicas = before["spec"].get("replicas", 1)
    return _stopped(ref, before, {"replicas_before": replicas, "replicas_after": 0})


async def _send_nowhere(kube: Kube, ref: WorkloadRef, found: Json, incident_id: str) -> StepResult:
    """A DaemonSet has no replicas: its pods leave the nodes that its selector no longer fits, whatever its strategy."""

    def change(now: Json) -> Json | None:
        if NOWHERE in (now["spec"]["template"]["spec"].get("nodeSelector") or {}):
            return None
        nowhere = {"template": {"spec": {"nodeSelector": {NOWHERE: "true"}}}}
        return _marked({}, incident_id, nowhere)

    before, written = await kube.update(path(ref), change, known=found)
    if not written:
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} fits no node"}
    selector = before["spec"]["template"]["spec"].get("nodeSelector") or {}
    item = {"node_selector_before": selector, "node_selector_after": {**selector, NOWHERE: "true"}}
    return _stopped(ref, before, item)


async def _suspend(kube: Kube, ref: WorkloadRef, found: Json, incident_id: str) -> StepResult:
    """A suspended Job loses its pods, a suspended CronJob makes no more Jobs."""

    def change(now: Json) -> Json | None:
        if now["spec"].get("suspend"):
            return None
        return _marked({SUSPEND: "false"}, incident_id, {"suspend": True})

    before, written = await kube.update(path(ref), change, known=found)
    if not written:
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is suspended"}
    return _stopped(ref, before, {"suspend_before": False, "suspend_after": True})


async def _delete(kube: Kube, ref: WorkloadRef, found: Json, _incident_id: str) -> StepResult:
    """A pod that nothing would make again; its spec was captured before."""
    notes = found["metadata"].get("annotations") or {}
    if _MIRROR in notes:
        why = "a node runs it from a file: remove the file from the node"
        return _by_hand(ref, why, [f"{kubectl(ref)} get pod {ref['name']} -o wide"])
    if controller_uid(found) is not None:
        return _unknown_owner(ref, found)
    if found["metadata"].get("deletionTimestamp"):
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is being deleted"}
    pod = path_of("pods", ref["namespace"], ref["name"])
    try:
        await kube.delete(pod, found["metadata"]["uid"])
    except (
        ConflictError
    ):  # somebody made another one under its name since the list: not captured, so not deleted
        raise RefusedError(f"{describe(ref)} was made anew since it was captured") from None
    return _stopped(ref, found, {"deleted": found["metadata"]["uid"]})


def _unknown_owner(ref: WorkloadRef, found: Json) -> StepResult:
    """What its controller would bring back at once."""
    owner = next(one for one in found["metadata"]["ownerReferences"] if one.get("controller"))
    kind, name = str(owner["kind"]), str(owner["name"])
    why = (
        f"its controller {kind}/{name} is of a kind that Firebreak does not stop: scale it to zero"
    )
    scale = f'{kubectl(ref)} patch {kind.lower()} {name} --type merge -p \'{{"spec":{{"replicas":0}}}}\''
    return _by_hand(ref, why, [scale])


def _by_hand(ref: WorkloadRef, why: str, commands: list[str]) -> StepResult:
    return {
        "status": "refused",
        "detail": f"{describe(ref)} still runs: {why}: {'; '.join(commands)}",
        "items": [{"workload": describe(ref)}],
        "by_hand": commands,
    }


def _marked(annotations: Json, incident_id: str, spec: Json) -> Json:
    return {"metadata": {"annotations": {**annotations, INCIDENT: incident_id}}, "spec": spec}


def _first(now: Json, note: str, value: str, incident_id: str) -> str:
    """What it was when this incident first stopped it: somebody may have scaled it up since."""
    notes = now["metadata"].get("annotations") or {}
    kept = notes.get(note) if notes.get(INCIDENT) == incident_id else None
    return str(kept or value)


def _stopped(ref: WorkloadRef, before: Json, item: Json) -> StepResult:
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in item.items())
    detail = f"{describe(ref)}: {told}. {remark(before['metadata'])}".strip()
    return {"status": "done", "detail": detail, "items": [{"workload": describe(ref), **item}]}


def _who_scales(found: Json | None) -> str:
    """A hint at whoever works against the eviction."""
    if found is None:
        return ""
    replicas, owner = found["spec"].get("replicas"), remark(found["metadata"])
    if not replicas:
        return ""
    return (
        f" (it was scaled up again to {replicas}: KEDA, an autoscaler or GitOps. {owner})".replace(
            ". )", ")"
        )
    )


_STOPS: dict[str, Stop] = {
    "Deployment": _scale,
    "StatefulSet": _scale,
    "ReplicaSet": _scale,
    "Rollout": _scale,
    "DaemonSet": _send_nowhere,
    "Job": _suspend,
    "CronJob": _suspend,
    "Pod": _delete,
}
