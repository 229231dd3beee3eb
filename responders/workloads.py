"""Responder: what runs as a ServiceAccount: Deployments, StatefulSets, DaemonSets, Jobs, pods.

Stops    nothing
Leaves   a client id that reaches the program by other ways than its environment and arguments is not seen
Undo     none needed
Needs    what inventories.py needs
Source   https://kubernetes.io/docs/concepts/workloads/
"""

from collections.abc import Sequence

from responders.inventories import BOTTOM_UP, Inventory
from responders.model import Json, ServiceAccountRef, WorkloadRef
from responders.pod_captures import capture
from responders.workload_facts import Facts
from responders.workload_objects import (
    PLURALS,
    Kind,
    controller_uid,
    is_finished,
    ref_of,
    service_account_of,
    template_of,
)

__all__ = ["capture", "find"]


def find(inventory: Inventory, accounts: Sequence[ServiceAccountRef]) -> list[WorkloadRef]:
    """Whatever runs, or would next run, as one of these ServiceAccounts.

    By the name in the template, and by the pods that are there: during a rollout a pod's owner may
    already name another account. Pods, ReplicaSets and Jobs are folded into what controls them; one
    whose controller is of a kind that Firebreak doesn't know is reported itself, never dropped.
    """
    known = everything(inventory)
    wanted = {(one["namespace"], one["name"]): one for one in accounts}
    tops: dict[tuple[str, str], dict[str, list[Json]]] = {place: {} for place in wanted}
    for uid, (kind, found) in known.items():
        place = (found["metadata"]["namespace"], account_of(kind, found))
        # The template of an old ReplicaSet says nothing: its pods do, if it has any.
        counts = kind == "Pod" or top_of(uid, known) == uid
        if place in wanted and counts and not is_finished(kind, found):
            tops[place].setdefault(top_of(uid, known), []).append(found)
    facts = Facts.of(inventory)
    refs = []
    for place, account in wanted.items():
        for uid, its in tops[place].items():
            kind, found = known[uid]
            ref = ref_of(inventory.cluster, kind, found, account["name"])
            pods = [one for one in its if one is not found]
            refs.append(facts.added(ref, found, pods))
    return sorted(
        refs, key=lambda ref: (ref["namespace"], ref["service_account"], ref["kind"], ref["name"])
    )


def everything(inventory: Inventory) -> dict[str, tuple[Kind, Json]]:
    """All that runs or makes something run, by uid."""
    return {
        found["metadata"]["uid"]: (kind, found)
        for kinds in BOTTOM_UP
        for kind in kinds
        for found in inventory.of(PLURALS[kind])
    }


def account_of(kind: Kind, found: Json) -> str:
    """The ServiceAccount that its pods run as."""
    return service_account_of(template_of(kind, found)["spec"])


def top_of(uid: str, known: dict[str, tuple[Kind, Json]]) -> str:
    """The uid of the outermost controller, in the same namespace, that is of a kind we know.

    Whoever may write an object can name any owner: one of another namespace, which Kubernetes heeds as little, or
    owners in a circle, which then own nothing.
    https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
    """
    seen = [uid]
    while (owner := controller_uid(known[seen[-1]][1])) in known:
        if owner in seen:
            return uid
        if _namespace(known[owner]) != _namespace(known[uid]):
            break
        seen.append(owner)
    return seen[-1]


def _namespace(one: tuple[Kind, Json]) -> object:
    return one[1]["metadata"]["namespace"]
