"""Responder: role assignments as a repository declares them: given, their condition set right, taken away by their id.

Stops    what a removed assignment allowed: RBAC is asked for every request
Leaves   up to 10 minutes in which a resource still honours the old answer
Undo     `remove` with what `ensure` created; `ensure` with what was removed or changed
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/authorization/role-assignments/create
         https://learn.microsoft.com/azure/role-based-access-control/conditions-role-assignments-rest
"""

from typing import Final

from structlog.contextvars import bound_contextvars

from responders import grant_additions
from responders.cloud import Cloud
from responders.errors import NotFoundError, RefusedError
from responders.model import Grant, Json
from responders.needs import ASSIGNMENTS, AzureNeed, Needs

_VERSION = "2022-04-01"
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{ASSIGNMENTS}/read", "roles that a run gave", ("ensure", "remove")),
        AzureNeed(f"{ASSIGNMENTS}/write", "give declared roles", ("ensure",)),
        AzureNeed(f"{ASSIGNMENTS}/delete", "take back a role that a run gave", ("remove",)),
    ),
)


def assignment_id(object_id: str, wanted: Json) -> str:
    """Where the assignment is that `ensure` makes: its name is computed from what it gives to whom."""
    name = grant_additions.assignment_name(wanted["scope"], object_id, wanted["role_definition_id"])
    scope = wanted["scope"].rstrip("/")
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"


async def ensure(cloud: Cloud, object_id: str, wanted: Json, existing: str | None) -> None:
    """Give it; or set the condition of the one that exists under this id. Safe to repeat."""
    if existing is None:
        await grant_additions.ensure(cloud, object_id, grant_of(object_id, wanted))
        return
    body: Json = {
        "properties": {
            "roleDefinitionId": wanted["role_definition_id"],
            "principalId": object_id,
            "principalType": "ServicePrincipal",
            "condition": wanted["condition"],
            "conditionVersion": wanted["condition_version"],
        }
    }
    with bound_contextvars(responder="declared_grants.ensure", target=existing):
        await cloud.arm.put(existing, _VERSION, body)


async def remove(cloud: Cloud, object_id: str, at: str) -> None:
    """Delete the assignment of this id, if it is this principal's. Safe to repeat."""
    try:
        found = await cloud.arm.get(at, _VERSION)
    except NotFoundError:
        return
    holder = str((found.get("properties") or {}).get("principalId", ""))
    if holder.lower() != object_id.lower():
        raise RefusedError(f"{at} belongs to another principal, {holder}")
    with bound_contextvars(responder="declared_grants.remove", target=at):
        await cloud.arm.delete(at, _VERSION)


def grant_of(object_id: str, wanted: Json) -> Grant:
    """As other responders read grants."""
    return {
        "id": "",
        "scope": wanted["scope"],
        "role_definition_id": wanted["role_definition_id"],
        "role_name": wanted["role_name"],
        "principal_id": object_id,
        "principal_type": "ServicePrincipal",
        "condition": wanted["condition"],
        "condition_version": wanted["condition_version"],
        "description": "declared; made by Firebreak",
        "created_on": None,
        "created_by": None,
    }
