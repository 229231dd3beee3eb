"""Responder: what runs as a ServiceAccount: Deployments, StatefulSets, DaemonSets, Jobs, pods.

Stops    nothing by itself; `scale_to_zero` and `move` are documented in evictions.py and moves.py
Leaves   an AZURE_CLIENT_ID that reaches a pod through `envFrom` is not seen
Undo     none needed
Needs    deployments.apps: list; statefulsets.apps: list; daemonsets.apps: list;
         replicasets.apps: list; jobs.batch: list; cronjobs.batch: list; pods: list
Source   https://kubernetes.io/docs/concepts/workloads/
"""

import asyncio

from responders.evictions import is_stopped, scale_to_zero
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, ServiceAccountRef, WorkloadRef
from responders.moves import move
from responders.pod_captures import capture
from responders.rollouts import is_healthy
from responders.workload_objects import (
    PLURALS,
    Kind,
    controller_uid,
    is_finished,
    ref_of,
    service_account_of,
    template_of,
)

__all__ = ["capture", "find", "is_healthy", "is_stopped", "move", "scale_to_zero"]


# Owners after what they own: while something rolls out, whatever a list shows has an owner in a later one.
_BOTTOM_UP: tuple[tuple[Kind, ...], ...] = (
    ("Pod",),
    ("ReplicaSet", "Job", "StatefulSet", "DaemonSet"),
    ("Deployment", "CronJob"),
)


async def find(kube: Kube, service_account: ServiceAccountRef) -> list[WorkloadRef]:
    """Whatever runs, or would next run, as this ServiceAccount.

    By the name in the template, and by the pods that are there: during a rollout a pod's owner may
    already name another account. Pods, ReplicaSets and Jobs are folded into what controls them; one
    whose controller is of a kind that Firebreak doesn't know is reported itself, never dropped.
    """
    namespace, name = service_account["namespace"], service_account["name"]
    known: dict[str, tuple[Kind, Json]] = {}
    for kinds in _BOTTOM_UP:
        lists = await asyncio.gather(
            *(kube.list_all(path_of(PLURALS[kind], namespace)) for kind in kinds)
        )
        for kind, items in zip(kinds, lists, strict=True):
            known |= {found["metadata"]["uid"]: (kind, found) for found in items}
    tops = set()
    for uid, (kind, found) in known.items():
        runs_as_it = service_account_of(template_of(kind, found)["spec"]) == name
        # The template of an old ReplicaSet says nothing: its pods do, if it has any.
        counts = kind == "Pod" or controller_uid(found) not in known
        if runs_as_it and counts and not is_finished(kind, found):
            tops.add(_top(uid, known))
    refs = [ref_of(kube.cluster, *known[uid], name) for uid in tops]
    return sorted(refs, key=lambda ref: (ref["kind"], ref["name"]))


def _top(uid: str, known: dict[str, tuple[Kind, Json]]) -> str:
    """The uid of the outermost controller that is of a kind we know."""
    while (owner := controller_uid(known[uid][1])) in known:
        uid = owner
    return uid
