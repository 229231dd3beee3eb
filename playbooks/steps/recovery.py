"""Steps 9 to 12: evict, rebuild, re-wire one cluster, prove the new identity and disprove the old."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import azure.durable_functions as df

from playbooks import plans
from playbooks.journaled import Work, as_data, perform
from playbooks.orders import Json, Order, folder
from responders import (
    applications,
    clusters,
    federated_credentials,
    role_assignments,
    service_accounts,
    token_exchange,
    workloads,
)
from responders.evidence import EvidenceStore, digest
from responders.kube import Kube
from responders.model import Incident, ServiceAccountRef, StepResult
from responders.verifications import REFUSALS

bp = df.Blueprint()
_Act = Callable[[Work, Kube, plans.ClusterPlan], Awaitable[Json]]


@bp.activity_trigger(input_name="order")
async def capture_pods(order: Order) -> Json:
    """Collect: specs and last log lines of every pod that runs as the identity, before it goes."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        cluster = plan["survey"]["cluster"]
        key = digest(cluster["resource_id"].lower().encode())[:8]
        path = f"{folder(order['incident'])}/pods/{cluster['name']}-{key}.json"
        if not work.store.exists(path):
            captured = await workloads.capture(kube, plan["survey"]["workloads"])
            work.store.put_json(path, captured)
        return {"status": "done", "detail": path}

    return await _in_cluster("capture_pods", order, act)


@bp.activity_trigger(input_name="order")
async def evict_workloads(order: Order) -> Json:
    """Evict: scale what runs as the identity to zero, so that no foothold sees the new one come up."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await _each(
            workloads.scale_to_zero(kube, workload, _id(order))
            for workload in plan["survey"]["workloads"]
        )

    return await _in_cluster("evict_workloads", order, act)


@bp.activity_trigger(input_name="order")
async def check_evicted(order: Order) -> Json:
    """Verify: of what can be scaled to zero no pod is left, terminating ones included."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await _each(
            workloads.is_stopped(kube, workload)
            for workload in plan["survey"]["workloads"]
            if workload["kind"] in {"Deployment", "StatefulSet"}
        )

    return await _in_cluster("check_evicted", order, act)


@bp.activity_trigger(input_name="order")
async def create_identity(order: Order) -> Json:
    """Rebuild: a new application under a new name. A crash must not make two of them."""

    async def act(work: Work) -> Json:
        identity = await applications.ensure_successor(
            work.cloud,
            order["incident"]["principal"],
            _id(order),
            _plan(work.store, order["incident"])["display_name"],
            intent_on_record=work.run > 1,
        )
        return {"status": "done", "detail": identity["app_id"], "identity": identity}

    return await perform("create_identity", order, act)


@bp.activity_trigger(input_name="order")
async def federate_identity(order: Order) -> Json:
    """Rebuild: the known-good trusts, for new subjects that no stolen token carries."""

    async def act(work: Work) -> StepResult:
        wanted = _plan(work.store, order["incident"])["federated_credentials"]
        application_id = order["identity"]["application_object_id"]
        return await federated_credentials.ensure(work.cloud, application_id, wanted)

    return await perform("federate_identity", order, act)


@bp.activity_trigger(input_name="order")
async def grant_roles(order: Order) -> Json:
    """Rebuild: the roles that the old identity had before the compromise window."""

    async def act(work: Work) -> StepResult:
        wanted = _plan(work.store, order["incident"])["grants"]
        return await role_assignments.ensure(work.cloud, order["identity"]["object_id"], wanted)

    return await perform("grant_roles", order, act)


@bp.activity_trigger(input_name="order")
async def create_service_accounts(order: Order) -> Json:
    """Re-wire: ServiceAccounts under new names, so under new subjects, naming the new client id."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await _each(
            service_accounts.ensure_successor(
                kube, old, _successor(plan, old), order["identity"]["app_id"], _id(order)
            )
            for old in plan["service_accounts"]
        )

    return await _in_cluster("create_service_accounts", order, act)


@bp.activity_trigger(input_name="order")
async def prove_new_identity(order: Order) -> Json:
    """Verify: the token endpoint accepts every new ServiceAccount for the new client id."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await _each(
            _accepted(work, kube, old["namespace"], _successor(plan, old), order)
            for old in plan["service_accounts"]
        )

    return await _in_cluster("prove_new_identity", order, act)


@bp.activity_trigger(input_name="order")
async def move_workloads(order: Order) -> Json:
    """Re-wire: every workload onto the new ServiceAccount, scaled back to what it was."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await _each(
            workloads.move(
                kube,
                workload,
                plan["new_names"][f"{workload['namespace']}/{workload['service_account']}"],
                _id(order),
            )
            for workload in plan["workloads"]
        )

    return await _in_cluster("move_workloads", order, act)


@bp.activity_trigger(input_name="order")
async def check_workloads(order: Order) -> Json:
    """Verify: rolled out, available, and every pod carries the new client id."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await _each(
            workloads.is_healthy(kube, workload, order["identity"]["app_id"])
            for workload in plan["workloads"]
        )

    return await _in_cluster("check_workloads", order, act)


@bp.activity_trigger(input_name="order")
async def retire_service_accounts(order: Order) -> Json:
    """Re-wire: the old ServiceAccounts no longer name any client id."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await _each(
            service_accounts.retire(kube, old, _successor(plan, old), _id(order))
            for old in plan["survey"]["service_accounts"]
        )

    return await _in_cluster("retire_service_accounts", order, act)


@bp.activity_trigger(input_name="order")
async def prove_old_subjects_refused(order: Order) -> Json:
    """Verify: a token of an old ServiceAccount opens neither the old identity nor the new one."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        client_ids = (order["incident"]["principal"]["app_id"], order["identity"]["app_id"])
        return await _each(
            _refused(work, kube, old, client_id)
            for old in plan["survey"]["service_accounts"]
            for client_id in client_ids
        )

    return await _in_cluster("prove_old_subjects_refused", order, act)


async def _in_cluster(step: str, order: Order, act: _Act) -> Json:
    """Connect to the order's cluster and act on its part of the plan."""
    cluster = order["cluster"]

    async def connected(work: Work) -> Json:
        everything = _plan(work.store, order["incident"])
        part = next(
            one
            for one in everything["clusters"]
            if one["survey"]["cluster"]["resource_id"] == cluster["resource_id"]
        )
        return await act(work, await clusters.connect(work.cloud, cluster), part)

    return await perform(step, order, connected, target=cluster["name"])


async def _each(answers: Iterable[Awaitable[StepResult]]) -> Json:
    """All side by side, none stopped by another; the whole is as good as its worst part."""
    worst = ("failed", "refused", "planned", "done", "nothing_to_do")
    results = await asyncio.gather(*(as_data(answer) for answer in answers))
    said = [result["detail"].rstrip(".") for result in results if result.get("detail")]
    return {
        "status": min((one["status"] for one in results), key=worst.index, default="nothing_to_do"),
        "detail": "; ".join(said),
        "items": results,
        "retry": any(one.get("retry") for one in results),
    }


async def _accepted(work: Work, kube: Kube, namespace: str, name: str, order: Order) -> StepResult:
    if not order["policy"]["verification"]["token_exchange"]:
        return {"status": "nothing_to_do", "detail": "switched off by policy"}
    client_id = order["identity"]["app_id"]
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


def _plan(store: EvidenceStore, incident: Incident) -> plans.Plan:
    plan: plans.Plan = store.get_json(f"{folder(incident)}/plan.json")
    return plan


def _successor(plan: plans.ClusterPlan, old: ServiceAccountRef) -> str:
    """The new name, or "none": what was made inside the window is retired without a successor."""
    return plan["new_names"].get(f"{old['namespace']}/{old['name']}", "none")


def _id(order: Order) -> str:
    return order["incident"]["incident_id"]
