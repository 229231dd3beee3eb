"""Responder: pods as they are, and their last words, before an eviction destroys both.

Stops    nothing
Leaves   what only the node has: memory, files in the containers, network connections
Undo     none needed
Needs    NEEDS below; what standing.py needs
Source   https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod

Tokens and passwords are cut out of specs and logs, as far as they can be told by their looks or by
the name of their variable: the evidence store still has to be guarded like the cluster.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from responders import standing
from responders.errors import ResponderError
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, WorkloadRef
from responders.needs import ClusterNeed, Needs
from responders.redaction import scrub_document
from responders.workload_objects import containers_of, describe

LINES = 500  # of each container
_BYTES = 1_048_576  # of each container: one endless line can't fill the evidence store
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_AT_ONCE = 4  # an eviction waits for this; more would crowd out the other clusters' threads
NEEDS: Final = Needs(
    cluster=(ClusterNeed("pods/log", ("get",), "what a container said, as evidence"),),
)


async def capture(kube: Kube, refs: Sequence[WorkloadRef]) -> list[Json]:
    """Every pod of these workloads: metadata, spec, status, and the end of every log.

    A log that can't be read is a named gap: it must not hold up the eviction. A list that can't be
    read is an error, because no pods and no answer look the same.
    """
    limit = asyncio.Semaphore(_AT_ONCE)
    pods = await standing.whole_pods(kube, refs)
    return list(await asyncio.gather(*(_capture(kube, limit, ref, pod) for ref, pod in pods)))


async def _capture(kube: Kube, limit: asyncio.Semaphore, ref: WorkloadRef, pod: Json) -> Json:
    wanted = [
        (container["name"], previous)
        for container in containers_of(pod["spec"])
        for previous in ((False, True) if _restarted(pod, container["name"]) else (False,))
    ]
    logs = await asyncio.gather(*(_log(kube, limit, pod, *one) for one in wanted))
    kept = {part: pod.get(part) for part in ("metadata", "spec", "status")}
    # The last applied manifest repeats the spec, inside one long text.
    (kept["metadata"] or {}).get("annotations", {}).pop(_LAST_APPLIED, None)
    captured = {"cluster": kube.cluster, "workload": describe(ref), **kept, "logs": list(logs)}
    return dict(scrub_document(captured))


async def _log(
    kube: Kube, limit: asyncio.Semaphore, pod: Json, container: str, previous: bool
) -> Json:
    metadata = pod["metadata"]
    query = {
        "container": container,
        "tailLines": str(LINES),
        "limitBytes": str(_BYTES),
        "timestamps": "true",
    }
    if previous:
        query["previous"] = "true"
    which = {"container": container, "previous": previous}
    try:
        async with limit:
            log = path_of("pods", metadata["namespace"], metadata["name"], "log")
            return {**which, "text": await kube.get_text(log, query), "gap": None}
    except ResponderError as error:
        return {**which, "text": None, "gap": str(error)}


def _restarted(pod: Json, container: str) -> bool:
    """Whether there is a log of an earlier run: a crash is often the moment of break-in."""
    status: Json = pod.get("status") or {}
    both = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return any(one["name"] == container and one.get("restartCount", 0) > 0 for one in both)
