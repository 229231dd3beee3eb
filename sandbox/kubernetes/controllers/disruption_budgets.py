"""The disruption controller: how many pods of a budget may go, counted anew after every change.

Left out    pods that were let go but stay: here a pod that may be evicted is being deleted at once
Source      https://kubernetes.io/docs/tasks/run-application/configure-pdb/
"""

import math
from typing import TYPE_CHECKING

from sandbox.kubernetes import events, evictions, selectors
from sandbox.kubernetes.controllers import ownership
from sandbox.kubernetes.kinds import stored
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = stored("poddisruptionbudgets")


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """Write what the budget allows now."""
    budget = cluster.store.get(KIND, namespace, name)
    if budget is None:
        return
    pods = _pods(cluster, budget)
    wanted = _wanted(cluster, budget, pods)
    if wanted is None:
        text = "found no controllers for pod, or one that can't be scaled"
        events.emit(cluster, KIND, budget, "Warning", "CalculateExpectedPodCountFailed", text)
        _report(cluster, budget, pods, 0, 0, failed=text)
        return
    expected, desired = wanted
    _report(cluster, budget, pods, expected, desired)


def sync_pod(cluster: "Cluster", namespace: str, name: str) -> None:
    """A pod changed: its budgets count anew; where it is gone, those of its namespace."""
    pod = cluster.store.look(ownership.PODS, namespace, name)
    counting = evictions.of_pod(cluster, pod) if pod else cluster.store.peek(KIND, namespace)
    for budget in counting:
        cluster.reactor.enqueue(KIND, namespace, budget["metadata"]["name"])


def _pods(cluster: "Cluster", budget: Json) -> list[Json]:
    selector = budget["spec"].get("selector")
    if selector is None:
        return []
    matches = selectors.by_object(selector)
    namespace = budget["metadata"]["namespace"]
    return [
        pod
        for pod in cluster.store.peek(ownership.PODS, namespace)
        if matches(pod["metadata"].get("labels", {}))
    ]


def _wanted(cluster: "Cluster", budget: Json, pods: list[Json]) -> tuple[int, int] | None:
    """Expected and desired pods; None where their owners' sizes are needed and not to be had."""
    spec = budget["spec"]
    least = spec.get("minAvailable")
    if isinstance(least, int):
        return len(pods), least
    expected = _scale(cluster, pods)
    if expected is None:
        return None
    if least is not None:
        return expected, _part(least, expected)
    return expected, max(expected - _part(spec.get("maxUnavailable", 0), expected), 0)


def _part(share: int | str, whole: int) -> int:
    return share if isinstance(share, int) else math.ceil(int(share.rstrip("%")) * whole / 100)


def _scale(cluster: "Cluster", pods: list[Json]) -> int | None:
    """How many pods the controllers of these pods are asked for together."""
    sizes: dict[str, int] = {}
    for pod in pods:
        owner = ownership.top(cluster, pod)
        if owner is None or "scale" not in owner[0].subresources:
            return None
        sizes[owner[1]["metadata"]["uid"]] = owner[1]["spec"].get("replicas", 0)
    return sum(sizes.values())


def _report(
    cluster: "Cluster",
    budget: Json,
    pods: list[Json],
    expected: int,
    desired: int,
    *,
    failed: str = "",
) -> None:
    before = budget["status"]
    living = {
        pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp")
    }
    disrupted = {
        name: since for name, since in before.get("disruptedPods", {}).items() if name in living
    }
    healthy = sum(
        1
        for pod in pods
        if pod["metadata"]["name"] in living - disrupted.keys() and ownership.is_ready(pod)
    )
    allowed = max(healthy - desired, 0) if expected > 0 and not failed else 0
    found = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    if failed:
        found = ("False", "SyncFailed")
    condition = ownership.condition(cluster, before, "DisruptionAllowed", *found, failed)
    condition["observedGeneration"] = budget["metadata"]["generation"]
    status: Json = {
        "observedGeneration": budget["metadata"]["generation"],
        **({"disruptedPods": disrupted} if disrupted else {}),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": [condition],
    }
    ownership.set_status(cluster, KIND, budget, status)
