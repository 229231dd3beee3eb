"""Responder: restart whatever in a cluster has ServiceAccount tokens in its pods, whosever it is.

Stops    pods from holding tokens that a rotation of the signing keys made worthless
Leaves   what AKS runs itself, whose tokens kubelet renews; paused and OnDelete workloads, Jobs, bare pods and what a
         controller made that Firebreak does not know: reported, each with its command; tokens in Secrets
Undo     none needed: the template differs by an annotation
Needs    NEEDS, below
Source   https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken
         https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_restart/
         https://argo-rollouts.readthedocs.io/en/stable/features/restart/ (spec.restartAt; it asks budgets itself)
         https://azure.github.io/azure-workload-identity/docs/topics/self-managed-clusters/service-account-key-rotation.html
"""

import asyncio
from typing import Final, TypedDict

from responders.errors import NotFoundError, RefusedError
from responders.inventories import BOTTOM_UP
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, StepResult
from responders.needs import ROLLOUTS, RUNNERS, ClusterNeed, Needs, on_each
from responders.restart_limits import Reported, blocking, unfinished, why_not
from responders.workload_objects import (
    BUILT_IN,
    PLURALS,
    Kind,
    controller_uid,
    is_finished,
)

RESTARTED = "kubectl.kubernetes.io/restartedAt"
_STARTED = ("deployments.apps", "statefulsets.apps", "daemonsets.apps")
NEEDS: Final = Needs(
    cluster=(
        *on_each(
            (*RUNNERS, "pods"),
            ("list",),
            "which pods hold tokens of old keys, and who makes them",
            ("find",),
        ),
        ClusterNeed(
            "poddisruptionbudgets.policy",
            ("list",),
            "how many pods may be away",
            ("find", "restart"),
            wanted=True,
        ),
        *on_each(_STARTED, ("get", "patch"), "restart them", ("restart",)),
        *on_each(_STARTED, ("get",), "whether they are back", ("is_back",)),
        ClusterNeed(ROLLOUTS, ("list",), "Rollouts among them", ("find",), wanted=True),
        ClusterNeed(ROLLOUTS, ("get", "patch"), "restart a Rollout", ("restart",), wanted=True),
        ClusterNeed(ROLLOUTS, ("get",), "whether it is back", ("is_back",), wanted=True),
    ),
)


class Restartable(TypedDict):
    """A workload that is restarted, whoever owns it."""

    kind: Kind
    namespace: str
    name: str
    was_well: bool  # before: what did not run then is restarted and not waited for


class TokenUsers(TypedDict):
    """Everything in a cluster whose pods hold ServiceAccount tokens."""

    restart: list[Restartable]
    report: list[Reported]


async def find(kube: Kube) -> TokenUsers:
    """By the pods that are there: what a webhook projected stands in no template."""
    known: dict[str, tuple[Kind, Json]] = {}
    for kinds in BOTTOM_UP:
        lists = await asyncio.gather(*(_list(kube, kind) for kind in kinds))
        for kind, items in zip(kinds, lists, strict=True):
            known |= {found["metadata"]["uid"]: (kind, found) for found in items}
    tops = {
        _top(uid, known)
        for uid, (kind, found) in known.items()
        if kind == "Pod" and not is_finished("Pod", found) and _has_token(found)
    }
    budgets = await kube.list_all(path_of("poddisruptionbudgets"))
    users: TokenUsers = {"restart": [], "report": []}
    for kind, found in sorted((known[uid] for uid in tops), key=_in_order):
        reported = why_not(kube.cluster, kind, found, budgets)
        if reported is not None:
            users["report"].append(reported)
        else:
            metadata = found["metadata"]
            users["restart"].append(
                {
                    "kind": kind,
                    "namespace": metadata["namespace"],
                    "name": metadata["name"],
                    "was_well": not unfinished(kind, found),
                }
            )
    return users


async def restart(kube: Kube, ref: Restartable, at: str) -> StepResult:
    """Begin a rollout. Safe to repeat with the same `at`. `failed` while a budget allows no disruption."""
    where = f"{kube.cluster} {ref['namespace']} {ref['kind']}/{ref['name']}"

    def change(now: Json) -> Json | None:
        if ref["kind"] == "Rollout":
            return None if now["spec"].get("restartAt") == at else {"spec": {"restartAt": at}}
        notes = (now["spec"]["template"].get("metadata") or {}).get("annotations") or {}
        if notes.get(RESTARTED) == at:
            return None
        return {"spec": {"template": {"metadata": {"annotations": {RESTARTED: at}}}}}

    path = path_of(PLURALS[ref["kind"]], ref["namespace"], ref["name"])
    try:
        found = await kube.get(path)
        if change(found) is None:
            return {"status": "nothing_to_do", "detail": f"{where} was restarted"}
        budgets = await kube.list_all(path_of("poddisruptionbudgets", ref["namespace"]))
        if budget := blocking(ref["kind"], found, budgets):
            detail = f"{where}: PodDisruptionBudget {budget} allows no disruption now"
            return {"status": "failed", "detail": detail}
        before, _ = await kube.update(path, change)
    except NotFoundError:
        return {"status": "nothing_to_do", "detail": f"{where} is gone"}
    old = (before["spec"].get("template") or {}).get("metadata") or {}
    was = before["spec"].get("restartAt") or (old.get("annotations") or {}).get(RESTARTED)
    item = {"workload": where, "restarted_before": was, "restarted": at}
    return {"status": "done", "detail": f"{where}: restarting", "items": [item]}


async def is_back(kube: Kube, ref: Restartable) -> StepResult:
    """Done when the rollout is over, or when it was not well before either."""
    where = f"{kube.cluster} {ref['namespace']} {ref['kind']}/{ref['name']}"
    if not ref["was_well"]:
        return {"status": "done", "detail": f"{where} did not run before either: not waited for"}
    try:
        found = await kube.get(path_of(PLURALS[ref["kind"]], ref["namespace"], ref["name"]))
    except NotFoundError:
        return {"status": "done", "detail": f"{where} is gone"}
    missing = unfinished(ref["kind"], found)
    if missing:
        return {"status": "failed", "detail": f"{where}: not yet: {missing}"}
    return {"status": "done", "detail": f"{where} is back"}


async def _list(kube: Kube, kind: Kind) -> list[Json]:
    """All of a kind. Few clusters have Rollouts; where they may not be read, what they own is reported by itself."""
    try:
        return await kube.list_all(path_of(PLURALS[kind]), keep=_cut)
    except (NotFoundError, RefusedError):
        if kind in BUILT_IN:
            raise
        return []


def _cut(found: Json) -> Json:
    """What is looked at here, so that a big cluster stays small in memory."""
    spec, metadata = found.get("spec") or {}, found["metadata"]
    named = ("uid", "name", "namespace", "ownerReferences", "generation", "labels")
    kept = ("volumes", "replicas", "paused", "updateStrategy", "strategy", "restartAt")
    template = {"metadata": (spec.get("template") or {}).get("metadata") or {}}
    return {
        "metadata": {name: metadata[name] for name in named if name in metadata},
        "spec": {name: spec[name] for name in kept if name in spec} | {"template": template},
        "status": {
            name: value
            for name, value in (found.get("status") or {}).items()
            if name != "containerStatuses"
        },
    }


def _has_token(pod: Json) -> bool:
    return any(
        "serviceAccountToken" in source
        for volume in pod["spec"].get("volumes") or []
        for source in (volume.get("projected") or {}).get("sources") or []
    )


def _top(uid: str, known: dict[str, tuple[Kind, Json]]) -> str:
    """The uid of the outermost controller that is of a kind we know."""
    while (owner := controller_uid(known[uid][1])) in known:
        uid = owner
    return uid


def _in_order(one: tuple[Kind, Json]) -> tuple[str, str, str]:
    return one[0], one[1]["metadata"]["namespace"], one[1]["metadata"]["name"]
