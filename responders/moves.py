"""Responder: let a workload run as the successor ServiceAccount.

Stops    new pods from getting the old identity; the rollout replaces those that have it
Leaves   Jobs, CronJobs and bare pods, for which the command is reported; an AZURE_CLIENT_ID that is
         set in the template; RBAC in the cluster, which names the old ServiceAccount
Undo     items: the ServiceAccount before, also in firebreak.dev/previous-service-account
Needs    deployments.apps: get, patch; statefulsets.apps: get, patch; daemonsets.apps: get, patch
Source   https://learn.microsoft.com/azure/aks/workload-identity-overview
         https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#updating-a-deployment
"""

import re

from responders.errors import NotFoundError
from responders.gitops import remark
from responders.kube import STRATEGIC_MERGE_PATCH, Kube
from responders.model import Json, StepResult, WorkloadRef
from responders.workload_objects import (
    INCIDENT,
    PREVIOUS_SERVICE_ACCOUNT,
    REPLICAS,
    USE_LABEL,
    describe,
    is_injected,
    kubectl,
    path,
    service_account_of,
)

_ROLLS_OUT = ("Deployment", "StatefulSet", "DaemonSet")
_REPLICAS = re.compile(r"[0-9]{1,5}")  # whoever may patch the workload can write the annotation


async def move(
    kube: Kube, ref: WorkloadRef, new_service_account: str, incident_id: str
) -> StepResult:
    """Name the successor in the template and bring back the replicas, in one write.

    Safe to repeat. `done` means accepted: whether the pods follow is `is_healthy`'s to say.
    """

    def change(found: Json) -> Json | None:
        return None if _is_paused(found) else _patch(found, new_service_account, incident_id)

    try:
        if ref["kind"] not in _ROLLS_OUT:
            return _report(ref, new_service_account)
        before, written = await kube.update(path(ref), change, content_type=STRATEGIC_MERGE_PATCH)
    except NotFoundError:
        return {
            "status": "refused",
            "detail": f"{describe(ref)} is gone: create it from its source, with "
            f"serviceAccountName: {new_service_account}",
        }
    if _is_paused(before):
        resume = f"{kubectl(ref)} rollout resume {ref['kind'].lower()}/{ref['name']}"
        detail = f"{describe(ref)} is paused: a change would reach no pod. Resume it: {resume}"
        return {"status": "refused", "detail": detail}
    if written:
        return _moved(ref, before, new_service_account)
    detail = f"{describe(ref)} runs as {new_service_account} already"
    return {"status": "nothing_to_do", "detail": detail}


def _patch(found: Json, new_service_account: str, incident_id: str) -> Json | None:
    """What is missing to the wanted state, or None.

    The server copies serviceAccountName into the deprecated `serviceAccount`, and the new field
    wins: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodSpec
    """
    notes = found["metadata"].get("annotations") or {}
    before = service_account_of(found["spec"]["template"]["spec"])
    if before == new_service_account and REPLICAS not in notes:
        return None
    annotations = {REPLICAS: None, INCIDENT: incident_id}
    if before != new_service_account:
        annotations[PREVIOUS_SERVICE_ACCOUNT] = before
    template = {
        "metadata": {"annotations": {INCIDENT: incident_id}},
        "spec": {"serviceAccountName": new_service_account},
    }
    spec: Json = {"template": template}
    if (replicas := _to_restore(found)) is not None:
        spec["replicas"] = replicas
    return {"metadata": {"annotations": annotations}, "spec": spec}


def _moved(ref: WorkloadRef, before: Json, new_service_account: str) -> StepResult:
    template = before["spec"]["template"]
    old = service_account_of(template["spec"])
    remarks = [f"{describe(ref)}: {old} to {new_service_account}", remark(before["metadata"])]
    if ref["hard_coded_client_id"]:
        remarks.append("Its template sets AZURE_CLIENT_ID, which wins over the ServiceAccount's")
    if not is_injected(template):
        remarks.append(f"Its template lacks the label {USE_LABEL}=true: pods get no identity")
    if before["spec"].get("updateStrategy", {}).get("type") == "OnDelete":
        remarks.append(f"It replaces pods only when they are deleted: {kubectl(ref)} delete pod")
    item = {
        "workload": describe(ref),
        "service_account_before": old,
        "service_account_after": new_service_account,
        "replicas_restored": _to_restore(before),
    }
    return {"status": "done", "detail": ". ".join(filter(None, remarks)), "items": [item]}


def _report(ref: WorkloadRef, new_service_account: str) -> StepResult:
    """What has no rollout is a person's to move."""
    how = f"create it again from its source, with serviceAccountName: {new_service_account}"
    if ref["kind"] == "CronJob":
        pod_spec = f'{{"spec":{{"serviceAccountName":"{new_service_account}"}}}}'
        patch = f'{{"spec":{{"jobTemplate":{{"spec":{{"template":{pod_spec}}}}}}}}}'
        how = f"{kubectl(ref)} patch cronjob {ref['name']} --type merge -p '{patch}'"
    detail = f"{describe(ref)} has no rollout. Move it by hand: {how}"
    return {"status": "refused", "detail": detail, "items": [{"workload": describe(ref)}]}


def _is_paused(found: Json) -> bool:
    return bool(found["spec"].get("paused"))


def _to_restore(found: Json) -> int | None:
    """What an eviction wrote down, if it is a number and nobody scaled up since."""
    text = str((found["metadata"].get("annotations") or {}).get(REPLICAS, ""))
    if found["spec"].get("replicas") != 0 or not _REPLICAS.fullmatch(text):
        return None
    return int(text)
