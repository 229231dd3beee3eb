"""Steps 1 to 4: guards, the reversible lever, the snapshot, every other lever, and the proof."""

import azure.durable_functions as df

from playbooks.journaled import Work, perform
from playbooks.orders import Json, Order, folder
from responders import (
    applications,
    credentials,
    federated_credentials,
    guards,
    role_assignments,
    service_principals,
    snapshots,
    verifications,
)
from responders.model import StepResult

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def check_guards(order: Order) -> Json:
    """Guard: may we act on this principal at all? An error reading a guard is a refusal."""
    protected, acting = order["policy"]["guards"]["protected"], order["policy"]["guards"]["acting"]
    return await perform(
        "check_guards",
        order,
        lambda work: guards.check(
            work.cloud, order["incident"]["principal"], protected=protected, acting=acting
        ),
    )


@bp.activity_trigger(input_name="order")
async def disable_service_principal(order: Order) -> Json:
    """Contain: no new token for this service principal. Reversible, so it goes first."""
    return await perform(
        "disable_service_principal",
        order,
        lambda work: service_principals.disable(work.cloud, order["incident"]["principal"]),
    )


@bp.activity_trigger(input_name="order")
async def take_snapshot(order: Order) -> Json:
    """Record: the identity as it stands, and so the undo of every later step."""

    async def act(work: Work) -> StepResult:
        path = f"{folder(order['incident'])}/snapshot.json"
        if work.store.exists(path):
            detail = f"{path} stands: the first one is the truest"
            return {"status": "nothing_to_do", "detail": detail}
        work.store.put_json(path, await snapshots.take(work.cloud, order["incident"]))
        return {"status": "done", "detail": path}

    return await perform("take_snapshot", order, act)


@bp.activity_trigger(input_name="order")
async def deactivate_application(order: Order) -> Json:
    """Contain: no new token for the application in any tenant. Reversible."""
    return await perform(
        "deactivate_application",
        order,
        lambda work: applications.deactivate(work.cloud, order["incident"]["principal"]),
    )


@bp.activity_trigger(input_name="order")
async def remove_federated_credentials(order: Order) -> Json:
    """Contain: no workload anywhere federates into the application any more."""

    async def act(work: Work) -> StepResult:
        application_id = order["incident"]["principal"]["application_object_id"]
        if application_id is None:
            return {"status": "nothing_to_do", "detail": "the application is in another tenant"}
        return await federated_credentials.remove_all(work.cloud, application_id)

    return await perform("remove_federated_credentials", order, act)


@bp.activity_trigger(input_name="order")
async def remove_application_credentials(order: Order) -> Json:
    """Contain: secrets and keys of the application."""
    return await perform(
        "remove_application_credentials",
        order,
        lambda work: credentials.remove_from_application(
            work.cloud, order["incident"]["principal"]
        ),
    )


@bp.activity_trigger(input_name="order")
async def remove_service_principal_credentials(order: Order) -> Json:
    """Contain: secrets and keys that sit on the service principal itself."""
    return await perform(
        "remove_service_principal_credentials",
        order,
        lambda work: credentials.remove_from_service_principal(
            work.cloud, order["incident"]["principal"]
        ),
    )


@bp.activity_trigger(input_name="order")
async def remove_role_assignments(order: Order) -> Json:
    """Contain: issued tokens have nothing left to open."""
    return await perform(
        "remove_role_assignments",
        order,
        lambda work: role_assignments.remove_all(
            work.cloud, order["incident"]["principal"]["object_id"]
        ),
    )


@bp.activity_trigger(input_name="order")
async def verify_containment(order: Order) -> Json:
    """Verify: read every lever back, and ask the token endpoint as the workload would."""

    async def act(work: Work) -> StepResult:
        snapshot = work.store.get_json(f"{folder(order['incident'])}/snapshot.json")
        return await verifications.containment(
            work.cloud,
            order["incident"]["principal"],
            snapshot["federated_credentials"],
            ask_token_endpoint=order["policy"]["verification"]["token_exchange"],
        )

    return await perform("verify_containment", order, act)
