"""Who is in which group, directly and through other groups.

Source      https://learn.microsoft.com/graph/api/group-list-transitivemembers
            https://learn.microsoft.com/graph/api/serviceprincipal-list-transitivememberof
"""

from sandbox.graph import audit, directory
from sandbox.graph.errors import bad_request, not_found
from sandbox.graph.exchange import Request
from sandbox.world import Json, World


def of(world: World, group_id: str) -> list[Json]:
    """The direct members that exist, typed."""
    return directory.many(world, world.directory.group_members.get(group_id, []))


def transitively_of(world: World, group_id: str) -> list[Json]:
    """All members, each once, typed."""
    return directory.many(world, _reach(group_id, world.directory.group_members))


def groups_of(world: World, object_id: str) -> list[str]:
    """Ids of the groups that it is directly in."""
    return [group for group, inside in world.directory.group_members.items() if object_id in inside]


def transitive_groups_of(world: World, object_id: str) -> list[str]:
    """Ids of the groups that it is in, directly or through groups in them."""
    upwards: dict[str, list[str]] = {}
    for group, inside in world.directory.group_members.items():
        for member in inside:
            upwards.setdefault(member, []).append(group)
    return _reach(object_id, upwards)


def add(request: Request, group: Json, member: Json) -> None:
    """Put it in. Raises 400 where it is in already, or is nothing that a group takes."""
    inside = request.world.directory.group_members.setdefault(group["id"], [])
    if "servicePrincipalType" not in member and "appId" in member:
        raise bad_request(
            f"The reference target 'Application_{member['id']}' of type 'Application' is invalid "
            "for the 'members' reference."
        )
    if group["isAssignableToRole"] and "groupTypes" in member:
        raise bad_request("Adding groups as members of a role-assignable group is not supported.")
    if member["id"] in inside:
        raise bad_request(
            "One or more added object references already exist for the following modified "
            "properties: 'members'."
        )
    inside.append(member["id"])
    _audit(request, "Add member to group", group, member)


def remove(request: Request, group: Json, member_id: str) -> None:
    """Take it out. Raises 404 where it is not in."""
    inside = request.world.directory.group_members.get(group["id"], [])
    if member_id not in inside:
        raise not_found(member_id)
    inside.remove(member_id)
    found = directory.anything(request.world, member_id)
    member = found[1] if found else {"id": member_id}
    _audit(request, "Remove member from group", group, member)


def leave_all(world: World, object_id: str) -> None:
    """It is deleted, and in no group any more."""
    for group in groups_of(world, object_id):
        world.directory.group_members[group].remove(object_id)


def refuse_synchronized(group: Json) -> None:
    """Groups from on premises are changed there. Raises 400.

    https://learn.microsoft.com/graph/api/resources/group (onPremisesSyncEnabled)
    """
    if group["onPremisesSyncEnabled"]:
        raise bad_request(
            "Unable to update the specified properties for on-premises mastered Directory Sync "
            "objects or objects currently undergoing migration."
        )


def _reach(start: str, edges: dict[str, list[str]]) -> list[str]:
    """Everything that can be reached, each once, nearest first; groups may contain each other in a circle."""
    seen: dict[str, None] = {}
    waiting = [start]
    while waiting:
        for each in edges.get(waiting.pop(0), []):
            if each not in seen and each != start:
                seen[each] = None
                waiting.append(each)
    return list(seen)


def _audit(request: Request, operation: str, group: Json, member: Json) -> None:
    added = operation.startswith("Add")
    changes = [
        audit.modified(name, None if added else value, value if added else None)
        for name, value in (
            ("Group.ObjectID", group["id"]),
            ("Group.DisplayName", group["displayName"]),
        )
    ]
    audit.record(request, operation, member, changes, group)
