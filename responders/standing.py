"""How the workloads of a plan stand in one cluster right now: each kind of each namespace listed once.

Needs    NEEDS, below
Source   https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/

By namespace, so that rights in these namespaces are enough. Owners are listed after what they own: while something
rolls out, whatever a list shows has an owner in a later one. A namespace may hold thousands of pods of others: what
nobody asks for is dropped as the pages arrive, and of pods that are only judged the rest of the spec.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from responders.inventories import BOTTOM_UP
from responders.kube import Cut, Kube
from responders.kube_requests import path_of
from responders.model import Json, WorkloadRef
from responders.needs import ROLLOUTS, RUNNERS, ClusterNeed, Needs, on_each
from responders.workload_objects import CLIENT_ID_VARIABLE, PLURALS, Kind, controller_uid

_MIDDLE: dict[Kind, Kind] = {
    "Deployment": "ReplicaSet",
    "Rollout": "ReplicaSet",
    "CronJob": "Job",
}
NEEDS: Final = Needs(
    cluster=(
        *on_each((*RUNNERS, "pods"), ("list",), "how workloads stand right now"),
        ClusterNeed(ROLLOUTS, ("list",), "how Rollouts stand", wanted=True),
    ),
)


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
    """The named workloads whole, and with `pods` what is judged of what they own. A list that can't be read raises."""
    asked = {(one["kind"], one["namespace"], one["name"]) for one in refs}
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
            *(
                kube.list_all(path_of(PLURALS[kind], space), keep=_cut(kind, space, asked))
                for kind, space in here
            )
        )
        for (kind, space), items in zip(here, lists, strict=True):
            objects |= {(kind, space, one["metadata"]["name"]): one for one in items}
    return Standing(objects)


async def whole_pods(kube: Kube, refs: Sequence[WorkloadRef]) -> list[tuple[WorkloadRef, Json]]:
    """Every pod of these workloads as it is, with all that it says."""
    now = await read(kube, refs, pods=True)
    owners = {pod["metadata"]["uid"]: ref for ref in refs for pod in now.pods_of(ref)}

    def ours(pod: Json) -> Json | None:
        return pod if pod["metadata"]["uid"] in owners else None

    spaces = sorted({ref["namespace"] for ref in owners.values()})
    lists = await asyncio.gather(
        *(kube.list_all(path_of("pods", space), keep=ours) for space in spaces)
    )
    return [(owners[pod["metadata"]["uid"]], pod) for items in lists for pod in items]


def _cut(kind: Kind, space: str, asked: set[tuple[Kind, str, str]]) -> Cut:
    """What is kept of each item: what is named whole, what something owns as far as it is judged, nothing else."""
    owned = {"Pod": _judged, "ReplicaSet": _counted, "Job": dict}.get(kind)

    def cut(found: Json) -> Json | None:
        if (kind, space, found["metadata"]["name"]) in asked:
            return found
        if owned is None or controller_uid(found) is None:
            return None
        return owned(found)

    return cut


def _counted(found: Json) -> Json:
    spec, status = found["spec"], found.get("status") or {}
    return {
        "metadata": _metadata(found["metadata"]),
        "spec": {name: spec[name] for name in ("replicas",) if name in spec},
        "status": {"conditions": status.get("conditions") or []},
    }


def _judged(pod: Json) -> Json:
    """Whose it is, whose identity it has, and whether it runs."""
    spec, status = pod["spec"], pod.get("status") or {}
    kept: Json = {
        name: spec[name] for name in ("serviceAccountName", "serviceAccount") if name in spec
    }
    for part in ("initContainers", "containers"):
        kept[part] = [_container(one) for one in spec.get(part) or []]
    states = [
        {"name": one["name"], "state": one.get("state") or {}}
        for one in status.get("containerStatuses") or []
    ]
    return {
        "metadata": _metadata(pod["metadata"]),
        "spec": kept,
        "status": {"phase": status.get("phase"), "containerStatuses": states},
    }


def _container(container: Json) -> Json:
    variables = container.get("env") or []
    telling = [one for one in variables if one.get("name") == CLIENT_ID_VARIABLE]
    return {"name": container["name"], "env": telling}


def _metadata(metadata: Json) -> Json:
    return {
        name: value for name, value in metadata.items() if name not in {"managedFields", "labels"}
    }
