"""Responder: stop everything that runs as the identity, by scaling its workloads to zero.

Stops    the code that runs with the identity, an attacker's foothold in it included
Leaves   ServiceAccount and Entra tokens that were read out of those pods; DaemonSets, Jobs,
         CronJobs and bare pods, for which the command is reported; KEDA or GitOps that scale up
Undo     items: replicas before, also kept in the annotation firebreak.dev/replicas
Needs    deployments.apps: get, patch; statefulsets.apps: get, patch; daemonsets.apps: get;
         replicasets.apps: get, list; jobs.batch: get, list; cronjobs.batch: get; pods: get, list
Source   https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#scaling-a-deployment
"""

from responders import pods
from responders.errors import NotFoundError
from responders.gitops import remark
from responders.kube import Kube
from responders.model import Json, StepResult, WorkloadRef
from responders.workload_objects import INCIDENT, REPLICAS, describe, is_finished, kubectl, path

# No pod fits a node label that no node has.
_NOWHERE = '{"spec":{"template":{"spec":{"nodeSelector":{"firebreak.dev/nowhere":"true"}}}}}'


async def scale_to_zero(kube: Kube, ref: WorkloadRef, incident_id: str) -> StepResult:
    """Stop all its pods, and remember how many there were. Safe to repeat.

    An autoscaler leaves a workload at zero alone:
    https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
    """

    def change(found: Json) -> Json | None:
        replicas = found["spec"].get("replicas", 1)
        if replicas == 0:
            return None
        notes = found["metadata"].get("annotations") or {}
        # Scaled up again since this incident stopped it: what it had at first is what counts.
        first = notes.get(REPLICAS) if notes.get(INCIDENT) == incident_id else None
        annotations = {REPLICAS: first or str(replicas), INCIDENT: incident_id}
        return {"metadata": {"annotations": annotations}, "spec": {"replicas": 0}}

    try:
        if ref["kind"] not in ("Deployment", "StatefulSet"):
            return await _report(kube, ref)
        before, written = await kube.update(path(ref), change)
    except NotFoundError:
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is gone"}
    if not written:
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is at 0 replicas"}
    replicas = before["spec"].get("replicas", 1)
    detail = f"{describe(ref)}: {replicas} replicas to 0. {remark(before['metadata'])}".strip()
    item = {"workload": describe(ref), "replicas_before": replicas, "replicas_after": 0}
    return {"status": "done", "detail": detail, "items": [item]}


async def is_stopped(kube: Kube, ref: WorkloadRef) -> StepResult:
    """Done when none of its pods is left, terminating ones included; failed while one is."""
    try:
        left = await pods.of_workload(kube, ref, await kube.get(path(ref)))
    except NotFoundError:
        return {"status": "done", "detail": f"{describe(ref)} is gone"}
    names = sorted(pod["metadata"]["name"] for pod in left if not is_finished("Pod", pod))
    if names:
        detail = f"{describe(ref)}: still there: {', '.join(names)}"
        return {"status": "failed", "detail": detail, "items": [{"pod": name} for name in names]}
    return {"status": "done", "detail": f"{describe(ref)}: no pod is left"}


async def _report(kube: Kube, ref: WorkloadRef) -> StepResult:
    """What can't be scaled is left running, and said to be."""
    found = await kube.get(path(ref))
    if is_finished(ref["kind"], found):
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is over"}
    patch = f"{kubectl(ref)} patch {ref['kind'].lower()} {ref['name']} --type merge -p"
    suspend = f"""{patch} '{{"spec":{{"suspend":true}}}}'"""
    delete = f"{kubectl(ref)} delete {ref['kind'].lower()} {ref['name']}"
    how = {
        "DaemonSet": f"a DaemonSet has no replicas. Let it fit no node: {patch} '{_NOWHERE}'",
        "Job": f"a Job has no replicas. Suspend it, which deletes its pods: {suspend}",
        "CronJob": f"a CronJob has no replicas. Suspend it, then the Jobs it made: {suspend}",
        "Pod": f"nothing would make this pod again. Its spec is captured; delete it: {delete}",
        "ReplicaSet": f"scale what controls it, which Firebreak does not know: {kubectl(ref)} "
        f"describe replicaset {ref['name']}",
    }
    return {
        "status": "refused",
        "detail": f"{describe(ref)} still runs: {how[ref['kind']]}",
        "items": [{"workload": describe(ref)}],
    }
