"""Steps 11 and 12: one cluster moves to the new identity; both halves are proven there."""

import azure.durable_functions as df

from playbooks import plans
from playbooks.in_cluster import each, in_cluster, successor_of
from playbooks.journaled import Work
from playbooks.orders import Json, Order
from responders import service_accounts, token_exchange, workloads
from responders.kube import Kube
from responders.model import ServiceAccountRef, StepResult
from responders.token_proofs import REFUSALS

bp = df.Blueprint()
_NOT_ASKED: Json = {
    "status": "nothing_to_do",
    "detail": "not asked: policy.toml [verification] token_exchange is off",
}


@bp.activity_trigger(input_name="order")
async def create_service_accounts(order: Order) -> Json:
    """Re-wire: ServiceAccounts under new names, so under new subjects, naming the new client id."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await each(
            service_accounts.ensure_successor(
                kube,
                old,
                successor_of(plan, old),
                order["identity"]["app_id"],
                order["incident"]["incident_id"],
            )
            for old in plan["service_accounts"]
        )

    return await in_cluster("create_service_accounts", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def prove_new_identity(order: Order) -> Json:
    """Verify: the token endpoint accepts every new ServiceAccount for the new client id."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        if not order["policy"]["verification"]["token_exchange"]:
            return _NOT_ASKED
        client_id = order["identity"]["app_id"]
        return await each(
            _accepted(work, kube, old["namespace"], successor_of(plan, old), client_id)
            for old in plan["service_accounts"]
        )

    return await in_cluster("prove_new_identity", order, act)


@bp.activity_trigger(input_name="order")
async def move_workloads(order: Order) -> Json:
    """Re-wire: every workload onto the new ServiceAccount, scaled back to what it was."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await each(
            workloads.move(
                kube,
                workload,
                plan["new_names"][f"{workload['namespace']}/{workload['service_account']}"],
                order["incident"]["incident_id"],
            )
            for workload in plan["workloads"]
        )

    return await in_cluster("move_workloads", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def check_workloads(order: Order) -> Json:
    """Verify: rolled out, available, and every pod carries the new client id."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await each(
            workloads.is_healthy(kube, workload, order["identity"]["app_id"])
            for workload in plan["workloads"]
        )

    return await in_cluster("check_workloads", order, act)


@bp.activity_trigger(input_name="order")
async def retire_service_accounts(order: Order) -> Json:
    """Re-wire: the old ServiceAccounts no longer name any client id."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await each(
            service_accounts.retire(
                kube, old, successor_of(plan, old), order["incident"]["incident_id"]
            )
            for old in plan["survey"]["service_accounts"]
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
            _refused(work, kube, old, client_id)
            for old in plan["survey"]["service_accounts"]
            for client_id in (old_id, new_id)
            if client_id == old_id or successor_of(plan, old) != old["name"]
        )

    return await in_cluster("prove_old_subjects_refused", order, act)


async def _accepted(
    work: Work, kube: Kube, namespace: str, name: str, client_id: str
) -> StepResult:
    verdict = await token_exchange.probe(work.cloud, kube, namespace, name, client_id)
    if verdict["accepted"]:
        return {"status": "done", "detail": f"{namespace}/{name} gets a token"}
    return {"status": "failed", "detail": f"{namespace}/{name}: AADSTS{verdict['error_code']}"}


async def _refused(work: Work, kube: Kube, old: ServiceAccountRef, client_id: str) -> StepResult:
    verdict = await token_exchange.probe(work.cloud, kube, old["namespace"], old["name"], client_id)
    who = f"{old['namespace']}/{old['name']} for {client_id}"
    if verdict["accepted"]:
        return {"status": "failed", "detail": f"{who}: a token was issued"}
    if verdict["error_code"] not in REFUSALS:
        return {"status": "failed", "detail": f"{who}: AADSTS{verdict['error_code']} is no refusal"}
    return {"status": "done", "detail": f"{who}: AADSTS{verdict['error_code']}"}
