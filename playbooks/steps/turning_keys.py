"""Steps of rotate_federation that turn clusters' signing keys: read and agreed to first, then as in an incident."""

import asyncio
from collections.abc import Awaitable, Callable

import azure.durable_functions as df

from playbooks.federation import keys
from playbooks.federation.keys import KeyCluster, KeyPlan
from playbooks.federation.model import Seen
from playbooks.journaled import Work
from playbooks.key_turns import KeyTurns, named
from playbooks.orders import Json
from playbooks.running import conclude, keep, must_be_free, perform
from playbooks.runs import agreeing
from playbooks.runs.model import RunOrder
from responders import clusters, preflight, restarts, signing_key_rotations
from responders.errors import ResponderError
from responders.kube import Kube
from responders.model import ClusterRef

bp = df.Blueprint()
_NOBODY: restarts.TokenUsers = {"restart": [], "report": []}


@bp.activity_trigger(input_name="order")
async def read_key_cluster(order: RunOrder) -> Json:
    """Read: whether the keys of one cluster can be turned, and whose pods hold tokens of them."""
    ref = order["facts"]["cluster"]

    async def act(work: Work) -> Json:
        found = await _cluster(work, ref)
        path = await keep(work, order, f"key-clusters/{named(ref)}", found)
        return {"status": "done", "detail": found["problem"] or ref["name"], "path": path}

    return await perform("read_key_cluster", order, act, target=ref["name"])


async def _cluster(work: Work, ref: ClusterRef) -> KeyCluster:
    found: KeyCluster = {"ref": ref, "problem": "", "users": _NOBODY, "published": 0}
    try:
        kube = await clusters.connect(work.cloud, ref)
        webhook, missing, users, published = await asyncio.gather(
            preflight.webhook_problem(kube),
            signing_key_rotations.missing_right(work.cloud, ref),
            restarts.find(kube),
            signing_key_rotations.published(work.cloud, ref),
        )
    except ResponderError as error:
        said = "; ".join(filter(None, (str(error), clusters.how_to_reach(ref))))
        return {**found, "problem": f"{ref['name']} can't be read: {said}"}
    problem = "; ".join(filter(None, (webhook, missing)))
    return {**found, "problem": problem, "users": users, "published": len(published.kids)}


@bp.activity_trigger(input_name="order")
async def draw_key_plan(order: RunOrder) -> Json:
    """Judge: whose keys are turned, and whether this run may do it."""
    facts = order["facts"]

    async def act(work: Work) -> Json:
        seen: Seen = await asyncio.to_thread(work.store.get_json, facts["path"])
        found = [await asyncio.to_thread(work.store.get_json, one) for one in facts["clusters"]]
        plan = keys.draw(found, seen["stop"], order["policy"]["recovery"]["canary_cluster"])
        plan_hash = keys.plan_hash(plan)
        path = await keep(work, order, "key-plan", plan)
        if order["run"]["mode"] == "plan":
            told = await conclude(work, order, keys.planned(plan), plan_hash=plan_hash)
            return {**told, "over": True}
        if plan["blocked"]:
            detail = f"{'; '.join(plan['blocked'])}. Nothing was changed"
            return {"status": "refused", "detail": detail}
        if refused := agreeing.why_not(order["run"], plan_hash, keys.confirmations(plan)):
            return {"status": "refused", "detail": refused}
        refs = [one["ref"] for one in plan["clusters"]]
        ended = {"over": False, "path": path, "plan_hash": plan_hash, "clusters": refs}
        return {"status": "done", "detail": f"{len(refs)} clusters", **ended}

    return await perform("draw_key_plan", order, act)


@bp.activity_trigger(input_name="order")
async def conclude_keys(order: RunOrder) -> Json:
    """Close: what came of each cluster."""
    facts = order["facts"]

    async def act(work: Work) -> Json:
        plan: KeyPlan = await asyncio.to_thread(work.store.get_json, facts["path"])
        done = keys.done(plan, facts["answers"])
        return await conclude(work, order, done, plan_hash=facts["plan_hash"])

    return await perform("conclude_keys", order, act)


@bp.activity_trigger(input_name="order")
async def record_cluster_keys(order: RunOrder) -> Json:
    """Record: the keys that the cluster's issuer publishes before the first rotation."""
    return await _turn("record_cluster_keys", order, lambda turns: turns.record(), acts=False)


@bp.activity_trigger(input_name="order")
async def rotate_cluster_keys(order: RunOrder) -> Json:
    """Rotate: one rotation of the cluster's signing keys, to its end. `facts.turn` is 1 or 2."""
    return await _turn(
        "rotate_cluster_keys", order, lambda turns: turns.turn(order["facts"]["turn"]), acts=True
    )


@bp.activity_trigger(input_name="order")
async def prove_cluster_keys_gone(order: RunOrder) -> Json:
    """Verify: no key of before is published any more."""
    return await _turn(
        "prove_cluster_keys_gone", order, lambda turns: turns.prove_gone(), acts=False
    )


@bp.activity_trigger(input_name="order")
async def list_key_users(order: RunOrder) -> Json:
    """Plan: whose pods hold tokens of the old keys, in which batch each is restarted, and who is not and why."""
    return await _inside(
        "list_key_users", order, lambda turns, kube: turns.list_users(kube), acts=False
    )


@bp.activity_trigger(input_name="order")
async def restart_key_users(order: RunOrder) -> Json:
    """Rotate: one batch of the restarts, each a rollout. `facts.batch` says which."""
    batch, at = order["facts"]["batch"], order["run"]["opened_at"]
    return await _inside(
        "restart_key_users", order, lambda turns, kube: turns.restart(kube, batch, at), acts=True
    )


@bp.activity_trigger(input_name="order")
async def check_key_users(order: RunOrder) -> Json:
    """Verify: everything of the batch that was well before is well again."""
    batch = order["facts"]["batch"]
    return await _inside(
        "check_key_users", order, lambda turns, kube: turns.check(kube, batch), acts=False
    )


async def _turn(
    step: str, order: RunOrder, act: Callable[[KeyTurns], Awaitable[Json]], *, acts: bool
) -> Json:
    ref = order["facts"]["cluster"]
    turn = f", turn {order['facts']['turn']}" if "turn" in order["facts"] else ""

    async def turned(work: Work) -> Json:
        if acts:
            await _must_be_free(work, order)
        return await act(_turns(work, order))

    return await perform(step, order, turned, target=f"{ref['name']}{turn}", acts=acts)


async def _inside(
    step: str, order: RunOrder, act: Callable[[KeyTurns, Kube], Awaitable[Json]], *, acts: bool
) -> Json:
    ref = order["facts"]["cluster"]
    batch = f", batch {order['facts']['batch']}" if "batch" in order["facts"] else ""

    async def connected(work: Work) -> Json:
        if acts:
            await _must_be_free(work, order)
        answer = await act(_turns(work, order), await clusters.connect(work.cloud, ref))
        return {name: value for name, value in answer.items() if name != "items"}

    return await perform(step, order, connected, target=f"{ref['name']}{batch}", acts=acts)


async def _must_be_free(work: Work, order: RunOrder) -> None:
    seen: Seen = await asyncio.to_thread(work.store.get_json, order["facts"]["identity"])
    await must_be_free(work, order, seen["principal"])


def _turns(work: Work, order: RunOrder) -> KeyTurns:
    """What is known of a cluster's keys since the first run with this label: going on makes no third rotation."""
    ref, facts = order["facts"]["cluster"], order["facts"]
    label = order["run"]["parameters"]["label"]
    return KeyTurns(work, ref, f"rotations/{facts['app_id']}-{label}/keys/{named(ref)}")
