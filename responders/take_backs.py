"""Responder: objects in a cluster that an incident had changed, put back as they were before it.

Stops    the new identity: nothing in the cluster names it any more
Leaves   bare pods and Jobs that were stopped for good; successors of ServiceAccounts, which name nobody; pods that a
         rollout has not replaced yet
Undo     another recovery
Needs    NEEDS, below
Source   https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions

By the marks that the incident left on each object: one without them was not changed, or not by it.
"""

from dataclasses import dataclass
from typing import Final

from responders import argo_rollouts, move_patches
from responders.errors import NotFoundError, RefusedError
from responders.kube import MERGE_PATCH, Change, Kube
from responders.model import Change as Changed
from responders.model import Json, Status, StepResult, WorkloadRef
from responders.moves import content_type
from responders.needs import GITOPS, ROLLOUTS, RUNNERS, SUSPENDING, ClusterNeed, Needs, on_each
from responders.read_only import is_read_only
from responders.workload_objects import (
    INCIDENT,
    PREVIOUS_SERVICE_ACCOUNT,
    REPLICAS,
    SUSPEND,
    describe,
    is_of_another,
    path,
    service_account_of,
    template_of,
)

_MARKS = (INCIDENT, REPLICAS, SUSPEND, PREVIOUS_SERVICE_ACCOUNT)
_WRITTEN = ("serviceaccounts", *RUNNERS)
_WRITTEN_TOO = (
    "secretproviderclasses.secrets-store.csi.x-k8s.io",
    "triggerauthentications.keda.sh",
    "clustertriggerauthentications.keda.sh",
    "configmaps",
    ROLLOUTS,
)
NEEDS: Final = Needs(
    cluster=(
        *on_each(_WRITTEN, ("get", "patch"), "put back what an incident had changed", ("put",)),
        *on_each(
            _WRITTEN_TOO,
            ("get", "patch"),
            "put back what an incident had changed",
            ("put",),
            wanted=True,
        ),
        *(
            ClusterNeed(
                one, ("get", "patch"), "let a controller go on", ("put",), only_with=SUSPENDING
            )
            for one in GITOPS
        ),
        ClusterNeed("pods", ("get",), "whether a pod is there again", ("_pod",)),
    ),
)


@dataclass(frozen=True, slots=True)
class Back:
    """What a workload goes back to."""

    service_account: str  # as it was
    old_client_id: str  # what its template says now: the new identity's
    new_client_id: str  # what it said before
    incident_id: str
    successor: str  # the ServiceAccount that this incident gave it


async def put(
    kube: Kube,
    where: tuple[str, Change],
    name: str,
    *,
    content_type: str = MERGE_PATCH,
    if_gone: Status = "refused",
) -> StepResult:
    """Write what the change says, once; in plan mode say what it would be. Refused where the object is gone."""
    place, change = where
    try:
        if is_read_only():
            written = change(await kube.get(place)) is not None
        else:
            _, written = await kube.update(place, change, content_type=content_type)
    except NotFoundError:
        return {"status": if_gone, "detail": f"{name} is gone: make it again from its source"}
    if not written:
        return {"status": "nothing_to_do", "detail": f"{name} is as it was"}
    status = "planned" if is_read_only() else "done"
    changes: list[Changed] = [
        {"object": name, "before": "changed by this incident", "after": "as it was before it"}
    ]
    if status == "planned":
        return {"status": "planned", "detail": f"{name} goes back", "changes": changes}
    return {"status": "done", "detail": f"{name} is as it was", "changes": changes}


async def workload(kube: Kube, ref: WorkloadRef, to: Back) -> StepResult:
    """Its ServiceAccount, replicas and client ids, in one write that also takes the marks off. Safe to repeat."""
    if ref["kind"] == "Pod":
        return await _pod(kube, ref)

    def change(now: Json) -> Json | None:
        notes = now["metadata"].get("annotations") or {}
        if notes.get(INCIDENT) != to.incident_id:
            return None
        template = template_of(ref["kind"], now)
        runs_as = service_account_of(template["spec"])
        if runs_as not in {to.service_account, to.successor} and not is_of_another(
            ref["kind"], now
        ):
            raise RefusedError(
                f"{describe(ref)} runs as {runs_as} by now: somebody changed it since"
            )
        patch = move_patches.patch(ref["kind"], now, to) or {"spec": {}}
        spec = patch["spec"]
        if ref["kind"] != "Job" and not is_of_another(ref["kind"], now):
            _unmarked(ref, spec, template)
        return {"metadata": {"annotations": dict.fromkeys(_MARKS)}, "spec": spec}

    merge = content_type(ref["kind"])
    answer = await put(kube, (path(ref), change), describe(ref), content_type=merge)
    if ref["kind"] == "Rollout" and answer["status"] == "done":
        return await argo_rollouts.promote(kube, ref) or answer
    return answer


def _unmarked(ref: WorkloadRef, spec: Json, template: Json) -> None:
    """Take our mark off the template as well: that is a change of it, so its pods start anew."""
    if INCIDENT not in ((template.get("metadata") or {}).get("annotations") or {}):
        inner = spec.get("jobTemplate", {}).get("spec", {}) if ref["kind"] == "CronJob" else spec
        inner.get("template", {}).pop("metadata", None)
        return
    holder = spec
    if ref["kind"] == "CronJob":
        holder = spec.setdefault("jobTemplate", {}).setdefault("spec", {})
    holder.setdefault("template", {})["metadata"] = {"annotations": {INCIDENT: None}}


async def _pod(kube: Kube, ref: WorkloadRef) -> StepResult:
    """A bare pod that was deleted is made again by a person, from its captured spec."""
    try:
        await kube.get(path(ref))
    except NotFoundError:
        return {
            "status": "refused",
            "detail": f"{describe(ref)} was deleted: make it again from its spec in pods/",
        }
    return {"status": "nothing_to_do", "detail": f"{describe(ref)} is there"}
