"""What the steps that act in one cluster share: its part of the plan, a connection, one answer out of many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from playbooks import plans
from playbooks.journaled import Work, as_data, perform
from playbooks.orders import Json, Order, folder
from responders import clusters
from responders.evidence import EvidenceStore
from responders.kube import Kube
from responders.model import Incident, ServiceAccountRef, StepResult

Act = Callable[[Work, Kube, plans.ClusterPlan], Awaitable[Json]]


async def in_cluster(step: str, order: Order, act: Act, *, acts: bool = False) -> Json:
    """Connect to the order's cluster and act on its part of the plan. `acts`: it changes something there."""
    cluster = order["cluster"]

    async def connected(work: Work) -> Json:
        part = next(
            one
            for one in plan_of(work.store, order["incident"])["clusters"]
            if one["survey"]["cluster"]["resource_id"] == cluster["resource_id"]
        )
        return await act(work, await clusters.connect(work.cloud, cluster), part)

    return await perform(step, order, connected, target=cluster["name"], acts=acts)


async def each(answers: Iterable[Awaitable[StepResult]]) -> Json:
    """All side by side, none stopped by another; the whole is as good as its worst part."""
    worst = ("failed", "refused", "planned", "done", "nothing_to_do")
    results = await asyncio.gather(*(as_data(answer) for answer in answers))
    said = [result["detail"].rstrip(".") for result in results if result.get("detail")]
    return {
        "status": min((one["status"] for one in results), key=worst.index, default="nothing_to_do"),
        "detail": "; ".join(said),
        "items": results,
        "retry": any(one.get("retry") for one in results),
    }


def plan_of(store: EvidenceStore, incident: Incident) -> plans.Plan:
    """The plan that a person agreed to."""
    plan: plans.Plan = store.get_json(f"{folder(incident)}/plan.json")
    return plan


def successor_of(plan: plans.ClusterPlan, old: ServiceAccountRef) -> str:
    """The new name, or "none": what was made inside the window is retired without a successor."""
    return plan["new_names"].get(f"{old['namespace']}/{old['name']}", "none")
