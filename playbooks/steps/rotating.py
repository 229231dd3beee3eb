"""New signing keys for a cluster, twice, and every workload there that holds tokens of the old ones restarted."""

import re

import azure.durable_functions as df

from playbooks.in_cluster import in_cluster
from playbooks.journaled import Work, perform
from playbooks.key_turns import KeyTurns, named
from playbooks.orders import Json, Order, folder
from responders.kube import Kube

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def record_signing_keys(order: Order) -> Json:
    """Record: the keys that the cluster's issuer publishes before the first rotation."""

    async def act(work: Work) -> Json:
        return await _turns(work, order).record()

    return await perform("record_signing_keys", order, act, target=order["cluster"]["name"])


@bp.activity_trigger(input_name="order")
async def rotate_signing_keys(order: Order) -> Json:
    """Shut out: one rotation of the cluster's signing keys, to its end. `facts.turn` is 1 or 2."""

    async def act(work: Work) -> Json:
        return await _turns(work, order).turn(order["facts"]["turn"])

    target = f"{order['cluster']['name']}, turn {order['facts']['turn']}"
    return await perform("rotate_signing_keys", order, act, target=target, acts=True)


@bp.activity_trigger(input_name="order")
async def prove_keys_gone(order: Order) -> Json:
    """Verify: no key of before is published any more; `max_age_s` says how long copies of them may be kept."""

    async def act(work: Work) -> Json:
        return await _turns(work, order).prove_gone()

    return await perform("prove_keys_gone", order, act, target=order["cluster"]["name"])


@bp.activity_trigger(input_name="order")
async def list_token_users(order: Order) -> Json:
    """Plan: whose pods hold tokens of the old keys, in which batch each is restarted, and who is not and why."""

    async def act(work: Work, kube: Kube, _plan: object) -> Json:
        return await _turns(work, order).list_users(kube)

    return await in_cluster("list_token_users", order, act)


@bp.activity_trigger(input_name="order")
async def restart_token_users(order: Order) -> Json:
    """Shut out: one batch of the restarts, each a rollout. `facts.batch` says which."""

    async def act(work: Work, kube: Kube, _plan: object) -> Json:
        facts = order["facts"]
        return await _turns(work, order).restart(kube, facts["batch"], facts["since"])

    return await in_cluster("restart_token_users", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def check_restarted(order: Order) -> Json:
    """Verify: everything of the batch that was well before is well again."""

    async def act(work: Work, kube: Kube, _plan: object) -> Json:
        return await _turns(work, order).check(kube, order["facts"]["batch"])

    return await in_cluster("check_restarted", order, act)


def _turns(work: Work, order: Order) -> KeyTurns:
    """What is known of this cluster's keys since this eviction: a later one begins anew."""
    since = re.sub(r"\D", "", order["facts"]["since"])[:14]
    base = f"{folder(order['incident'])}/keys/{named(order['cluster'])}-{since}"
    return KeyTurns(work, order["cluster"], base)
