"""What recovery did, taken back before anything else: the clusters' objects, and the identity that it made."""

import asyncio

import azure.durable_functions as df

from playbooks.in_cluster import each, in_cluster, whole
from playbooks.journaled import Keeping, Work, perform
from playbooks.orders import Json, Order
from playbooks.plan_model import ClusterPlan
from playbooks.steps import cluster_undos, restorable
from responders import (
    app_roles,
    federated_credentials,
    identity_trusts,
    key_vault_policies,
    memberships,
    oauth_grants,
    role_assignments,
    rollouts,
    service_principals,
    standing,
)
from responders.cloud import Cloud
from responders.kube import Kube
from responders.model import Incident, Principal, StepResult

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def take_back_cluster(order: Order) -> Json:
    """Restore: workloads, ServiceAccounts and consumers of one cluster as they were before the recovery."""

    async def act(work: Work, kube: Kube, part: ClusterPlan) -> Json:
        successor = await asyncio.to_thread(
            cluster_undos.successor_in, work.store, order["incident"]
        )
        return await cluster_undos.take_back(kube, part, order["incident"], successor)

    return await in_cluster("take_back_cluster", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def check_taken_back(order: Order) -> Json:
    """Verify: what recovery had moved is rolled out again, and every pod carries the old client id."""

    async def act(_work: Work, kube: Kube, part: ClusterPlan) -> Json:
        running = part["survey"]["workloads"]
        now = await standing.read(kube, running, pods=True)
        client_id = order["incident"]["principal"]["app_id"]
        return whole(
            [rollouts.is_healthy(one, now, one["service_account"], client_id) for one in running]
        )

    return await in_cluster("check_taken_back", order, act)


@bp.activity_trigger(input_name="order")
async def retire_successor(order: Order) -> Json:
    """Restore: the new identity opens nothing any more. It is kept: deleting it is one more decision."""
    made = order["facts"]["successor"]
    principal = _principal(order["incident"], made)

    async def act(work: Work) -> Json:
        levers = [
            role_assignments.remove_all(work.cloud, principal),
            app_roles.remove_all(work.cloud, principal),
            oauth_grants.remove_all(work.cloud, principal),
            memberships.remove_all(work.cloud, principal),
            key_vault_policies.remove_all(work.cloud, principal),
            _distrust(work.cloud, principal),
        ]
        if principal["kind"] == "application":
            levers.append(service_principals.disable(work.cloud, principal))
        return await each(levers)

    kept = Keeping(f"restore/{restorable.requested(order)['restore_id']}/retire_successor")
    answer = await perform(
        "retire_successor", order, act, target=made["object_id"], acts=True, keeping=kept
    )
    return {name: value for name, value in answer.items() if name != "items"}


async def _distrust(cloud: Cloud, principal: Principal) -> StepResult:
    if principal["application_object_id"] is not None:
        return await federated_credentials.remove_all(cloud, principal["application_object_id"])
    return await identity_trusts.remove_all(cloud, principal)


def _principal(incident: Incident, made: Json) -> Principal:
    """The new identity, as levers take one."""
    old = incident["principal"]
    return {
        **old,
        "kind": made["kind"],
        "object_id": made["object_id"],
        "app_id": made["app_id"],
        "application_object_id": made["application_object_id"],
        "resource_id": made["resource_id"],
        "display_name": made["display_name"],
    }
