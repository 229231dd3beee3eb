"""Steps of stale_tokens: workloads whose pods go by something old, started anew, and waited for."""

import asyncio

import azure.durable_functions as df

from playbooks.alerts import stale_pods
from playbooks.alerts.stale_pods import Stale
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import must_be_free, perform
from playbooks.runs.model import RunOrder
from playbooks.troubleshooting.model import counted
from responders import clusters, restart_limits, restarts
from responders.errors import NotFoundError, RefusedError, ResponderError
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Change, ClusterRef, Principal
from responders.restarts import Restartable
from responders.workload_objects import PLURALS

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def restart_stale_pods(order: RunOrder) -> Json:
    """Act: a rollout of each, as far as budgets and the policy's number let it. Safe to repeat."""

    async def act(work: Work) -> Json:
        kept = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
        most = order["policy"]["troubleshooting"]["most_restarts_per_run"]
        changes: list[Change] = []
        refused: list[str] = []
        begun: list[Json] = []
        for facts in kept["seen"]:
            for one in stale_pods.of(facts):
                try:
                    if len(begun) >= most:
                        raise RefusedError(f"more than {most} restarts: {one['by_hand']}")
                    ref = await _restart(work, order, facts["cluster"], one, _principal(facts))
                except ResponderError as problem:
                    refused.append(str(problem))
                    continue
                changes.append(_change(facts["cluster"], one))
                begun.append({"cluster": facts["cluster"], "ref": ref})
        return {
            "status": "done" if begun or not refused else "refused",
            "detail": f"{counted(len(begun), 'workload')} restarted, {len(refused)} not",
            "changes": changes,
            "refused": refused,
            "begun": begun,
        }

    return await perform("restart_stale_pods", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def see_pods_back(order: RunOrder) -> Json:
    """Read: whether each rollout is over; `waiting` names those that are not."""

    async def act(work: Work) -> Json:
        waiting = []
        for one in order["facts"]["begun"]:
            kube = await clusters.connect(work.cloud, one["cluster"])
            seen = await restarts.is_back(kube, one["ref"])
            if seen["status"] != "done":
                waiting.append(seen.get("detail", ""))
        return {
            "status": "done",
            "detail": "; ".join(waiting) or "all are back",
            "waiting": waiting,
        }

    return await perform("see_pods_back", order, act)


def _principal(facts: Json) -> Principal:
    identity = facts["identity"]
    if identity is None or identity["principal"] is None:
        raise RefusedError(
            "whose identity its pods have is not known, so nobody can say whether it may be touched"
        )
    found: Principal = identity["principal"]
    return found


async def _restart(
    work: Work, order: RunOrder, cluster: ClusterRef, one: Stale, principal: Principal
) -> Restartable:
    """Raises `RefusedError` for what no rollout restarts, or what may not be touched now."""
    await must_be_free(work, order, principal)
    where = f"{cluster['name']} {one['namespace']} {one['kind'] or 'Pod'}/{one['name']}"
    if not one["kind"]:
        raise RefusedError(f"{where}: no rollout restarts it: {one['by_hand']}")
    kube = await clusters.connect(work.cloud, cluster)
    ref = await _as_it_stands(kube, one, where)
    at = order["run"]["opened_at"]  # the same for every try of this run
    done = await restarts.restart(kube, ref, at)
    if done["status"] == "failed":
        raise RefusedError(f"{done.get('detail', where)}: {one['by_hand']}")
    return ref


async def _as_it_stands(kube: Kube, one: Stale, where: str) -> Restartable:
    try:
        found = await kube.get(path_of(PLURALS[one["kind"]], one["namespace"], one["name"]))  # type: ignore[index]
    except NotFoundError:
        raise RefusedError(f"{where} is gone") from None
    budgets = await kube.list_all(path_of("poddisruptionbudgets", one["namespace"]))
    reported = restart_limits.why_not(kube.cluster, one["kind"], found, budgets)  # type: ignore[arg-type]
    if reported is not None:
        raise RefusedError(f"{reported['what']}: {reported['why']}: {reported['by_hand']}")
    return {
        "kind": one["kind"],  # type: ignore[typeddict-item]
        "namespace": one["namespace"],
        "name": one["name"],
        "was_well": not restart_limits.unfinished(one["kind"], found),  # type: ignore[arg-type]
    }


def _change(cluster: ClusterRef, one: Stale) -> Change:
    return {
        "object": f"{cluster['name']} {one['namespace']} {one['kind']}/{one['name']}",
        "before": one["why"],
        "after": "restarted",
    }
