"""Steps of troubleshooting: which ServiceAccounts it is about, what is so, and the verdict."""

import asyncio

import azure.durable_functions as df

from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import conclude, keep, perform
from playbooks.runs.model import RunOrder
from playbooks.troubleshooting import judging, looking
from playbooks.troubleshooting.looking import Target
from responders import clusters, entitlements, wirings
from responders.errors import RefusedError, ResponderError
from responders.fan_out import fan_out
from responders.model import ClusterRef

bp = df.Blueprint()
_MOST = 20  # ServiceAccounts of one run; more is an audit


@bp.activity_trigger(input_name="order")
async def look_at_workload(order: RunOrder) -> Json:
    """Read: everything that says why these pods get a token, or none."""

    async def act(work: Work) -> Json:
        targets, unread = await _targets(work, order)
        seen = await looking.look(work, order, targets[:_MOST])
        if len(targets) > _MOST:
            unread.append(f"{len(targets) - _MOST} more ServiceAccounts name it: name a namespace")
        path = await keep(work, order, "facts", {"seen": seen, "unread": unread})
        return {"status": "done", "detail": f"{len(seen)} ServiceAccounts", "path": path}

    return await perform("look_at_workload", order, act)


@bp.activity_trigger(input_name="order")
async def judge_workload(order: RunOrder) -> Json:
    """Judge: each check, the first cause, and the exact fix."""

    async def act(work: Work) -> Json:
        kept = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
        return await conclude(work, order, judging.judged(kept["seen"], kept["unread"]))

    return await perform("judge_workload", order, act)


async def _targets(work: Work, order: RunOrder) -> tuple[list[Target], list[str]]:
    """The ServiceAccounts that are asked about, and which clusters could not be asked for them."""
    asked = order["run"]["parameters"]
    refs = _wanted(await clusters.list_all(work.cloud), asked["cluster"])
    if asked["client_id"]:
        return await _naming(work, refs, asked)
    (cluster,) = refs
    if asked["service_account"]:
        return [Target(cluster, asked["namespace"], asked["service_account"])], []
    kube = await clusters.connect(work.cloud, cluster)
    account = await wirings.account_of_pod(kube, asked["namespace"], asked["pod"])
    return [Target(cluster, asked["namespace"], account, asked["pod"])], []


def _wanted(found: list[ClusterRef], named: str) -> list[ClusterRef]:
    if not named:
        return found
    wanted = [
        one for one in found if named.lower() in {one["resource_id"].lower(), one["name"].lower()}
    ]
    if len(wanted) == 1:
        return wanted
    if wanted:
        which = ", ".join(one["resource_id"] for one in wanted)
        raise RefusedError(f"{named!r:.120} is the name of several clusters: {which}")
    known = ", ".join(sorted(one["name"] for one in found)) or "none"
    raise RefusedError(f"no cluster {named!r:.120} in sight; in sight are: {known}")


async def _naming(
    work: Work, refs: list[ClusterRef], asked: Json
) -> tuple[list[Target], list[str]]:
    """Whatever names the client id; where nothing does, whatever the identity trusts to."""

    async def named(cluster: ClusterRef) -> list[Target]:
        kube = await clusters.connect(work.cloud, cluster)
        places = await wirings.naming(kube, asked["client_id"].strip())
        return [Target(cluster, *one) for one in places if asked["namespace"] in {"", one[0]}]

    outcomes = await fan_out(refs, named)
    unread = [
        f"{cluster['name']}: whether a ServiceAccount names it: {answer}"
        for cluster, answer in outcomes
        if isinstance(answer, ResponderError)
    ]
    targets = [
        one for _, answer in outcomes if not isinstance(answer, ResponderError) for one in answer
    ]
    if targets:
        return targets, unread
    trusts = (await entitlements.read(work.cloud, asked["client_id"].strip().lower()))["trusts"]
    trusted = looking.named_by((dict(one) for one in trusts or []), refs)
    if not trusted and not unread:
        known = ", ".join(one["name"] for one in refs)
        raise RefusedError(
            f"no ServiceAccount of {known} names {asked['client_id']!r:.80}, and it trusts none of theirs"
        )
    return trusted, unread
