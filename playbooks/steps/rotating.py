"""New signing keys for a cluster, twice, and every workload there that holds tokens of the old ones restarted.

What was published before is written down first; rotations are counted by the keys that were not among it, so a crash
between the two leads neither to a third one nor to one alone.
"""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df

from playbooks.in_cluster import each, in_cluster
from playbooks.journaled import Work, perform
from playbooks.orders import Json, Order, folder
from responders import restarts, signing_key_rotations
from responders.errors import RefusedError, TransientError
from responders.evidence import digest
from responders.kube import Kube

bp = df.Blueprint()
BATCHES = 20  # at most, for the length of the history
_FEWEST = 10  # workloads that are restarted side by side
# So long nobody rotates again after a rotation whose key is not seen yet: the keys are published with a delay.
_PUBLISHED_WITHIN = timedelta(minutes=10)
# A rotation that ended so made no key, and is made again at once; after so many in that time a person is asked.
_MADE_NO_KEY, _FAILURES = {"failed", "canceled"}, 2


@bp.activity_trigger(input_name="order")
async def record_signing_keys(order: Order) -> Json:
    """Record: the keys that the cluster's issuer publishes before the first rotation."""

    async def act(work: Work) -> Json:
        path = f"{_base(order)}-before.json"
        if not await asyncio.to_thread(work.store.exists, path):
            keys = await signing_key_rotations.published(work.cloud, order["cluster"])
            kept = {"kids": sorted(keys.kids), "at": _now().isoformat()}
            await asyncio.to_thread(work.store.put_json, path, kept)
        before = await asyncio.to_thread(work.store.get_json, path)
        return {"status": "done", "detail": path, "at": before["at"]}

    return await perform("record_signing_keys", order, act, target=order["cluster"]["name"])


@bp.activity_trigger(input_name="order")
async def rotate_signing_keys(order: Order) -> Json:
    """Shut out: one rotation of the cluster's signing keys, to its end. `facts.turn` is 1 or 2."""

    async def act(work: Work) -> Json:
        turn, cluster = order["facts"]["turn"], order["cluster"]
        seen = await _fresh(work, order)
        if len(seen) < turn:
            await _rotate_once(work, order)
            seen = await _fresh(work, order)
        if len(seen) < turn:
            raise TransientError(f"{cluster['name']}: the new signing key is not published yet")
        path = f"{_base(order)}-after-{turn}.json"
        if not await asyncio.to_thread(work.store.exists, path):
            await asyncio.to_thread(work.store.put_json, path, {"kids": sorted(seen)})
        detail = f"{cluster['name']}: rotation {turn} of 2 is done, key {sorted(seen)}"
        return {"status": "done", "detail": detail}

    target = f"{order['cluster']['name']}, turn {order['facts']['turn']}"
    return await perform("rotate_signing_keys", order, act, target=target, acts=True)


async def _fresh(work: Work, order: Order) -> set[str]:
    """Keys that were not published before: as many rotations as there are of them have been made."""
    before = await asyncio.to_thread(work.store.get_json, f"{_base(order)}-before.json")
    path = f"{_base(order)}-after-1.json"
    kept = await asyncio.to_thread(work.store.exists, path)
    first = (await asyncio.to_thread(work.store.get_json, path))["kids"] if kept else []
    now = await signing_key_rotations.published(work.cloud, order["cluster"])
    return ({*now.kids, *first}) - set(before["kids"])


async def _rotate_once(work: Work, order: Order) -> None:
    """Unless one is under way, or was begun so lately that its key may not be published yet."""
    cluster, turn = order["cluster"], order["facts"]["turn"]
    state = await signing_key_rotations.state_of(work.cloud, cluster)
    if state not in signing_key_rotations.ENDED:
        raise TransientError(f"{cluster['name']}: an operation is under way: {state}")
    now = _now()
    stem = f"{_base(order)}-begun-{turn}-"
    begun = await asyncio.to_thread(_begun, work, order, stem)
    lately = [at for at in begun if now - at < _PUBLISHED_WITHIN]
    if lately and state not in _MADE_NO_KEY:
        raise TransientError(f"{cluster['name']}: rotated, its key is not published yet")
    if len(lately) >= _FAILURES:
        raise RefusedError(
            f"{cluster['name']}: Azure gave up {len(lately)} rotations, the cluster's provisioningState is {state}: "
            f"az aks show --ids {cluster['resource_id']} --query provisioningState; mend it, then resume"
        )
    stamp = re.sub(r"\D", "", now.isoformat())
    await asyncio.to_thread(work.store.put_json, f"{stem}{stamp}.json", {"at": now.isoformat()})
    await signing_key_rotations.rotate(work.cloud, cluster)


def _begun(work: Work, order: Order, stem: str) -> list[datetime]:
    """When each rotation of this turn was asked for."""
    paths = work.store.list(folder(order["incident"]) + "/keys")
    mine = [one for one in paths if one.startswith(stem)]
    return [datetime.fromisoformat(work.store.get_json(one)["at"]) for one in mine]


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - an activity: it runs once, it is not replayed


@bp.activity_trigger(input_name="order")
async def prove_keys_gone(order: Order) -> Json:
    """Verify: no key of before is published any more; `max_age_s` says how long copies of them may be kept."""

    async def act(work: Work) -> Json:
        name = order["cluster"]["name"]
        before = await asyncio.to_thread(work.store.get_json, f"{_base(order)}-before.json")
        now = await signing_key_rotations.published(work.cloud, order["cluster"])
        left = sorted(now.kids & set(before["kids"]))
        if left:
            detail = f"{name}: keys of before are still published: {', '.join(left)}"
            return {"status": "failed", "detail": detail}
        detail = (
            f"{name}: no key of before is published; copies may be kept for {now.max_age_s} s, and Entra "
            "does not say for how long it keeps its own"
        )
        return {"status": "done", "detail": detail, "max_age_s": now.max_age_s}

    return await perform("prove_keys_gone", order, act, target=order["cluster"]["name"])


@bp.activity_trigger(input_name="order")
async def list_token_users(order: Order) -> Json:
    """Plan: whose pods hold tokens of the old keys, in which batch each is restarted, and who is not and why."""

    async def act(work: Work, kube: Kube, _plan: object) -> Json:
        path = f"{_base(order)}-restarts.json"
        if not await asyncio.to_thread(work.store.exists, path):
            await asyncio.to_thread(work.store.put_json, path, await restarts.find(kube))
        users: restarts.TokenUsers = await asyncio.to_thread(work.store.get_json, path)
        count, left = len(users["restart"]), users["report"]
        return {
            "status": "done",
            "detail": f"{path}: {count} workloads are restarted, {len(left)} are not",
            "batches": len(_batches(users)),
            "remaining": [f"Not restarted: {one['what']}: {one['why']}" for one in left],
            "by_hand": [one["by_hand"] for one in left if one["by_hand"]],
        }

    return await in_cluster("list_token_users", order, act)


@bp.activity_trigger(input_name="order")
async def restart_token_users(order: Order) -> Json:
    """Shut out: one batch of the restarts, each a rollout. `facts.batch` says which."""

    async def act(work: Work, kube: Kube, _plan: object) -> Json:
        batch, at = await _batch(work, order), order["facts"]["since"]
        return await each(restarts.restart(kube, one, at) for one in batch)

    return await in_cluster("restart_token_users", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def check_restarted(order: Order) -> Json:
    """Verify: everything of the batch that was well before is well again."""

    async def act(work: Work, kube: Kube, _plan: object) -> Json:
        return await each(restarts.is_back(kube, one) for one in await _batch(work, order))

    return await in_cluster("check_restarted", order, act)


async def _batch(work: Work, order: Order) -> list[restarts.Restartable]:
    path = f"{_base(order)}-restarts.json"
    users: restarts.TokenUsers = await asyncio.to_thread(work.store.get_json, path)
    return _batches(users)[order["facts"]["batch"]]


def _batches(users: restarts.TokenUsers) -> list[list[restarts.Restartable]]:
    size = max(_FEWEST, -(-len(users["restart"]) // BATCHES))
    return [users["restart"][at : at + size] for at in range(0, len(users["restart"]), size)]


def _base(order: Order) -> str:
    """What is known of this cluster's keys since this eviction: a later one begins anew."""
    cluster = order["cluster"]
    key = digest(cluster["resource_id"].lower().encode())[:8]
    since = re.sub(r"\D", "", order["facts"]["since"])[:14]
    return f"{folder(order['incident'])}/keys/{cluster['name']}-{key}-{since}"
