"""Responder: role assignments of a principal, at every scope that we can see.

Stops    what issued tokens can do in Azure: RBAC is asked for every request
Leaves   up to 10 minutes in which a resource still honours the old answer; grants that a group
         carries; access outside RBAC (Key Vault policies, SQL users, ACLs, account keys)
Undo     `ensure` with what `read_all` returned, for a principal that is clean
Needs    Microsoft.Authorization/roleAssignments/read, /write and /delete: Role Based Access Control
         Administrator at the scopes that are guarded
Source   https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
         https://learn.microsoft.com/rest/api/authorization/role-assignments
"""

import uuid

from structlog.contextvars import bound_contextvars

from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import (
    ConflictError,
    NotFoundError,
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.fan_out import failures, fan_out, worst
from responders.grants import ANY_SUBSCRIPTION, grants_of
from responders.model import Grant, Json, StepResult
from responders.patience import rounds
from responders.read_only import is_read_only
from responders.settings import checked_guid

# Names of the assignments that we make: the same grant always gets the same name, so a second run
# finds the first one's. A name must never be used again for another principal, and isn't: it is in it.
_NAMESPACE = uuid.UUID("0f5c9c1e-6c0e-5d57-9a54-6a1d1f6fd0b1")


async def read_all(cloud: Cloud, principal_object_id: str) -> list[Grant]:
    """Every direct grant, inherited ones included: at, above and below each visible subscription.

    Raises if any subscription can't be read: half a list must not pass for the whole.
    """
    grants, unread = await grants_of(cloud, principal_object_id)
    if unread:
        raise worst(unread, f"role assignments of {principal_object_id}")
    return grants


async def remove_all(cloud: Cloud, principal_object_id: str) -> StepResult:
    """Delete every direct grant, side by side, and read each back by its id. Safe to repeat.

    What can be read goes, even where other subscriptions can't be read; those are then the result.
    """
    grants, unread = await grants_of(cloud, principal_object_id)
    items: list[Json] = [dict(one) for one in grants]
    if not grants and not unread:
        detail = f"{principal_object_id} has no role assignment that we can see"
        return {"status": "nothing_to_do", "detail": detail, "items": []}
    if is_read_only():
        if unread:
            raise worst(unread, f"role assignments of {principal_object_id}")
        return {"status": "planned", "detail": f"delete {_names(items)}", "items": items}
    outcomes = await fan_out(grants, lambda one: _remove(cloud, one))
    gone = [dict(one) for one, error in outcomes if not isinstance(error, ResponderError)]
    broken = [*failures(outcomes), *unread]
    if not broken:
        return {"status": "done", "detail": f"deleted {_names(gone)}", "items": gone}
    error = worst(broken, f"role assignments of {principal_object_id}")
    if isinstance(error, RefusedError):
        done = f"; deleted {_names(gone)}" if gone else ""
        return {"status": "refused", "detail": f"{error}{done}", "items": gone}
    raise error


async def ensure(cloud: Cloud, new_principal_object_id: str, grants: list[Grant]) -> StepResult:
    """Give a new principal these grants, under names computed from them. Safe to repeat.

    Raises `TransientError` while RBAC has not heard of the new principal.
    """
    object_id = checked_guid(new_principal_object_id, "object id")
    outcomes = await fan_out(grants, lambda one: _ensure(cloud, object_id, one))
    items: list[Json] = [
        {
            "id": outcome[0],
            "scope": one["scope"],
            "role_definition_id": one["role_definition_id"],
            "role_name": one["role_name"],
            "principal_id": object_id,
            "created": outcome[1],
        }
        for one, outcome in outcomes
        if not isinstance(outcome, ResponderError)
    ]
    broken = failures(outcomes)
    if broken:
        error = worst(broken, f"role assignments for {object_id}")
        if isinstance(error, RefusedError):
            return {"status": "refused", "detail": str(error), "items": items}
        raise error
    created = [one for one in items if one["created"]]
    if not created:
        return {"status": "nothing_to_do", "detail": "all are there already", "items": items}
    if is_read_only():
        return {"status": "planned", "detail": f"create {_names(created)}", "items": items}
    return {"status": "done", "detail": f"created {_names(created)}", "items": items}


async def _remove(cloud: Cloud, grant: Grant) -> None:
    client = cloud.authorization(ANY_SUBSCRIPTION)
    what = f"role assignment {grant['role_name']} at {grant['scope']}"
    with bound_contextvars(responder="role_assignments.remove_all", target=grant["id"]):
        try:
            async with azure_call(f"delete {what}"):
                await client.role_assignments.delete_by_id(grant["id"])  # 204: gone already
        except NotFoundError:
            return
    async for _ in rounds():
        try:
            async with azure_call(f"read back {what}"):
                await client.role_assignments.get_by_id(grant["id"])
        except NotFoundError:
            return
    raise TransientError(f"{what} was deleted, but still reads back")


async def _ensure(cloud: Cloud, object_id: str, grant: Grant) -> tuple[str, bool]:
    """The id of the assignment, and whether it was missing. In plan mode it is only looked for."""
    from azure.mgmt.authorization.v2022_04_01.models import (  # noqa: PLC0415  200 ms, once
        RoleAssignmentCreateParameters,
    )

    client = cloud.authorization(ANY_SUBSCRIPTION)
    name = assignment_name(grant["scope"], object_id, grant["role_definition_id"])
    at = f"{grant['scope'].rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{name}"
    what = f"role assignment {grant['role_name']} at {grant['scope']} for {object_id}"
    if await _is_there(cloud, at, object_id, what):
        return at, False
    if is_read_only():
        return at, True
    wanted = RoleAssignmentCreateParameters(
        role_definition_id=grant["role_definition_id"],
        principal_id=object_id,
        principal_type="ServicePrincipal",  # else RBAC looks the principal up, and may not find it yet
        condition=grant["condition"],
        condition_version=grant["condition_version"],
        description=grant["description"],
    )
    with bound_contextvars(responder="role_assignments.ensure", target=at):
        try:
            async with azure_call(f"create {what}"):
                await client.role_assignments.create(grant["scope"], name, wanted)
        except ConflictError as error:
            if "RoleAssignmentExists" in str(error):
                return at, False  # the same grant under another name: it is given
            raise
    return at, True


async def _is_there(cloud: Cloud, assignment_id: str, object_id: str, what: str) -> bool:
    client = cloud.authorization(ANY_SUBSCRIPTION)
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


def _names(items: list[Json]) -> str:
    return ", ".join(f"{one['role_name']} at {one['scope']}" for one in items)
