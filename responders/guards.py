"""Responder: whether this principal may be acted on at all.

Stops    us
Leaves   everything as it is
Undo     none needed
Needs    nothing beyond the app's own token
Source   https://learn.microsoft.com/graph/api/resources/serviceprincipal (servicePrincipalType)

Every guard fails closed: what can't be read refuses.
"""

from responders.cloud import Cloud
from responders.errors import RefusedError, ResponderError
from responders.model import Principal, StepResult

_WHY = {
    "application_without_principal": "an application without a service principal",
    "system_assigned_identity": "a managed identity: its levers are in Azure Resource Manager",
    "user_assigned_identity": "a managed identity: its levers are in Azure Resource Manager, "
    "which this playbook does not pull yet; contain it by removing its role assignments",
    "foreign_application": "an application of another tenant: only its service principal is ours, "
    "which this playbook does not cover yet; disable the service principal by hand",
    "unsupported": "a Microsoft first-party or otherwise unsupported principal: never touched",
}


async def check(
    cloud: Cloud, principal: Principal, *, protected: list[str], acting: bool
) -> StepResult:
    """Done when every guard lets us through. Raises `RefusedError` naming the guard that does not."""
    if not acting:
        raise RefusedError("kill switch: policy.toml [guards] acting = false")
    ids = {principal["object_id"], principal["app_id"], principal["application_object_id"]}
    named = {one.lower() for one in ids if one} & {one.lower() for one in protected}
    if named:
        raise RefusedError(
            f"protected: {', '.join(sorted(named))} in policy.toml [guards] protected"
        )
    if principal["kind"] != "application":
        raise RefusedError(f"{principal['display_name']} is {_WHY[principal['kind']]}")
    try:
        own = await cloud.own_object_id()
    except ResponderError as error:
        raise RefusedError(f"can't tell whether this is our own identity: {error}") from error
    if own.lower() == principal["object_id"].lower():
        raise RefusedError("this is Firebreak's own identity: a person has to act on it")
    return {
        "status": "done",
        "detail": "not protected, not ourselves, an application of our tenant",
    }
