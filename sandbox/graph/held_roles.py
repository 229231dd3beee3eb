"""Which directory roles somebody holds now: assigned to him, or to a role-assignable group that he is in.

Faithful    roles are looked up at the call, so that a role that was taken away is gone at once; `wids` of the token
            count too, as they say what the caller held when it was issued
Left out    roles over a single object or administrative unit give no rights here
Source      https://learn.microsoft.com/entra/identity/role-based-access-control/custom-overview
            https://learn.microsoft.com/entra/identity/role-based-access-control/groups-concept
"""

from collections.abc import Set

from sandbox.graph.exchange import Request
from sandbox.world import World

_TENANT = "/"


def suffices(request: Request, app_roles: Set[str]) -> bool:
    """Whether the app's token carries one of these permissions."""
    held = request.caller.roles & app_roles
    request.world.used.note(request.caller.object_id, "graph", held)
    return bool(held)


def of_caller(request: Request) -> set[str]:
    """Role templates that the caller acts with."""
    return templates(request.world, request.caller.object_id) | set(
        request.caller.claims.get("wids", [])
    )


def templates(world: World, object_id: str) -> set[str]:
    """Role templates over the whole tenant."""
    holders = {object_id, *_carriers(world, object_id)}
    return {
        str(each["roleDefinitionId"])
        for each in world.directory.role_assignments.values()
        if each["principalId"] in holders and each["directoryScopeId"] == _TENANT
    }


def assigned(world: World, object_id: str) -> set[str]:
    """Role templates over the whole tenant that were assigned to it directly."""
    return {
        str(each["roleDefinitionId"])
        for each in world.directory.role_assignments.values()
        if each["principalId"] == object_id and each["directoryScopeId"] == _TENANT
    }


def _carriers(world: World, object_id: str) -> set[str]:
    """The role-assignable groups that it is directly in: they cannot be nested."""
    return {
        group["id"]
        for group in world.directory.groups.values()
        if group["isAssignableToRole"]
        and object_id in world.directory.group_members.get(group["id"], [])
    }
