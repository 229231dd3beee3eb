"""Responder: let a workload run with the new identity: under a new ServiceAccount, or restarted under its own.

Stops    new pods from getting the old identity; the rollout replaces those that have it
Leaves   Jobs under a new name, bare pods and paused Deployments, for which the command is reported; a client id that
         the program itself knows; RBAC in the cluster, which names the old ServiceAccount
Undo     items: each field before; on the object firebreak.dev/previous-service-account; a restart needs none
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/workload-identity-overview
         https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#updating-a-deployment
         https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_restart/
"""

from dataclasses import dataclass
from typing import Final

from responders import argo_rollouts, move_patches
from responders.errors import NotFoundError
from responders.gitops import remark
from responders.kube import MERGE_PATCH, STRATEGIC_MERGE_PATCH, Kube
from responders.model import Json, StepResult, WorkloadRef
from responders.needs import ROLLOUTS, RUNNERS, ClusterNeed, Needs, on_each
from responders.standing import Standing
from responders.workload_objects import (
    USE_LABEL,
    Kind,
    describe,
    is_finished,
    is_injected,
    is_of_another,
    kubectl,
    path,
    service_account_of,
    template_of,
)

NEEDS: Final = Needs(
    cluster=(
        *on_each(RUNNERS, ("get", "patch"), "name the new identity and start it again", ("move",)),
        ClusterNeed(ROLLOUTS, ("get", "patch"), "move a Rollout", ("move",), wanted=True),
    ),
)


@dataclass(frozen=True, slots=True)
class Move:
    """What one workload gets."""

    service_account: str  # its own where the method keeps the subject
    old_client_id: str
    new_client_id: str
    incident_id: str


async def move(kube: Kube, ref: WorkloadRef, standing: Standing, to: Move) -> StepResult:
    """Name the ServiceAccount and the client id in the template and bring back what was stopped, in one write.

    Safe to repeat. `done` means accepted: whether the pods follow is for `rollouts` to say.
    """
    found = standing.of(ref)
    if found is None:
        return _gone(ref, to)
    if ref["kind"] == "Pod" or (ref["kind"] == "Job" and not _keeps_its_name(found, to)):
        return _made_again(ref, found, to)
    if found["spec"].get("paused"):
        resume = _resume(ref)
        return _by_hand(ref, "is paused: a change would reach no pod. Resume it", resume)

    def change(now: Json) -> Json | None:
        return move_patches.patch(ref["kind"], now, to)

    try:
        before, written = await kube.update(
            path(ref), change, content_type=content_type(ref["kind"]), known=found
        )
    except NotFoundError:
        return _gone(ref, to)
    return await _waiting(kube, ref, before, written) or _moved(ref, before, to, written)


async def _waiting(kube: Kube, ref: WorkloadRef, before: Json, written: bool) -> StepResult | None:
    """What keeps it from rolling out by itself; None where nothing does."""
    if ref["kind"] != "Rollout" or (not written and argo_rollouts.is_promoted(before)):
        return None
    return await argo_rollouts.promote(kube, ref)


def content_type(kind: Kind) -> str:
    """What kind of patch it takes: a custom resource knows no strategic merge."""
    return MERGE_PATCH if kind == "Rollout" else STRATEGIC_MERGE_PATCH


def _resume(ref: WorkloadRef) -> str:
    if ref["kind"] == "Rollout":
        patch = '{"spec":{"paused":false}}'
        return f"{kubectl(ref)} patch rollouts.argoproj.io {ref['name']} --type merge -p '{patch}'"
    return f"{kubectl(ref)} rollout resume {ref['kind'].lower()}/{ref['name']}"


async def move_job_of(kube: Kube, ref: WorkloadRef, job: Json, to: Move) -> StepResult:
    """A Job that a CronJob made: it goes on where its ServiceAccount stays, else the next one takes its place."""
    part: WorkloadRef = {**ref, "kind": "Job", "name": job["metadata"]["name"]}
    if is_finished("Job", job) or not _keeps_its_name(job, to):
        return {
            "status": "nothing_to_do",
            "detail": f"{describe(part)}: the next run takes its place",
        }
    one = Standing({("Job", part["namespace"], part["name"]): job})
    return await move(kube, part, one, to)


def _keeps_its_name(found: Json, to: Move) -> bool:
    """A Job's template can't be changed; where its ServiceAccount stays, going on is enough."""
    return service_account_of(found["spec"]["template"]["spec"]) == to.service_account


def _moved(ref: WorkloadRef, before: Json, to: Move, written: bool) -> StepResult:
    if not written:
        detail = f"{describe(ref)} runs as {to.service_account} already"
        return {"status": "nothing_to_do", "detail": detail}
    if is_of_another(ref["kind"], before):
        lender = ref.get("template_of", "another")
        restored = move_patches.restored(ref["kind"], before)
        item = {"workload": describe(ref), "template_of": lender, **restored}
        detail = f"{describe(ref)} runs the template of {lender}, which is moved by itself"
        return {"status": "done", "detail": detail, "items": [item]}
    template = template_of(ref["kind"], before)
    old = service_account_of(template["spec"])
    how = f"{old} to {to.service_account}" if old != to.service_account else f"restarted as {old}"
    remarks = [f"{describe(ref)}: {how}", remark(before["metadata"])]
    if not is_injected(template):
        remarks.append(f"Its template lacks the label {USE_LABEL}=true: pods get no identity")
    literals = move_patches.literals(template["spec"], to.old_client_id)
    if ref["hard_coded_client_id"] and not literals:
        remarks.append("Its template sets AZURE_CLIENT_ID, which wins over the ServiceAccount's")
    restored = move_patches.restored(ref["kind"], before)
    if before["spec"].get("updateStrategy", {}).get("type") == "OnDelete" and not restored:
        remarks.append(f"It replaces pods only when they are deleted: {kubectl(ref)} delete pod")
    item = {
        "workload": describe(ref),
        "service_account_before": old,
        "service_account_after": to.service_account,
        "client_id_literals": [
            {"container": one, "before": to.old_client_id, "after": to.new_client_id}
            for one in literals
        ],
        **restored,
    }
    return {"status": "done", "detail": ". ".join(filter(None, remarks)), "items": [item]}


def _made_again(ref: WorkloadRef, found: Json, to: Move) -> StepResult:
    """What can't be changed is a person's to make again; once it is there as it should be, it counts."""
    template = template_of(ref["kind"], found)
    if service_account_of(template["spec"]) == to.service_account and not found["spec"].get(
        "suspend"
    ):
        return {
            "status": "nothing_to_do",
            "detail": f"{describe(ref)} runs as {to.service_account} already",
        }
    if is_finished(ref["kind"], found):
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is over"}
    return _gone(ref, to)


def _gone(ref: WorkloadRef, to: Move) -> StepResult:
    kind = ref["kind"].lower()
    gist = {
        "Pod": "was deleted by the eviction, its spec is among the captured pods",
        "Job": "can't be changed",
    }
    why = gist.get(ref["kind"], "is gone")
    source = f"its source, with serviceAccountName: {to.service_account}"
    again = f"{kubectl(ref)} replace --force -f <{kind}-{ref['name']}.yaml: {source}>"
    return _by_hand(ref, f"{why}: make it again from {source}", again)


def _by_hand(ref: WorkloadRef, why: str, command: str) -> StepResult:
    return {
        "status": "refused",
        "detail": f"{describe(ref)} {why}: {command}",
        "items": [{"workload": describe(ref)}],
        "by_hand": [command],
    }
