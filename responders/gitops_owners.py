"""Responder: ask the GitOps controllers that own an object to wait, while its cluster is recovered.

Stops    a Flux Kustomization or HelmRelease from writing anything; an Argo CD application from syncing by itself
Leaves   all that it had written before; a release that Helm alone made, which no controller puts back; people who sync
         by hand
Undo     `resume`; items: what was set before, on the owner firebreak.dev/previous-suspend or
         firebreak.dev/previous-sync-policy; `by_hand` has the command with which a person lets it go on
Needs    NEEDS, below
Source   https://fluxcd.io/flux/components/kustomize/kustomizations/#suspend
         https://fluxcd.io/flux/components/helm/helmreleases/#suspend
         https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/
"""

import json
from collections.abc import Iterable
from typing import Final

from responders.errors import NotFoundError
from responders.kube import Change, Kube
from responders.kube_requests import path_of
from responders.model import GitOpsOwner, Json, StepResult
from responders.needs import GITOPS, SUSPENDING, ClusterNeed, Needs
from responders.workload_objects import INCIDENT, SUSPEND

SYNC_POLICY = "firebreak.dev/previous-sync-policy"  # of an Argo CD application, as JSON
_FLUX = {
    "Flux Kustomization": ("kustomizations", "kustomization"),
    "Flux HelmRelease": ("helmreleases", "helmrelease"),
}
_RESOURCES = {
    "Flux Kustomization": "kustomizations.kustomize.toolkit.fluxcd.io",
    "Flux HelmRelease": "helmreleases.helm.toolkit.fluxcd.io",
    "Argo CD application": "applications.argoproj.io",
}
_ARGO_NAMESPACE = "argocd"  # where applications are, unless their mark says otherwise
_BY = ("_suspend_flux", "_stop_sync", "resume")
NEEDS: Final = Needs(
    cluster=(
        *(
            ClusterNeed(
                one,
                ("get", "patch"),
                "ask a controller to wait, and to go on",
                _BY,
                only_with=SUSPENDING,
            )
            for one in GITOPS
        ),
    ),
)


def distinct(owners: Iterable[GitOpsOwner | None]) -> list[GitOpsOwner]:
    """Each controller object once: many workloads have the same."""
    found = {(one["controller"], one["namespace"], one["name"]): one for one in owners if one}
    return [found[key] for key in sorted(found, key=str)]


async def suspend(kube: Kube, owner: GitOpsOwner, incident_id: str) -> StepResult:
    """Let it write nothing until a person says so. Safe to repeat; one that waits already is left as it is."""
    where = f"{kube.cluster} {owner['controller']} {owner['namespace'] or ''}/{owner['name']}"
    if owner["controller"] == "Helm release":
        return {"status": "nothing_to_do", "detail": f"{where}: no controller puts it back"}
    if not owner["name"] or (owner["namespace"] is None and owner["controller"] in _FLUX):
        detail = f"{where}: its mark ({owner['mark']}) does not say which one it is"
        return {"status": "refused", "detail": detail}
    try:
        if owner["controller"] in _FLUX:
            return await _suspend_flux(kube, owner, where, incident_id)
        return await _stop_sync(kube, owner, where, incident_id)
    except NotFoundError:
        return {"status": "nothing_to_do", "detail": f"{where} is not there"}


def needed(owners: Iterable[GitOpsOwner]) -> list[tuple[str, str, str]]:
    """(verb, resource, namespace) of what asking these to wait takes; those that can't be asked need none."""
    return [
        (verb, _RESOURCES[one["controller"]], one["namespace"] or _ARGO_NAMESPACE)
        for one in owners
        if one["controller"] in _RESOURCES and one["name"]
        for verb in ("get", "patch")
    ]


async def resume(kube: Kube, owner: GitOpsOwner, incident_id: str, *, told: bool) -> StepResult:
    """Let it write again, if this incident made it wait and it has nothing to put back. Safe to repeat.

    Argo CD goes on comparing while it does not sync, so "Synced" says that Git holds what was changed. Flux says
    nothing while it is suspended: `told` is a person's word for it.
    """
    where = f"{kube.cluster} {owner['controller']} {owner['namespace'] or ''}/{owner['name']}"
    if owner["controller"] not in _RESOURCES or not owner["name"]:
        return {"status": "nothing_to_do", "detail": f"{where} was not asked to wait"}
    place, change = back(owner, incident_id)
    try:
        now = await kube.get(place)
        if change(now) is None:
            return {"status": "nothing_to_do", "detail": f"{where} does not wait for this incident"}
        if not told and not _is_synced(owner, now):
            command = _go_on(kube.cluster, owner, now)
            detail = f"{where} waits until Git holds the patch, then: {command}"
            return {"status": "refused", "detail": detail, "by_hand": [command]}
        await kube.update(place, change, known=now)
    except NotFoundError:
        return {"status": "nothing_to_do", "detail": f"{where} is not there"}
    item = {"owner": where, "waits_before": True, "waits_after": False}
    return {"status": "done", "detail": f"{where} goes on", "items": [item]}


def _is_synced(owner: GitOpsOwner, now: Json) -> bool:
    # https://argo-cd.readthedocs.io/en/stable/user-guide/diffing/
    sync = (now.get("status") or {}).get("sync") or {}
    return owner["controller"] not in _FLUX and sync.get("status") == "Synced"


def _go_on(cluster: str, owner: GitOpsOwner, now: Json) -> str:
    """The command with which a person lets it go on."""
    if owner["controller"] in _FLUX:
        _, noun = _FLUX[owner["controller"]]
        return f"flux resume {noun} {owner['name']} --namespace {owner['namespace']} --context {cluster}"
    notes = now["metadata"].get("annotations") or {}
    automated = json.loads(str(notes.get(SYNC_POLICY) or "null"))
    return _sync_again(cluster, owner, automated)


def back(owner: GitOpsOwner, incident_id: str) -> tuple[str, Change]:
    """Where it is, and what lets it write again as it did before this incident."""
    flux = _FLUX.get(owner["controller"])
    namespace = owner["namespace"] or _ARGO_NAMESPACE

    def change(now: Json) -> Json | None:
        notes = now["metadata"].get("annotations") or {}
        if notes.get(INCIDENT) != incident_id:
            return None
        gone = {SUSPEND: None, SYNC_POLICY: None, INCIDENT: None}
        if flux is not None:
            return {"metadata": {"annotations": gone}, "spec": {"suspend": False}}
        automated = json.loads(str(notes.get(SYNC_POLICY) or "null"))
        return {
            "metadata": {"annotations": gone},
            "spec": {"syncPolicy": {"automated": automated}},
        }

    return path_of(flux[0] if flux else "applications", namespace, owner["name"]), change


async def _suspend_flux(kube: Kube, owner: GitOpsOwner, where: str, incident_id: str) -> StepResult:
    plural, _ = _FLUX[owner["controller"]]

    def change(now: Json) -> Json | None:
        if now["spec"].get("suspend"):
            return None
        notes = {SUSPEND: "false", INCIDENT: incident_id}
        return {"metadata": {"annotations": notes}, "spec": {"suspend": True}}

    place = path_of(plural, owner["namespace"], owner["name"])
    before, written = await kube.update(place, change)
    resume = _go_on(kube.cluster, owner, before)
    item = {"owner": where, "suspend_before": False, "suspend_after": True}
    return _answer(where, item, resume, written=written)


async def _stop_sync(kube: Kube, owner: GitOpsOwner, where: str, incident_id: str) -> StepResult:
    namespace = owner["namespace"] or _ARGO_NAMESPACE
    before: Json = {}

    def change(now: Json) -> Json | None:
        automated = (now["spec"].get("syncPolicy") or {}).get("automated")
        before["automated"] = automated
        if automated is None:
            return None
        notes = {SYNC_POLICY: json.dumps(automated, sort_keys=True), INCIDENT: incident_id}
        return {
            "metadata": {"annotations": notes},
            "spec": {"syncPolicy": {"automated": None}},
        }

    place = path_of("applications", namespace, owner["name"])
    _, written = await kube.update(place, change)
    resume = _sync_again(kube.cluster, owner, before["automated"])
    item = {"owner": where, "automated_before": before["automated"], "automated_after": None}
    return _answer(where, item, resume, written=written)


def _sync_again(cluster: str, owner: GitOpsOwner, automated: object) -> str:
    policy = json.dumps({"spec": {"syncPolicy": {"automated": automated}}})
    namespace = owner["namespace"] or _ARGO_NAMESPACE
    return (
        f"kubectl --context {cluster} -n {namespace} patch applications.argoproj.io {owner['name']} "
        f"--type merge -p '{policy}'"
    )


def _answer(where: str, item: Json, resume: str, *, written: bool) -> StepResult:
    if not written:
        return {"status": "nothing_to_do", "detail": f"{where} writes nothing by itself already"}
    return {
        "status": "done",
        "detail": f"{where} waits until a person lets it go on: {resume}",
        "items": [item],
        "by_hand": [resume],
    }
