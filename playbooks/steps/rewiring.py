"""Steps 11 and 12: one cluster moves to the new identity; both halves are proven there."""

import asyncio

import azure.durable_functions as df

from playbooks import plans
from playbooks.choosing import grants_of
from playbooks.in_cluster import each, in_cluster, successor_of, whole
from playbooks.journaled import Work
from playbooks.orders import Json, Order
from playbooks.plan_files import plan_of
from responders import (
    consumer_moves,
    identity_proofs,
    moves,
    quarantines,
    resource_reads,
    rollouts,
    service_accounts,
    standing,
    surveys,
)
from responders.cloud import Cloud
from responders.evidence import EvidenceStore
from responders.kube import Kube
from responders.looking import as_containment
from responders.model import (
    ClusterRef,
    Grant,
    Incident,
    Principal,
    ServiceAccountRef,
    StepResult,
    WorkloadRef,
)
from responders.service_accounts import Successor
from responders.token_exchange import Account

bp = df.Blueprint()
_NOT_ASKED: Json = {
    "status": "nothing_to_do",
    "detail": "not asked: policy.toml [verification] token_exchange is off",
    "unproven": "not proven by a token: policy.toml [verification] token_exchange is off",
}


@bp.activity_trigger(input_name="order")
async def create_service_accounts(order: Order) -> Json:
    """Re-wire: ServiceAccounts that name the new client id, under new names or, where the plan says so, their own."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        wanted = plan["service_accounts"]
        known = await service_accounts.read(kube, wanted)
        return await each(
            service_accounts.point(kube, old, known.get(_place(old)), to)
            if to.name == old["name"]
            else service_accounts.ensure_successor(kube, old, known.get(_place(old)), to)
            for old in wanted
            for to in [_successor(order, plan, old)]
        )

    return await in_cluster("create_service_accounts", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def prove_new_identity(order: Order) -> Json:
    """Verify: every ServiceAccount gets a token of the new identity, and reads something protected with it."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        if not order["policy"]["verification"]["token_exchange"]:
            return _NOT_ASKED
        given = await asyncio.to_thread(_grants, work.store, order["incident"])
        reads = await resource_reads.choose(work.cloud, given)
        client_id = order["identity"]["app_id"]
        trusted = await asyncio.to_thread(_trusted, work.store, order)
        names = [(old, successor_of(plan, old)) for old in plan["service_accounts"]]
        proven = await each(
            identity_proofs.prove(
                work.cloud, kube, Account(old["namespace"], new, client_id), reads
            )
            for old, new in names
            if _subject(old, new) in trusted
        )
        strangers = [
            _untrusted(old, new) for old, new in names if _subject(old, new) not in trusted
        ]
        return {**proven, **whole([*proven["items"], *strangers])}

    return await in_cluster("prove_new_identity", order, act)


def _trusted(store: EvidenceStore, order: Order) -> set[str]:
    """The subjects of this cluster that the new identity trusts, by the plan."""
    trusts = plan_of(store, order["incident"])["federated_credentials"]
    issuer = order["cluster"]["issuer_url"]
    return {str(one["subject"]) for one in trusts if one["issuer"] == issuer}


def _subject(account: ServiceAccountRef, name: str) -> str:
    return f"system:serviceaccount:{account['namespace']}:{name}"


def _untrusted(account: ServiceAccountRef, name: str) -> StepResult:
    """It named the old identity, which had no known-good trust for it: a binding, one that was left out, or none."""
    place = f"{account['namespace']}/{name}"
    return {
        "status": "refused",
        "detail": f"{place} gets no tokens: the plan has no trust for {account['namespace']}/{account['name']}",
        "by_hand": [
            f"# {place}: if it is to run as the new identity, give that a federated credential for "
            f"{_subject(account, name)}, or, where it had an identity binding, a binding in this cluster"
        ],
    }


@bp.activity_trigger(input_name="order")
async def lift_quarantine(order: Order) -> Json:
    """Re-wire: no fence around what comes back. What the attacker most likely made stays fenced in, and stopped."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        incident_id = order["incident"]["incident_id"]
        return dict(await quarantines.lift(kube, plan["workloads"], incident_id))

    return await in_cluster("lift_quarantine", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def move_consumers(order: Order) -> Json:
    """Re-wire: whatever else in this cluster names the old client id, before the pods that mount it."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        ids, found = _ids(order), plan["consumers"]
        answer = await each(
            consumer_moves.move(kube, one, ids) for one in found if one["patchable"]
        )
        stale = [
            late
            for one in found
            if one["patchable"]
            for late in consumer_moves.stale(one, plan["workloads"])
        ]
        answer = whole([*answer["items"], *stale])
        if all(one["patchable"] for one in found):
            return answer
        principal = order["incident"]["principal"]
        now = await _as_it_stands(work.cloud, order["cluster"], principal)
        left = [consumer_moves.left(one, now) for one in found if not one["patchable"]]
        asleep = [consumer_moves.unproven(one) for one in found if one["kind"] == "Workload"]
        said = {"unproven": "; ".join(asleep)} if asleep else {}
        return {**whole([*answer["items"], *left]), **said}

    return await in_cluster("move_consumers", order, act, acts=True)


@as_containment
async def _as_it_stands(cloud: Cloud, cluster: ClusterRef, principal: Principal) -> surveys.Survey:
    return await surveys.take(cloud, cluster, principal, insist=True)


def _ids(order: Order) -> consumer_moves.Ids:
    return consumer_moves.Ids(
        old=order["incident"]["principal"]["app_id"],
        new=order["identity"]["app_id"],
        incident_id=order["incident"]["incident_id"],
    )


@bp.activity_trigger(input_name="order")
async def move_workloads(order: Order) -> Json:
    """Re-wire: every workload onto its ServiceAccount, and back to what it was before the eviction."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        now = await standing.read(kube, plan["workloads"])
        jobs = [(one, job) for one in plan["workloads"] for job in now.below(one, "Job")]
        tops = await each(
            moves.move(kube, one, now, _move(order, plan, one)) for one in plan["workloads"]
        )
        made = await each(
            moves.move_job_of(kube, one, job, _move(order, plan, one)) for one, job in jobs
        )
        return whole([*tops["items"], *made["items"]])

    return await in_cluster("move_workloads", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def check_workloads(order: Order) -> Json:
    """Verify: rolled out, available, and every pod carries the new client id. One list for each kind."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        now = await standing.read(kube, plan["workloads"], pods=True)
        client_id = order["identity"]["app_id"]
        return whole(
            [
                rollouts.is_healthy(one, now, _account_of(plan, one), client_id)
                for one in plan["workloads"]
            ]
        )

    return await in_cluster("check_workloads", order, act)


@bp.activity_trigger(input_name="order")
async def recheck_cluster(order: Order) -> Json:
    """Verify: minutes later, everything still names and carries the new client id."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        known = await service_accounts.read(kube, plan["service_accounts"])
        now = await standing.read(kube, plan["workloads"], pods=True)
        client_id = order["identity"]["app_id"]
        accounts = [
            service_accounts.stands(one, known.get((one["namespace"], name)), name, client_id)
            for one in plan["service_accounts"]
            for name in [successor_of(plan, one)]
        ]
        old = [one for one in plan["survey"]["service_accounts"] if not _keeps_its_name(plan, one)]
        names_it = await service_accounts.read(kube, old)
        again = [service_accounts.names_again(one, names_it.get(_place(one))) for one in old]
        ids = _ids(order)
        running = [
            rollouts.stands(one, now, _account_of(plan, one), ids.old) for one in plan["workloads"]
        ]
        patched = [one for one in plan["consumers"] if one["patchable"]]
        others = await asyncio.gather(*(consumer_moves.stands(kube, one, ids) for one in patched))
        if back := [one for one in (*accounts, *again, *running, *others) if one is not None]:
            detail = f"put back by somebody since it was moved: {'; '.join(back)}"
            return {"status": "failed", "reverted": True, "detail": detail}
        return {"status": "done", "detail": "everything still names the new client id"}

    return await in_cluster("recheck_cluster", order, act)


@bp.activity_trigger(input_name="order")
async def retire_service_accounts(order: Order) -> Json:
    """Re-wire: the old ServiceAccounts no longer name any client id. One that keeps its name is none of them."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        incident_id = order["incident"]["incident_id"]
        old = [one for one in plan["survey"]["service_accounts"] if not _keeps_its_name(plan, one)]
        known = await service_accounts.read(kube, old)
        return await each(
            service_accounts.retire(
                kube, one, known.get(_place(one)), successor_of(plan, one), incident_id
            )
            for one in old
        )

    return await in_cluster("retire_service_accounts", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def prove_old_subjects_refused(order: Order) -> Json:
    """Verify: a token of an old ServiceAccount opens neither identity; of one that keeps its name, not the old one.

    That a token from before the eviction does not open the new one either, where the name is kept, was made sure of
    in `shutting_out.py`: one that is asked for now is no proof of it.
    """

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        if not order["policy"]["verification"]["token_exchange"]:
            return _NOT_ASKED
        old_id, new_id = order["incident"]["principal"]["app_id"], order["identity"]["app_id"]
        return await each(
            identity_proofs.refused(
                work.cloud, kube, Account(old["namespace"], old["name"], client_id)
            )
            for old in plan["survey"]["service_accounts"]
            for client_id in (old_id, new_id)
            if client_id == old_id or successor_of(plan, old) != old["name"]
        )

    return await in_cluster("prove_old_subjects_refused", order, act)


def _place(ref: ServiceAccountRef) -> tuple[str, str]:
    return ref["namespace"], ref["name"]


def _keeps_its_name(plan: plans.ClusterPlan, ref: ServiceAccountRef) -> bool:
    return successor_of(plan, ref) == ref["name"]


def _successor(order: Order, plan: plans.ClusterPlan, ref: ServiceAccountRef) -> Successor:
    incident_id = order["incident"]["incident_id"]
    return Successor(successor_of(plan, ref), order["identity"]["app_id"], incident_id)


def _account_of(plan: plans.ClusterPlan, ref: WorkloadRef) -> str:
    """The ServiceAccount that a workload runs as afterwards."""
    return plan["new_names"][f"{ref['namespace']}/{ref['service_account']}"]


def _move(order: Order, plan: plans.ClusterPlan, ref: WorkloadRef) -> moves.Move:
    return moves.Move(
        service_account=_account_of(plan, ref),
        old_client_id=order["incident"]["principal"]["app_id"],
        new_client_id=order["identity"]["app_id"],
        incident_id=order["incident"]["incident_id"],
    )


def _grants(store: EvidenceStore, incident: Incident) -> list[Grant]:
    return grants_of(store, incident, plan_of(store, incident))
