"""The pods of a workload, found by who owns them: labels can be forged, an owner's uid is checked.

Needs    pods: list; replicasets: list
Source   https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
"""

from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, WorkloadRef
from responders.workload_objects import controller_uid


async def of_workload(kube: Kube, ref: WorkloadRef, workload: Json) -> list[Json]:
    """Its pods, terminating ones included. `workload` is the object that `ref` names."""
    if ref["kind"] == "Pod":
        return [workload]
    query = _selection(workload)
    pods = await kube.list_all(path_of("pods", ref["namespace"]), query)
    owners = {workload["metadata"]["uid"]}
    middle = {"Deployment": "replicasets", "CronJob": "jobs"}.get(ref["kind"])
    if middle:
        between = await kube.list_all(path_of(middle, ref["namespace"]), query)
        owners |= {one["metadata"]["uid"] for one in between if controller_uid(one) in owners}
    return [pod for pod in pods if controller_uid(pod) in owners]


def _selection(workload: Json) -> dict[str, str]:
    """Narrows the list on the server where the selector is plain; the uid check is what counts."""
    labels = (workload["spec"].get("selector") or {}).get("matchLabels") or {}
    if not labels:
        return {}
    return {"labelSelector": ",".join(f"{name}={labels[name]}" for name in sorted(labels))}
