"""One role assignment for a new principal, under a name computed from it.

Source   https://learn.microsoft.com/rest/api/authorization/role-assignments/create
         https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

import uuid
from typing import Final

from structlog.contextvars import bound_contextvars

from responders import grants
from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ConflictError, NotFoundError, RefusedError, ResponderError
from responders.model import Change, Grant, Json, Status, StepResult
from responders.needs import ASSIGNMENTS, AzureNeed, Needs
from responders.read_only import is_read_only

# Names of the assignments that we make: the same grant always gets the same name, so a second run
# finds the first one's. A name must never be used again for another principal, and isn't: it is in it.
_NAMESPACE = uuid.UUID("0f5c9c1e-6c0e-5d57-9a54-6a1d1f6fd0b1")
# What Resource Manager says of a scope that is not there, as against a definition or an assignment.
# https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found
_SCOPE_GONE = ("ResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound")
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{ASSIGNMENTS}/read", "whether the role is there", ("_is_there",)),
        AzureNeed(f"{ASSIGNMENTS}/write", "give a role", ("_is_created",)),
    ),
)


async def ensure(cloud: Cloud, object_id: str, grant: Grant) -> Json:
    """The assignment, and whether it was missing. In plan mode it is only looked for."""
    name = assignment_name(grant["scope"], object_id, grant["role_definition_id"])
    at = f"{grant['scope'].rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{name}"
    return {
        "id": at,
        "scope": grant["scope"],
        "role_definition_id": grant["role_definition_id"],
        "role_name": grant["role_name"],
        "condition": grant["condition"],
        "principal_id": object_id,
        "created": await _is_created(cloud, object_id, grant, at),
    }


async def _is_created(cloud: Cloud, object_id: str, grant: Grant, at: str) -> bool:
    from azure.mgmt.authorization.v2022_04_01.models import (  # noqa: PLC0415  200 ms, once
        RoleAssignmentCreateParameters,
    )

    client = cloud.authorization(grants.ANY_SUBSCRIPTION)
    what = f"role assignment {grant['role_name']} at {grant['scope']} for {object_id}"
    if await _is_there(cloud, at, object_id, what):
        return False
    if is_read_only():
        return True
    wanted = RoleAssignmentCreateParameters(
        role_definition_id=grant["role_definition_id"],
        principal_id=object_id,
        principal_type="ServicePrincipal",  # else RBAC looks the principal up, and may not find it yet
        condition=grant["condition"],
        condition_version=grant["condition_version"],
        description=grant["description"],
        delegated_managed_identity_resource_id=grant.get("delegated_managed_identity_resource_id"),
    )
    with bound_contextvars(responder="role_assignments.ensure", target=at):
        try:
            async with azure_call(f"create {what}"):
                await client.role_assignments.create(grant["scope"], at.rpartition("/")[2], wanted)
        except ConflictError as error:
            if "RoleAssignmentExists" in str(error):
                return False  # the same grant under another name: it is given
            raise
    return True


async def _is_there(cloud: Cloud, assignment_id: str, object_id: str, what: str) -> bool:
    client = cloud.authorization(grants.ANY_SUBSCRIPTION)
    try:
        async with azure_call(f"look for {what}"):
            found = await client.role_assignments.get_by_id(assignment_id)
    except NotFoundError:
        return False
    if str(found.principal_id).lower() != object_id:
        raise RefusedError(f"{assignment_id} belongs to another principal, {found.principal_id}")
    return True


def assignment_name(scope: str, principal_object_id: str, role_definition_id: str) -> str:
    """The same GUID for the same grant, and another one for any other: names are unique in a tenant."""
    role = role_definition_id.rpartition("/")[2].lower()
    key = f"{scope.rstrip('/').lower()}|{principal_object_id.lower()}|{role}"
    return str(uuid.uuid5(_NAMESPACE, key))


def is_scope_gone(error: ResponderError) -> bool:
    """Whether there is nothing any more that a role could be given at."""
    return isinstance(error, NotFoundError) and any(f" {one}:" in str(error) for one in _SCOPE_GONE)


def answer(status: Status, detail: str, items: list[Json]) -> StepResult:
    """Every grant, and before and after of those that were made."""
    changes: list[Change] = [
        {
            "object": f"role assignment {one['id']}",
            "before": "not granted",
            "after": f"{one['role_name']} at {one['scope']}"
            + (f", if {one['condition']}" if one["condition"] else ""),
        }
        for one in items
        if one["created"]
    ]
    return {"status": status, "detail": detail, "items": items, "changes": changes}


def by_hand(object_id: str, given: list[Grant]) -> list[str]:
    """What a person would run."""
    return [
        f"az role assignment create --assignee-object-id {object_id} "
        f"--assignee-principal-type ServicePrincipal --role '{one['role_definition_id']}' "
        f"--scope '{one['scope']}'"
        + (
            f" --condition '{one['condition']}' --condition-version {one['condition_version']}"
            if one["condition"]
            else ""
        )
        for one in given
    ]
