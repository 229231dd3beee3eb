"""Step 9: keep what the pods can tell, stop them, and see that they are gone."""

import asyncio

import azure.durable_functions as df

from playbooks import plans
from playbooks.in_cluster import each, in_cluster
from playbooks.journaled import Work
from playbooks.orders import Json, Order, folder
from responders import workloads
from responders.evidence import digest
from responders.kube import Kube

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def capture_pods(order: Order) -> Json:
    """Collect: specs and last log lines of every pod that runs as the identity, before it goes."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        cluster = plan["survey"]["cluster"]
        key = digest(cluster["resource_id"].lower().encode())[:8]
        path = f"{folder(order['incident'])}/pods/{cluster['name']}-{key}.json"
        if not await asyncio.to_thread(work.store.exists, path):
            captured = await workloads.capture(kube, plan["survey"]["workloads"])
            await asyncio.to_thread(work.store.put_json, path, captured)
        return {"status": "done", "detail": path}

    return await in_cluster("capture_pods", order, act)


@bp.activity_trigger(input_name="order")
async def evict_workloads(order: Order) -> Json:
    """Evict: scale what runs as the identity to zero, so that no foothold sees the new one come up."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await each(
            workloads.scale_to_zero(kube, workload, order["incident"]["incident_id"])
            for workload in plan["survey"]["workloads"]
        )

    return await in_cluster("evict_workloads", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def check_evicted(order: Order) -> Json:
    """Verify: of what can be scaled to zero no pod is left, terminating ones included."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        return await each(
            workloads.is_stopped(kube, workload)
            for workload in plan["survey"]["workloads"]
            if workload["kind"] in {"Deployment", "StatefulSet"}
        )

    return await in_cluster("check_evicted", order, act)
