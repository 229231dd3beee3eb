"""Responder: role assignments of a principal, at every scope that we can see.

Stops    what issued tokens can do in Azure: RBAC is asked for every request
Leaves   up to 10 minutes in which a resource still honours the old answer; grants that a group
         carries (`group_grants` names them); access outside RBAC (Key Vault policies, SQL users, ACLs, account keys)
Undo     `ensure` with what `read_all` returned, for a principal that is clean
Needs    Microsoft.Authorization/roleAssignments/read, /write and /delete: Role Based Access Control
         Administrator at the scopes that are guarded
Source   https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
         https://learn.microsoft.com/rest/api/authorization/role-assignments
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from structlog.contextvars import bound_contextvars

from responders import grant_removals, grants
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
from responders.model import Change, Grant, Json, Principal, Status, StepResult
from responders.read_only import is_read_only
from responders.settings import checked_guid

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment

# Names of the assignments that we make: the same grant always gets the same name, so a second run
# finds the first one's. A name must never be used again for another principal, and isn't: it is in it.
_NAMESPACE = uuid.UUID("0f5c9c1e-6c0e-5d57-9a54-6a1d1f6fd0b1")


async def read_all(cloud: Cloud, principal_object_id: str) -> list[Grant]:
    """Every direct grant, inherited ones included: at, above and below each visible scope.

    Raises if any subscription can't be read: half a list must not pass for the whole.
    """
    seen = await grants.of(cloud, principal_object_id)
    if seen.unread:
        raise worst(seen.unread, f"role assignments of {principal_object_id}")
    found = seen.found.values()
    return grants.described(found, await grants.role_names(cloud, found))


async def read_known(
    cloud: Cloud, principal_object_id: str, *, insist: bool
) -> tuple[list[Grant], str | None]:
    """Every grant that can be read, and why there may be more: what can't be read can't be deleted either.

    With `insist` it raises where time may still help.
    """
    known: list[Grant] = []
    try:
        seen = await grants.of(cloud, principal_object_id)
        found = seen.found.values()
        known = grants.described(found, await grants.role_names(cloud, found))
        if not seen.unread:
            return known, None
        raise worst(seen.unread, f"role assignments of {principal_object_id}")
    except ResponderError as error:
        if insist and isinstance(error, TransientError):
            raise
        return known, str(error)


async def group_grants(cloud: Cloud, principal_object_id: str) -> list[Json]:
    """Grants that groups carry to it, each with `group_id`. They end with the membership."""
    seen = await grants.carried_by_groups(cloud, principal_object_id)
    if seen.unread:
        raise worst(seen.unread, f"role assignments that groups carry to {principal_object_id}")
    found = seen.found.values()
    carried = grants.described(found, await grants.role_names(cloud, found))
    return [{**one, "group_id": one["principal_id"]} for one in carried]


async def remove_all(cloud: Cloud, principal: Principal) -> StepResult:
    """Delete every direct grant, side by side, and list again until none is left. Safe to repeat.

    What can be read goes, even where other subscriptions can't be read; those are then the result.
    One that is given meanwhile goes too.
    """
    object_id = checked_guid(principal["object_id"], "object id")
    what = f"role assignments of {object_id}"
    seen = await grants.of(cloud, object_id)
    if not seen.found and not seen.unread:
        detail = f"{object_id} has no role assignment that we can see{_remarks(seen.gaps)}"
        return {"status": "nothing_to_do", "detail": detail, "items": []}
    if is_read_only():
        if seen.unread:
            raise worst(seen.unread, what)
        planned = await _described(cloud, seen.found, {})
        return _removal("planned", f"delete {_names(planned)}{_remarks(seen.gaps)}", planned)
    names, (gone, broken) = await asyncio.gather(
        grants.role_names(cloud, seen.found.values()), grant_removals.remove(cloud, object_id, seen)
    )
    removed = await _described(cloud, gone, names)
    if not broken:
        return _removal("done", f"deleted {_names(removed)}{_remarks(seen.gaps)}", removed)
    error = worst(broken, what)
    if isinstance(error, RefusedError):
        done = f"; deleted {_names(removed)}" if removed else ""
        return _removal("refused", f"{error}{done}{_remarks(seen.gaps)}", removed)
    raise error


def by_hand(principal: Principal) -> list[str]:
    """The commands that do the same. `--all` covers one subscription, so it is said for each."""
    object_id = principal["object_id"]
    of_it = f"tostring(properties.principalId) =~ '{object_id}'"
    query = (
        "authorizationresources | where type =~ 'microsoft.authorization/roleassignments' "
        f"| where {of_it} | project id, scope = properties.scope"
    )
    return [
        f"az role assignment list --all --assignee {object_id} --subscription <each>",
        f'az graph query -q "{query}"',
        "az role assignment delete --ids <id> ...",
    ]


async def ensure(cloud: Cloud, new_principal_object_id: str, given: list[Grant]) -> StepResult:
    """Give a new principal the given grants, under names computed from them. Safe to repeat.

    Raises `TransientError` while RBAC has not heard of the new principal.
    """
    object_id = checked_guid(new_principal_object_id, "object id")
    outcomes = await fan_out(given, lambda one: _ensure(cloud, object_id, one))
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


async def _described(
    cloud: Cloud, found: "dict[str, RoleAssignment]", names: Mapping[str, str]
) -> list[Grant]:
    return grants.described(found.values(), await grants.role_names(cloud, found.values(), names))


def _removal(status: Status, detail: str, removed: list[Grant]) -> StepResult:
    changes: list[Change] = [
        {
            "object": f"role assignment {one['id']}",
            "before": f"{one['role_name']} at {one['scope']}"
            + (f", if {one['condition']}" if one["condition"] else ""),
            "after": "deleted",
        }
        for one in removed
    ]
    items: list[Json] = [dict(one) for one in removed]
    return {"status": status, "detail": detail, "items": items, "changes": changes}


def _remarks(gaps: list[str]) -> str:
    return "".join(f"; {one}" for one in gaps)


async def _ensure(cloud: Cloud, object_id: str, grant: Grant) -> tuple[str, bool]:
    """The id of the assignment, and whether it was missing. In plan mode it is only looked for."""
    from azure.mgmt.authorization.v2022_04_01.models import (  # noqa: PLC0415  200 ms, once
        RoleAssignmentCreateParameters,
    )

    client = cloud.authorization(grants.ANY_SUBSCRIPTION)
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


def _names(items: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['role_name']} at {one['scope']}" for one in items)
