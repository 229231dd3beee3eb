"""GitOps controllers that own what is moved wait meanwhile, where policy.toml [recovery] gitops is "suspend"."""

import azure.durable_functions as df

from playbooks import plans
from playbooks.in_cluster import each, in_cluster
from playbooks.journaled import Work
from playbooks.orders import Json, Order
from responders import gitops_owners
from responders.kube import Kube
from responders.model import GitOpsOwner

bp = df.Blueprint()


def owners_of(plan: plans.ClusterPlan) -> list[GitOpsOwner]:
    """Whose objects an incident changes in this cluster, each owner once."""
    survey = plan["survey"]
    marks = [one.get("owner") for one in survey["workloads"]]
    marks += [one.get("owner") for one in survey["service_accounts"]]
    marks += [one["owner"] for one in plan["consumers"]]
    return gitops_owners.distinct(marks)


@bp.activity_trigger(input_name="order")
async def suspend_owners(order: Order) -> Json:
    """Evict: controllers that would put everything back write nothing until Git says what the cluster says."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        incident_id = order["incident"]["incident_id"]
        return await each(gitops_owners.suspend(kube, one, incident_id) for one in owners_of(plan))

    return await in_cluster("suspend_owners", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def resume_owners(order: Order) -> Json:
    """Re-wire: controllers go on that have nothing to put back, or of which a person says so. The others wait."""

    async def act(_work: Work, kube: Kube, plan: plans.ClusterPlan) -> Json:
        incident_id, told = order["incident"]["incident_id"], bool(order["facts"]["owners_go_on"])
        return await each(
            gitops_owners.resume(kube, one, incident_id, told=told) for one in owners_of(plan)
        )

    return await in_cluster("resume_owners", order, act, acts=True)
