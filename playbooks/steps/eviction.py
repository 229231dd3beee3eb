"""Step 9: keep what the pods can tell, stop them, and see that they are gone."""

import asyncio

import azure.durable_functions as df

from playbooks import plans
from playbooks.in_cluster import each, in_cluster, pods_path, whole
from playbooks.journaled import Work
from playbooks.orders import Json, Order
from responders import evictions, quarantines, standing, workloads
from responders.kube import Kube

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def capture_pods(order: Order) -> Json:
    """Collect: specs and last log lines of every pod that runs as the identity, before it goes."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        path = pods_path(order["incident"], plan["survey"]["cluster"])
        if not await asyncio.to_thread(work.store.exists, path):
            captured = await workloads.capture(kube, plan["survey"]["workloads"])
            await asyncio.to_thread(work.store.put_json, path, captured)
        return {"status": "done", "detail": path}

    return await in_cluster("capture_pods", order, act)


@bp.activity_trigger(input_name="order")
async def quarantine_workloads(order: Order) -> Json:
    """Evict: a NetworkPolicy around the pods of each workload, before anybody touches them."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        running = plan["survey"]["workloads"]
        now = await standing.read(kube, running)
        incident_id = order["incident"]["incident_id"]
        answer = await each(quarantines.fence_in(kube, one, now, incident_id) for one in running)
        remark = quarantines.not_enforced(order["cluster"])
        return {**answer, "detail": "; ".join(filter(None, (remark, answer["detail"])))}

    return await in_cluster("quarantine_workloads", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def evict_workloads(order: Order) -> Json:
    """Evict: stop whatever runs as the identity, so that no foothold sees the new one come up."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        running, incident_id = plan["survey"]["workloads"], order["incident"]["incident_id"]
        now = await standing.read(kube, running)
        jobs = [(one, job) for one in running for job in now.below(one, "Job")]
        # What makes Jobs is suspended first, or it makes another one.
        tops = await each(evictions.stop(kube, one, now, incident_id) for one in running)
        made = await each(evictions.stop_job_of(kube, *one, incident_id) for one in jobs)
        return whole([*tops["items"], *made["items"]])

    return await in_cluster("evict_workloads", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def check_evicted(order: Order) -> Json:
    """Verify: no pod is left, terminating ones included."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        running = plan["survey"]["workloads"]
        now = await standing.read(kube, running, pods=True)
        return whole([evictions.is_stopped(one, now) for one in running])

    return await in_cluster("check_evicted", order, act)
