"""How the workloads of a plan stand in one cluster right now: each kind of each namespace listed once.

Needs    deployments.apps: list; statefulsets.apps: list; daemonsets.apps: list; replicasets.apps: list;
         jobs.batch: list; cronjobs.batch: list; pods: list
Source   https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/

By namespace, so that rights in these namespaces are enough. Owners are listed after what they own: while something
rolls out, whatever a list shows has an owner in a later one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from responders.inventories import BOTTOM_UP
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, WorkloadRef
from responders.workload_objects import PLURALS, Kind, controller_uid

_MIDDLE: dict[Kind, Kind] = {"Deployment": "ReplicaSet", "CronJob": "Job"}


@dataclass(frozen=True, slots=True)
class Standing:
    """The objects as they are, and who belongs to whom by uid: labels can be forged."""

    objects: dict[tuple[Kind, str, str], Json] = field(default_factory=dict)

    def of(self, ref: WorkloadRef) -> Json | None:
        """The object that a plan names; None where it is gone."""
        return self.objects.get((ref["kind"], ref["namespace"], ref["name"]))

    def below(self, ref: WorkloadRef, kind: Kind) -> list[Json]:
        """Its ReplicaSets, or the Jobs of a CronJob."""
        found = self.of(ref)
        return [] if found is None else self._owned({found["metadata"]["uid"]}, kind, ref)

    def pods_of(self, ref: WorkloadRef) -> list[Json]:
        """Its pods, terminating ones included."""
        found = self.of(ref)
        if found is None:
            return []
        if ref["kind"] == "Pod":
            return [found]
        owners = {found["metadata"]["uid"]}
        if middle := _MIDDLE.get(ref["kind"]):
            owners |= {one["metadata"]["uid"] for one in self.below(ref, middle)}
        return self._owned(owners, "Pod", ref)

    def _owned(self, owners: set[str], kind: Kind, ref: WorkloadRef) -> list[Json]:
        return [
            one
            for (of_kind, namespace, _), one in self.objects.items()
            if of_kind == kind and namespace == ref["namespace"] and controller_uid(one) in owners
        ]


async def read(kube: Kube, refs: Sequence[WorkloadRef], *, pods: bool = False) -> Standing:
    """The named workloads, and with `pods` all that they own. A list that can't be read raises."""
    named: set[tuple[Kind, str]] = {(one["kind"], one["namespace"]) for one in refs}
    # The Jobs of a CronJob are stopped one by one, so these are read in any case.
    places = named | {
        (_MIDDLE[kind], space)
        for kind, space in named
        if kind in _MIDDLE and (pods or kind == "CronJob")
    }
    if pods:
        places |= {("Pod", space) for _, space in named}
    objects: dict[tuple[Kind, str, str], Json] = {}
    for kinds in BOTTOM_UP:
        here = sorted(one for one in places if one[0] in kinds)
        lists = await asyncio.gather(
            *(kube.list_all(path_of(PLURALS[kind], space)) for kind, space in here)
        )
        for (kind, space), items in zip(here, lists, strict=True):
            objects |= {(kind, space, one["metadata"]["name"]): one for one in items}
    return Standing(objects)
