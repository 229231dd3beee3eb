"""Groups, as far as they carry rights: who is in them, and how one gets in and out.

Simulates   /groups: list, count, get, create; members, transitiveMembers, memberOf, owners
Faithful    strict bodies; groups that a rule fills, that can carry roles, or that come from on premises refuse changes
            of their members as documented; DELETE of a member without `$ref` deletes the member itself
Left out    Microsoft 365 groups, update and delete of groups, rules being evaluated, settings, licences
Source      https://learn.microsoft.com/graph/api/resources/group
            https://learn.microsoft.com/graph/api/group-delete-members
            https://learn.microsoft.com/graph/api/group-post-members
            https://learn.microsoft.com/graph/api/group-list-memberof
"""

from collections.abc import Callable

from sandbox.graph import (
    audit,
    bodies,
    deletions,
    directory,
    directory_permissions,
    group_members,
    group_shapes,
    holders,
    owners,
    permissions,
    queries,
    visibility,
)
from sandbox.graph.errors import bad_request, denied, not_found
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.schema import DIRECTORY_OBJECT, GROUP
from sandbox.world import Json


def list_all(request: Request) -> Reply:
    """200 a page, from the index; 400; 403."""
    directory_permissions.read_groups(request)
    return queries.listed(request, GROUP, request.world.directory.groups.values_as_of)


def count(request: Request) -> Reply:
    """200 a number; 400 without ConsistencyLevel; 403."""
    directory_permissions.read_groups(request)
    found = request.world.directory.groups.values_as_of(queries.indexed_until(request))
    return queries.counted(request, GROUP, found, queries.no_relations)


def get(request: Request) -> Reply:
    """200 it; 403; 404."""
    directory_permissions.read_groups(request)
    group = directory.group(request, request.params["key"])
    return queries.one(request, GROUP, group, expand=_expand)


def create(request: Request) -> Reply:
    """201 it; 400 a value is wrong; 403."""
    wanted = bodies.read(request, GROUP)
    directory_permissions.create_group(
        request, assignable_to_roles=bool(wanted.get("isAssignableToRole"))
    )
    for name in ("displayName", "mailEnabled", "mailNickname", "securityEnabled"):
        if wanted.get(name) is None:
            raise bad_request(f"A value is required for property '{name}' of resource 'Group'.")
    if wanted["mailEnabled"] or not wanted["securityEnabled"]:
        raise bad_request("The service does not currently support writes of mail-enabled groups.")
    world = request.world
    group = group_shapes.new_group(wanted["displayName"], created=world.clock.now()) | wanted
    world.directory.groups.put(group["id"], group)
    world.directory.group_members[group["id"]] = []
    if request.caller.kind == "user":
        world.directory.owners[group["id"]] = [request.caller.object_id]
    audit.record(request, "Add group", group, audit.differences({}, wanted))
    return queries.one(request, GROUP, group, status=201)


def list_members(request: Request) -> Reply:
    """200 a page of the direct ones; 403; 404."""
    return _related(request, lambda group: group_members.of(request.world, group["id"]))


def list_transitive_members(request: Request) -> Reply:
    """200 a page, with those of the groups inside; 403; 404."""
    return _related(
        request, lambda group: group_members.transitively_of(request.world, group["id"])
    )


def list_groups_of(request: Request) -> Reply:
    """200 a page of the groups that it is directly in itself; 403; 404."""
    world = request.world
    return _related(
        request,
        lambda group: directory.many(world, group_members.groups_of(world, group["id"])),
    )


def list_owners(request: Request) -> Reply:
    """200 a page of users and service principals; 403; 404."""
    return _related(request, lambda group: owners.of_object(request.world, group["id"]))


def list_references(request: Request) -> Reply:
    """200 the members' addresses; 403; 404."""
    directory_permissions.read_groups(request)
    group = directory.group(request, request.params["key"])
    found = [
        {"@odata.id": f"{request.root}/directoryObjects/{each['id']}"}
        for each in group_members.of(request.world, group["id"])
    ]
    context = f"{request.root}/$metadata#Collection($ref)"
    return Reply(200, {"@odata.context": context, "value": found})


def add_member(request: Request) -> Reply:
    """204 added; 400 no such kind, or a member already; 403; 404."""
    group = directory.group(request, request.params["key"])
    directory_permissions.write_members(request, group)
    group_members.refuse_synchronized(group)
    member_id = directory.referenced_id(request)
    found = directory.anything(request.world, member_id)
    if found is None:
        raise not_found(member_id)
    member = found[1]
    directory_permissions.add_member(request, member)
    group_members.add(request, group, member)
    return Reply(204)


def remove_member(request: Request) -> Reply:
    """204 removed; 400 comes from on premises; 403; 404 no member."""
    group = directory.group(request, request.params["key"])
    directory_permissions.write_members(request, group)
    group_members.refuse_synchronized(group)
    group_members.remove(request, group, request.params["member"].lower())
    return Reply(204)


def delete_member_itself(request: Request) -> Reply:
    """204: "the member object will also be deleted", where the caller may; else 403; 404 no member.

    https://learn.microsoft.com/graph/api/group-delete-members (Caution)
    """
    group = directory.group(request, request.params["key"])
    member_id = request.params["member"].lower()
    if member_id not in request.world.directory.group_members.get(group["id"], []):
        raise not_found(member_id)
    principal = request.world.directory.service_principals.get(member_id)
    if principal is None:
        raise denied()
    permissions.delete(request, member_id)
    holders.refuse_managed_identity(principal)
    deletions.delete_service_principal(request, principal)
    return Reply(204)


def _related(request: Request, items: Callable[[Json], list[Json]]) -> Reply:
    directory_permissions.read_groups(request)
    group = directory.group(request, request.params["key"])
    return queries.listed(
        request,
        DIRECTORY_OBJECT,
        lambda _: visibility.as_far_as_readable(request, items(group)),
        context="directoryObjects",
    )


def _expand(request: Request, group: Json, name: str) -> list[Json]:
    related = group_members.of if name == "members" else owners.of_object
    return visibility.as_far_as_readable(request, related(request.world, group["id"]))


_ONE = "/groups/{key}"
ROUTES = [
    Route("GET", "/groups", list_all),
    Route("POST", "/groups", create),
    Route("GET", "/groups/$count", count),
    Route("GET", _ONE, get),
    Route("GET", f"{_ONE}/members", list_members),
    Route("GET", f"{_ONE}/transitiveMembers", list_transitive_members),
    Route("GET", f"{_ONE}/memberOf", list_groups_of),
    Route("GET", f"{_ONE}/owners", list_owners),
    Route("GET", f"{_ONE}/members/$ref", list_references),
    Route("POST", f"{_ONE}/members/$ref", add_member),
    Route("DELETE", f"{_ONE}/members/{{member}}/$ref", remove_member),
    Route("DELETE", f"{_ONE}/members/{{member}}", delete_member_itself),
]
