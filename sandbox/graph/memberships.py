"""What a service principal belongs to, owns and has created.

Simulates   memberOf, transitiveMemberOf with casts to group and directoryRole; ownedObjects, createdObjects
Faithful    groups and the directory roles over the whole tenant; of what the caller may not read, type and id
Left out    administrative units
Source      https://learn.microsoft.com/graph/api/serviceprincipal-list-memberof
            https://learn.microsoft.com/graph/api/serviceprincipal-list-transitivememberof
            https://learn.microsoft.com/graph/api/serviceprincipal-list-ownedobjects
            https://learn.microsoft.com/graph/api/serviceprincipal-list-createdobjects
"""

from collections.abc import Callable

from sandbox.graph import directory, group_members, held_roles, permissions, queries, visibility
from sandbox.graph.directory_role_definitions import activated
from sandbox.graph.errors import unsupported_query
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.schema import DIRECTORY_OBJECT, DIRECTORY_ROLE, GROUP, Resource
from sandbox.world import Json, World

Find = Callable[[World, str], list[Json]]
_CASTS = {"group": GROUP, "directoryRole": DIRECTORY_ROLE}


def member_of(world: World, object_id: str) -> list[Json]:
    """The groups that it is directly in and its own directory roles, typed."""
    roles = [activated(role) for role in sorted(held_roles.assigned(world, object_id))]
    return [
        *directory.many(world, group_members.groups_of(world, object_id)),
        *(directory.typed(DIRECTORY_ROLE, role) for role in roles),
    ]


def transitive_member_of(world: World, object_id: str) -> list[Json]:
    """The same, through groups in groups; and the roles that those carry."""
    roles = [activated(role) for role in sorted(held_roles.templates(world, object_id))]
    return [
        *directory.many(world, group_members.transitive_groups_of(world, object_id)),
        *(directory.typed(DIRECTORY_ROLE, role) for role in roles),
    ]


def owned_by(world: World, object_id: str) -> list[Json]:
    """The objects that it is an owner of, typed."""
    owned = [each for each, owners in world.directory.owners.items() if object_id in owners]
    return directory.many(world, owned)


def created_by(world: World, object_id: str) -> list[Json]:
    """The applications and service principals that it has created, typed."""
    creator = world.directory.service_principals.get(object_id)
    app_id = creator["appId"] if creator else None
    everything = [
        *world.directory.applications.values(),
        *world.directory.service_principals.values(),
    ]
    created = [each["id"] for each in everything if app_id and each.get("createdByAppId") == app_id]
    return directory.many(world, created)


def _lists(find: Find, *, cast: str | None = None) -> Callable[[Request], Reply]:
    def handler(request: Request) -> Reply:
        """200 a page; 400 a cast without ConsistencyLevel; 403; 404."""
        resource = _resource(request, cast)
        return queries.listed(
            request, resource, lambda _: _found(request, find, resource), context="directoryObjects"
        )

    return handler


def _counts(find: Find, *, cast: str | None = None) -> Callable[[Request], Reply]:
    def handler(request: Request) -> Reply:
        """200 a number; 400 without ConsistencyLevel; 403; 404."""
        resource = DIRECTORY_OBJECT if cast is None else _CASTS[cast]
        found = _found(request, find, resource)
        return queries.counted(request, resource, found, queries.no_relations)

    return handler


def _found(request: Request, find: Find, resource: Resource) -> list[Json]:
    if find in (owned_by, created_by):
        permissions.read_applications(request)
    else:
        permissions.read_memberships(request)
    principal = directory.service_principal(request, request.params["key"])
    found = find(request.world, principal["id"])
    if resource is not DIRECTORY_OBJECT:
        found = [each for each in found if each["@odata.type"] == resource.odata_type]
    return visibility.as_far_as_readable(request, found)


def _resource(request: Request, cast: str | None) -> Resource:
    """A cast comes from the index: only as an advanced query. Raises 400."""
    if cast is None:
        return DIRECTORY_OBJECT
    if not (request.advanced and request.query.get("$count", "").lower() == "true"):
        raise unsupported_query(
            "The specified filter to the reference property query is currently not supported."
        )
    return _CASTS[cast]


def _routes(relation: str, find: Find) -> list[Route]:
    base = f"/servicePrincipals/{{key}}/{relation}"
    routes = [Route("GET", base, _lists(find)), Route("GET", f"{base}/$count", _counts(find))]
    for cast in _CASTS:
        routes.append(Route("GET", f"{base}/{cast}", _lists(find, cast=cast)))
        routes.append(Route("GET", f"{base}/{cast}/$count", _counts(find, cast=cast)))
    return routes


ROUTES = [
    *_routes("memberOf", member_of),
    *_routes("transitiveMemberOf", transitive_member_of),
    Route("GET", "/servicePrincipals/{key}/ownedObjects", _lists(owned_by)),
    Route("GET", "/servicePrincipals/{key}/createdObjects", _lists(created_by)),
]
