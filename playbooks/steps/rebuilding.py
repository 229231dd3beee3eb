"""Step 10: a new application, its known-good trusts, its known-good roles."""

import azure.durable_functions as df

from playbooks.in_cluster import plan_of
from playbooks.journaled import Work, perform
from playbooks.orders import Json, Order
from responders import applications, federated_credentials, role_assignments
from responders.errors import RefusedError
from responders.model import StepResult

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def create_identity(order: Order) -> Json:
    """Rebuild: a new application under a new name. A crash must not make two of them."""

    async def act(work: Work) -> Json:
        identity = await applications.ensure_successor(
            work.cloud,
            order["incident"]["principal"],
            order["incident"]["incident_id"],
            plan_of(work.store, order["incident"])["display_name"],
            intent_on_record=work.run > 1,
        )
        return {"status": "done", "detail": identity["app_id"], "identity": identity}

    return await perform("create_identity", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def federate_identity(order: Order) -> Json:
    """Rebuild: the known-good trusts, for new subjects that no stolen token carries."""

    async def act(work: Work) -> StepResult:
        wanted = plan_of(work.store, order["incident"])["federated_credentials"]
        application_id = order["identity"]["application_object_id"]
        if application_id is None:
            raise RefusedError(f"{order['identity']['display_name']} is no application")
        return await federated_credentials.ensure(work.cloud, application_id, wanted)

    return await perform("federate_identity", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def grant_roles(order: Order) -> Json:
    """Rebuild: the roles that the old identity had before the compromise window."""

    async def act(work: Work) -> StepResult:
        wanted = plan_of(work.store, order["incident"])["grants"]
        return await role_assignments.ensure(work.cloud, order["identity"]["object_id"], wanted)

    return await perform("grant_roles", order, act, acts=True)
