"""Before anything is changed anywhere: can all that the plan wants be done in this cluster, as it is now?"""

import asyncio

import azure.durable_functions as df

from playbooks import plans
from playbooks.in_cluster import in_cluster
from playbooks.journaled import Work
from playbooks.orders import Json, Order
from playbooks.plan_files import plan_of
from playbooks.steps.gitops_pauses import owners_of
from responders import argo_rollouts, clusters, gitops_owners, preflight, signing_key_rotations
from responders.cloud import Cloud
from responders.kube import Kube
from responders.looking import as_containment
from responders.model import ClusterRef

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def preflight_cluster(order: Order) -> Json:
    """Verify: the API server answers, every verb is allowed where it is needed, and pods would start."""

    async def act(work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        survey = plan["survey"]
        namespaces = {one["namespace"] for one in survey["service_accounts"]}
        namespaces |= {one["namespace"] for one in survey["workloads"]}
        more: list[preflight.Question] = []
        if order["policy"]["recovery"]["gitops"] == "suspend":
            more = gitops_owners.needed(owners_of(plan))
        more = [*more, *argo_rollouts.needed(survey["workloads"])]
        reader = await work.cloud.acting_as("containment")
        apart = None if reader is work.cloud else kube
        checked = await _checked(work.cloud, order["cluster"], sorted(namespaces), more, apart)
        whole = await asyncio.to_thread(plan_of, work.store, order["incident"])
        if checked["status"] == "done" and whole["refederation"]["method"] == "rotate_keys":
            missing = await signing_key_rotations.missing_right(work.cloud, order["cluster"])
            return {"status": "refused", "detail": missing} if missing else checked
        return checked

    answer = await in_cluster("preflight_cluster", order, act)
    hint = clusters.how_to_reach(order["cluster"])
    if answer["status"] != "failed" or not hint:
        return answer
    return {**answer, "detail": f"{answer['detail']}; {hint}"}


@as_containment
async def _checked(
    cloud: Cloud,
    cluster: ClusterRef,
    namespaces: list[str],
    more: list[preflight.Question],
    acting: Kube | None,
) -> Json:
    """`acting` is asked what it may do; what that depends on is read by the identity that reads."""
    reading = await clusters.connect(cloud, cluster)
    return dict(await preflight.check(reading, namespaces, more, acting=acting))
