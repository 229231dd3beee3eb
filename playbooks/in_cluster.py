"""What the steps that act in one cluster share: its part of the plan, a connection, one answer out of many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from playbooks import plans
from playbooks.journaled import Keeping, Work, as_data, perform
from playbooks.orders import Json, Order, folder
from playbooks.plan_files import plan_of
from playbooks.settling import GOOD
from responders import clusters
from responders.evidence import digest
from responders.kube import Kube
from responders.model import ClusterRef, Incident, ServiceAccountRef, StepResult

_WORST = ("failed", "refused", "planned", "done", "nothing_to_do")
Act = Callable[[Work, Kube, plans.ClusterPlan], Awaitable[Json]]


async def in_cluster(step: str, order: Order, act: Act, *, acts: bool = False) -> Json:
    """Connect to the order's cluster and act on its part of the plan. `acts`: it changes something there.

    What was changed is kept as evidence, object by object; Durable's history gets the sentence alone.
    """
    cluster = order["cluster"]
    key = digest(cluster["resource_id"].lower().encode())[:8]
    keeping = Keeping(f"recovery/{step}-{cluster['name']}-{key}") if acts else None

    async def connected(work: Work) -> Json:
        part = next(
            one
            for one in plan_of(work.store, order["incident"])["clusters"]
            if one["survey"]["cluster"]["resource_id"] == cluster["resource_id"]
        )
        return await act(work, await clusters.connect(work.cloud, cluster), part)

    answer = await perform(
        step, order, connected, target=cluster["name"], acts=acts, keeping=keeping
    )
    return {name: value for name, value in answer.items() if name != "items"}


async def each(answers: Iterable[Awaitable[StepResult]]) -> Json:
    """All side by side, none stopped by another; the whole is as good as its worst part."""
    return whole(await asyncio.gather(*(as_data(answer) for answer in answers)))


def whole(results: Sequence[Mapping[str, Any]]) -> Json:
    """One answer out of many. `by_hand_only`: what is not done is a person's, and no step could ever do it."""
    open_ = [one for one in results if one["status"] not in GOOD]
    # What is done is in the evidence; where something is not, a person reads about that alone.
    said = [str(one["detail"]).rstrip(".") for one in open_ or results if one.get("detail")]
    commands = [command for one in results for command in one.get("by_hand") or []]
    return {
        "status": min(
            (one["status"] for one in results), key=_WORST.index, default="nothing_to_do"
        ),
        "detail": "; ".join(said),
        "items": [dict(one) for one in results],
        "retry": any(one.get("retry") for one in results),
        "final": any(one.get("final") for one in results),
        "by_hand": list(dict.fromkeys(commands)),
        "by_hand_only": bool(open_)
        and all(one["status"] == "refused" and "by_hand" in one for one in open_),
    }


def pods_path(incident: Incident, cluster: ClusterRef) -> str:
    """Where the pods lie that were captured in this cluster."""
    key = digest(cluster["resource_id"].lower().encode())[:8]
    return f"{folder(incident)}/pods/{cluster['name']}-{key}.json"


def successor_of(plan: plans.ClusterPlan, old: ServiceAccountRef) -> str:
    """The new name, or "none": what was made inside the window is retired without a successor."""
    return plan["new_names"].get(f"{old['namespace']}/{old['name']}", "none")
