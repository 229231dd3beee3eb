"""Step 11, for people: what has to change in Git, and what has to be made again, as files in the evidence."""

import asyncio

import azure.durable_functions as df

from playbooks import plans
from playbooks.in_cluster import in_cluster, pods_path
from playbooks.journaled import Work
from playbooks.orders import Json, Order, folder
from responders import made_again, manifest_patches, standing
from responders.evidence import digest
from responders.kube import Kube
from responders.model import WorkloadRef
from responders.workload_objects import service_account_of

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def write_manifest_patches(order: Order) -> Json:
    """Record: what has to change in Git, where a controller would put the old back; what a person makes again."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        said = [
            *await _for_git(work, kube, order, plan),
            *await _to_make_again(work, kube, order, plan),
        ]
        if not said:
            detail = "no controller owns what is moved, and nothing has to be made again"
            return {"status": "nothing_to_do", "detail": detail}
        return {"status": "done", "detail": "; ".join(said), "by_hand": said}

    return await in_cluster("write_manifest_patches", order, act)


async def _for_git(work: Work, kube: Kube, order: Order, plan: plans.ClusterPlan) -> list[str]:
    client_id, names = order["identity"]["app_id"], plan["new_names"]
    patches = [
        *manifest_patches.of_accounts(plan["survey"]["service_accounts"], names, client_id),
        *manifest_patches.of_workloads(plan["workloads"], names, client_id),
        *manifest_patches.of_consumers(plan["consumers"], client_id),
    ]
    if not patches:
        return []
    path = await _put(work, order, kube.cluster, manifest_patches.as_yaml(patches))
    whose = ", ".join(manifest_patches.owners(patches))
    return [f"# put {path} of the evidence into the Git source of {whose}"]


async def _to_make_again(
    work: Work, kube: Kube, order: Order, plan: plans.ClusterPlan
) -> list[str]:
    """Bare pods, from what was captured of them, and Jobs that get another ServiceAccount, from what stands."""
    old_id, new_id = order["incident"]["principal"]["app_id"], order["identity"]["app_id"]
    found = []
    for ref, one in await _unchangeable(work, kube, order, plan):
        account = plan["new_names"][f"{ref['namespace']}/{ref['service_account']}"]
        make = made_again.of_pod if ref["kind"] == "Pod" else made_again.of_job
        found.append(make(one, account, old_id, new_id))
    if not found:
        return []
    text = made_again.as_yaml(found)
    path = await _put(work, order, f"{kube.cluster}-made-again", text)
    empty = [
        f"{one['kind']} {one['metadata']['name']}{at}"
        for one in found
        for at in made_again.cut_out(one)
    ]
    fill = f", with what was cut out as a possible secret: {', '.join(empty)}" if empty else ""
    return [f"kubectl --context {kube.cluster} replace --force -f <{path} of the evidence{fill}>"]


async def _unchangeable(
    work: Work, kube: Kube, order: Order, plan: plans.ClusterPlan
) -> list[tuple[WorkloadRef, Json]]:
    pods = [one for one in plan["workloads"] if one["kind"] == "Pod"]
    jobs = [one for one in plan["workloads"] if one["kind"] == "Job"]
    names = plan["new_names"]
    found: list[tuple[WorkloadRef, Json]] = []
    path = pods_path(order["incident"], order["cluster"])
    there = bool(pods)
    if there:
        there = await asyncio.to_thread(work.store.exists, path)
    if there:
        captured = await asyncio.to_thread(work.store.get_json, path)
        by_name = {(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in captured}
        kept = [(one, by_name.get((one["namespace"], one["name"]))) for one in pods]
        found += [(ref, one) for ref, one in kept if one is not None]
    now = await standing.read(kube, jobs) if jobs else standing.Standing()
    for ref in jobs:
        job = now.of(ref)
        moved = names[f"{ref['namespace']}/{ref['service_account']}"]
        if job is not None and service_account_of(job["spec"]["template"]["spec"]) != moved:
            found.append((ref, job))
    return found


async def _put(work: Work, order: Order, name: str, text: str) -> str:
    data = text.encode()
    path = f"{folder(order['incident'])}/gitops/{name}-{digest(data)[:8]}.yaml"
    await asyncio.to_thread(work.store.put, path, data)
    return path
