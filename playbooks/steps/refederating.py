"""Between eviction and the new identity: what makes tokens of before worthless, and what would make new ones."""

import asyncio
from collections.abc import Set
from datetime import datetime, timedelta

import azure.durable_functions as df

from playbooks import plans, refederation, vectors
from playbooks.in_cluster import in_cluster
from playbooks.journaled import Work, perform
from playbooks.known import is_old
from playbooks.orders import Json, Order
from playbooks.steps import sweeps
from playbooks.tracing import acts
from playbooks.tracing.rows import moment
from responders import cluster_access, mint_rights
from responders.kube import Kube

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def check_foothold(order: Order) -> Json:
    """Verify: nobody who looks like the attacker may still request tokens here; waiting would end nothing."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        ours = await work.cloud.own_object_ids()
        accounts = plan["survey"]["service_accounts"]
        holders = await mint_rights.ask(kube, accounts, ours=ours)
        holders += await cluster_access.holders(work.cloud, order["cluster"], accounts, ours=ours)
        requesters = await asyncio.to_thread(_requesters, work, order, ours)
        start = order["incident"]["window_start"]
        # A cluster takes tokens of the old identity until they expire, whatever Entra does by now.
        evil_users = {*requesters, order["incident"]["principal"]["object_id"]}
        evil = [
            one for one in holders if not is_old(one["created"], start) or one["user"] in evil_users
        ]
        stopped = [
            f"{one['kind']} {one['namespace']}/{one['name']}" for one in plan["survey"]["workloads"]
        ]
        evicted = f"evicted: {', '.join(stopped) or 'nothing ran'}"
        if not evil:
            left = ", ".join(refederation.named(one) for one in holders) or "nobody"
            return {"status": "done", "detail": f"{evicted}; may still request tokens: {left}"}
        named = "; ".join(f"{refederation.named(one)}: {one['by_hand']}" for one in evil)
        return {
            "status": "refused",
            "detail": f"{evicted}; but these may still come by tokens, by a right of the compromise window, as they "
            f"did in it, or with tokens of the old identity: {named}; take it away, then resume",
        }

    return await in_cluster("check_foothold", order, act)


def _requesters(work: Work, order: Order, ours: Set[str]) -> set[str]:
    """Usernames that requested tokens of its ServiceAccounts, by the rows so far."""
    incident = order["incident"]
    usernames = sweeps.usernames_of(work.store, incident)
    rows = sweeps.rows_of(work.store, incident)
    return {one.by for one in acts.mints_by(rows, incident["principal"], usernames, ours)}


@bp.activity_trigger(input_name="order")
async def look_for_requests(order: Order) -> Json:
    """Verify: no token was requested since the eviction. One that was opens the new identity until it expires."""

    async def act(work: Work) -> Json:
        ours = await work.cloud.own_object_ids()
        return await asyncio.to_thread(_looked, work, order, ours)

    return await perform("look_for_requests", order, act, target=order["facts"]["sweep"])


def _looked(work: Work, order: Order, ours: Set[str]) -> Json:
    incident, facts = order["incident"], order["facts"]
    usernames = sweeps.usernames_of(work.store, incident)
    complete = sweeps.complete_of(work.store, incident, facts["sweep"])
    unread = [one for one in vectors.unread_of(complete) if one not in vectors.SIGN_INS]
    if unread and facts["vector"] == "cluster":
        detail = f"whether tokens were requested while waiting is not known: {unread[0]} could not be read whole"
        return {"status": "refused", "detail": f"{detail}; resume when it can be"}
    since = datetime.fromisoformat(facts["since"])
    late = [
        one
        for one in acts.mints_by(
            sweeps.rows_of(work.store, incident), incident["principal"], usernames, ours
        )
        if one.ok and moment(one.when) > since
    ]
    told = [
        f"Whether tokens were requested while waiting is not known: {one} could not be read whole"
        for one in unread
    ]
    if not late:
        return {"status": "done", "detail": "none requested", "until": "", "unread": told}
    last = max(moment(one.when) for one in late)
    until = last + timedelta(seconds=refederation.LONGEST_S)
    who = ", ".join(sorted({one.by for one in late}))
    return {
        "status": "done",
        "detail": f"{len(late)} tokens requested by {who}, the last at {last.isoformat()}",
        "until": until.isoformat(timespec="seconds"),
        "unread": told,
    }
