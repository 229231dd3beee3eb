"""Steps of the health check: what each cluster says, and the judgement of all of it."""

import asyncio
from collections.abc import Awaitable

import azure.durable_functions as df

from playbooks.health import judging
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import conclude, keep, perform
from playbooks.runs.model import RunOrder
from responders import clusters, identity_webhooks, issuer_keys
from responders.cloud import Cloud
from responders.errors import RefusedError, ResponderError
from responders.model import ClusterRef

bp = df.Blueprint()
_AT_ONCE = 10  # clusters side by side


@bp.activity_trigger(input_name="order")
async def look_at_clusters(order: RunOrder) -> Json:
    """Read: the identity webhook and the issuer's keys of every cluster that is asked about."""

    async def act(work: Work) -> Json:
        wanted = _wanted(
            await clusters.list_all(work.cloud), order["run"]["parameters"]["clusters"]
        )
        free = asyncio.Semaphore(_AT_ONCE)

        async def look(one: ClusterRef) -> judging.ClusterSeen:
            async with free:
                return await _look(work.cloud, one)

        seen = await asyncio.gather(*(look(one) for one in wanted))
        path = await keep(work, order, "clusters", seen)
        return {"status": "done", "detail": f"{len(seen)} clusters", "path": path}

    return await perform("look_at_clusters", order, act)


@bp.activity_trigger(input_name="order")
async def judge_health(order: RunOrder) -> Json:
    """Judge: one light, and a finding for everything that is wrong."""

    async def act(work: Work) -> Json:
        facts = order["facts"]
        seen = (
            await asyncio.to_thread(work.store.get_json, facts["clusters"])
            if facts["clusters"]
            else []
        )
        return await conclude(work, order, judging.judged(seen, facts["unread"]))

    return await perform("judge_health", order, act)


def _wanted(found: list[ClusterRef], named: list[str]) -> list[ClusterRef]:
    """Those that were asked for. Raises `RefusedError` for one that nobody sees."""
    if not named:
        return found
    by_name = {one["resource_id"].lower(): one for one in found}
    by_name |= {one["name"].lower(): one for one in found}
    if strange := [one for one in named if one.lower() not in by_name]:
        known = ", ".join(sorted(one["name"] for one in found)) or "none"
        raise RefusedError(f"no cluster {strange[0]!r:.120} in sight; in sight are: {known}")
    return [by_name[one.lower()] for one in named]


async def _look(cloud: Cloud, cluster: ClusterRef) -> judging.ClusterSeen:
    unread: list[str] = []
    name = cluster["name"]
    try:
        kube = await clusters.connect(cloud, cluster)
    except ResponderError as error:
        return {"cluster": cluster, "webhook": "", "keys": "", "unread": [f"{name}: {error}"]}

    async def asked(what: str, question: Awaitable[str]) -> str:
        try:
            return await question
        except ResponderError as error:
            unread.append(f"{name}: {what}: {error}")
            return ""

    webhook, keys = await asyncio.gather(
        asked("its identity webhook", identity_webhooks.problem(kube)),
        asked("its issuer's keys", issuer_keys.mismatch(cloud, cluster, kube)),
    )
    return {"cluster": cluster, "webhook": webhook, "keys": keys, "unread": unread}
