"""Steps of the audit: the tenant read in chunks, each kept in the evidence store; then all of it judged."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.auditing import documents, narrowing
from playbooks.auditing.gathering import Gathering
from playbooks.auditing.model import Limits, Tenant
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import conclude, keep, perform
from playbooks.runs.model import RunOrder
from responders import (
    assignment_lists,
    clusters,
    credential_use,
    group_workloads,
    identity_lists,
    managed_identities,
    registered_applications,
    registered_principals,
    role_definitions,
    scopes,
    workload_lists,
)
from responders.audit_model import ClusterFacts, UseFacts
from responders.errors import NotFoundError, ResponderError, TransientError
from responders.fan_out import fan_out
from responders.model import ClusterRef

bp = df.Blueprint()
_CLUSTERS_AT_ONCE = 6  # a list of pods is megabytes while it arrives
_SCOPES_AT_ONCE = 3  # a page of role assignments is a hundred


@bp.activity_trigger(input_name="order")
async def look_around(order: RunOrder) -> Json:
    """Read: how much there is: applications, subscriptions, management groups, clusters."""

    async def act(work: Work) -> Json:
        total, where, refs, duties = await asyncio.gather(
            registered_applications.count(work.cloud),
            scopes.visible(work.cloud),
            clusters.list_all(work.cloud),
            managed_identities.duties(work.cloud),
        )
        if lost := [one for one in where.unread if isinstance(one, TransientError)]:
            raise lost[0]
        unread = [*(f"role assignments: {one}" for one in where.unread), *where.gaps]
        path = await keep(work, order, "clusters/found", {"clusters": refs, "duties": duties})
        return {
            "status": "done",
            "detail": f"{total} applications, {len(where.subscriptions)} subscriptions, {len(refs)} clusters",
            "applications": total,
            "scopes": [*where.subscriptions, *where.management_groups],
            "clusters": len(refs),
            "clusters_path": path,
            "unread": unread,
        }

    return await perform("look_around", order, act)


@bp.activity_trigger(input_name="order")
async def read_applications(order: RunOrder) -> Json:
    """Read: some pages of applications, with whom they trust and who owns them."""
    facts = order["facts"]

    async def act(work: Work) -> Json:
        found = await registered_applications.chunk(
            work.cloud, after=facts["after"], most_pages=facts["pages"]
        )
        count = len(found["federated"]) + len(found["others"])
        path = await keep(work, order, f"applications/{facts['number']:04d}", found)
        detail = f"{count} applications, {len(found['federated'])} of them federated"
        return _chunk(path, count, detail, after=found["next_url"])

    return await perform("read_applications", order, act, target=f"applications {facts['number']}")


@bp.activity_trigger(input_name="order")
async def read_principals(order: RunOrder) -> Json:
    """Read: some pages of service principals."""
    facts = order["facts"]

    async def act(work: Work) -> Json:
        found = await registered_principals.chunk(
            work.cloud, after=facts["after"], most_pages=facts["pages"]
        )
        count = len(found["principals"])
        path = await keep(work, order, f"principals/{facts['number']:04d}", found)
        return _chunk(path, count, f"{count} service principals", after=found["next_url"])

    return await perform("read_principals", order, act, target=f"principals {facts['number']}")


@bp.activity_trigger(input_name="order")
async def read_scopes(order: RunOrder) -> Json:
    """Read: role assignments and managed identities of some subscriptions, by one list each."""
    facts = order["facts"]

    async def act(work: Work) -> Json:
        async def read(scope: str) -> tuple[Any, Any, list[str]]:
            assigned = await assignment_lists.at(work.cloud, scope)
            if not scope.startswith("/subscriptions/"):
                return assigned, [], []
            identities, unread = await identity_lists.in_subscription(
                work.cloud, scope.rpartition("/")[2]
            )
            return assigned, identities, unread

        answers = await fan_out(facts["scopes"], read, at_once=_SCOPES_AT_ONCE)
        unread, paths, count = _unread_of(answers), [], 0
        for number, (_, answer) in enumerate(answers):
            if not isinstance(answer, ResponderError):
                assigned, identities, lost = answer
                unread += lost
                count += len(assigned["grants"])
                name = f"scopes/{facts['number']:04d}-{number:03d}"
                chunk = {"assignments": assigned, "identities": identities}
                paths.append(await keep(work, order, name, chunk))
        detail = f"{count} role assignments of {len(paths)} scopes"
        return {**_chunk(None, count, detail), "paths": paths, "unread": unread}

    return await perform("read_scopes", order, act, target=f"scopes {facts['number']}")


@bp.activity_trigger(input_name="order")
async def read_workloads(order: RunOrder) -> Json:
    """Read: who runs as which identity in some clusters, each kind listed once."""
    facts = order["facts"]

    async def act(work: Work) -> Json:
        refs: list[ClusterRef] = (await _kept(work, facts["clusters_path"]))["clusters"]
        mine = refs[facts["from"] : facts["until"]]
        answers = await fan_out(
            mine, lambda one: workload_lists.of_cluster(work.cloud, one), at_once=_CLUSTERS_AT_ONCE
        )
        found = [_cluster(ref, answer, last=work.run > 1) for ref, answer in answers]
        path = await keep(work, order, f"clusters/{facts['from']:04d}", found)
        lost = [one["cluster"] for one in found if one["unread"]]
        detail = f"{len(found)} clusters" + (f", not read: {', '.join(lost)}" if lost else "")
        return _chunk(path, len(found), detail)

    return await perform("read_workloads", order, act, target=f"clusters from {facts['from']}")


@bp.activity_trigger(input_name="order")
async def read_use(order: RunOrder) -> Json:
    """Read: which identities, credentials and roles were used, summed up by the workspace."""

    async def act(work: Work) -> Json:
        end = opened(order)
        start = end - timedelta(days=order["policy"]["audit"]["unused_days"])
        found = await credential_use.read(work.cloud, start, end)
        path = await keep(work, order, "use", found)
        return _chunk(path, 1, "; ".join(found["unread"]) or "sign-ins and the activity log")

    return await perform("read_use", order, act, target="log workspace")


@bp.activity_trigger(input_name="order")
async def judge_identities(order: RunOrder) -> Json:
    """Judge: everything that was read, chunk by chunk; findings, inventory, and what could not be read."""

    async def act(work: Work) -> Json:
        whole = await gathered(work, order)
        roles, unread = await role_definitions.read_facts(work.cloud, whole.definitions)
        whole.add_roles(roles)
        tenant = narrowing.to(whole.tenant, order["run"]["parameters"]["client_ids"])
        tenant.unread += unread
        found, rows = await asyncio.to_thread(documents.of, tenant, order["facts"]["counts"])
        path = (await keep(work, order, "inventory", rows)).replace(".json", ".csv")
        await asyncio.to_thread(work.store.put, path, documents.csv_of(rows).encode())
        found["data"]["inventory"] = path
        return await conclude(work, order, found)

    return await perform("judge_identities", order, act)


async def gathered(work: Work, order: RunOrder) -> Gathering:
    """The tenant, put together from what the other steps kept: one chunk in memory at a time."""
    facts, rules = order["facts"], order["policy"]["audit"]
    limits = Limits(
        rules["unused_days"],
        rules["expiring_days"],
        rules["oldest_credential_days"],
        frozenset(rules["known_issuers"]),
    )
    use: UseFacts = await _kept(work, facts["use"]) if facts["use"] else _no_logs(order)
    tenant = Tenant(
        work.cloud.tenant_id,
        opened(order),
        limits,
        use,
        unread=facts["unread"],
        ours=await work.cloud.own_object_ids(),
    )
    around = await _kept(work, facts["clusters_path"])
    whole = Gathering(tenant, around["duties"])
    for path in facts["principals"]:
        whole.add_principals(await _kept(work, path))
    for path in facts["applications"]:
        whole.add_applications(await _kept(work, path))
    # Identities first, all of them: which assignments are kept goes by whose they are.
    for path in facts["scopes"]:
        whole.add_identities((await _kept(work, path))["identities"])
    for path in facts["scopes"]:
        whole.add_assignments((await _kept(work, path))["assignments"])
    members, unread = await group_workloads.of(work.cloud, sorted(whole.groups))
    whole.add_members(members)
    tenant.unread += unread
    for path in facts["clusters"]:
        whole.add_clusters(await _kept(work, path))
    whole.complete(around["clusters"])
    return whole


def _no_logs(order: RunOrder) -> UseFacts:
    """Why they could not be asked is among what was not read."""
    opened = order["run"]["opened_at"]
    nothing = dict.fromkeys(("application_sign_ins", "identity_sign_ins", "activity"))
    return {"since": opened, "until": opened, "unread": [], **nothing}  # type: ignore[typeddict-item]


def _cluster(ref: ClusterRef, answer: ClusterFacts | ResponderError, *, last: bool) -> ClusterFacts:
    """The facts of a cluster. One that does not answer is asked a second time, and then can't be read."""
    if not isinstance(answer, ResponderError):
        return answer
    if isinstance(answer, TransientError) and not last:
        raise answer
    return workload_lists.unread(ref, str(answer))


def _unread_of(answers: Sequence[tuple[str, Any]]) -> list[str]:
    """A sentence for each scope that could not be read; raises what time can fix. One that is gone holds nothing."""
    unread = []
    for scope, answer in answers:
        if isinstance(answer, TransientError):
            raise answer
        if isinstance(answer, ResponderError) and not isinstance(answer, NotFoundError):
            unread.append(f"role assignments and managed identities at {scope}: {answer}")
    return unread


def _chunk(path: str | None, count: int, detail: str, *, after: str | None = None) -> Json:
    return {"status": "done", "detail": detail, "path": path, "count": count, "after": after}


def opened(order: RunOrder) -> datetime:
    """When the run began: what all of it is judged by."""
    return datetime.fromisoformat(order["run"]["opened_at"]).astimezone(UTC)


async def _kept(work: Work, path: str) -> Any:
    return await asyncio.to_thread(work.store.get_json, path)
