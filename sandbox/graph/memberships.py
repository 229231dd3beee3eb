"""What a service principal belongs to, owns and has created.

Simulates   memberOf, transitiveMemberOf, ownedObjects, createdObjects
Left out    groups, directory roles and administrative units: nobody is a member of anything
Source      https://learn.microsoft.com/graph/api/serviceprincipal-list-memberof
            https://learn.microsoft.com/graph/api/serviceprincipal-list-ownedobjects
            https://learn.microsoft.com/graph/api/serviceprincipal-list-createdobjects
"""

from collections.abc import Callable

from sandbox.graph import directory, permissions, queries
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.schema import DIRECTORY_OBJECT
from sandbox.world import Json, World


def list_groups(request: Request) -> Reply:
    """200 a page; 403; 404."""
    return _list(request, lambda _: [])


def list_owned(request: Request) -> Reply:
    """200 a page; 403; 404."""
    return _list(request, lambda principal: owned_by(request.world, principal["id"]))


def list_created(request: Request) -> Reply:
    """200 a page; 403; 404."""
    return _list(request, lambda principal: created_by(request.world, principal["appId"]))


def owned_by(world: World, object_id: str) -> list[Json]:
    """The objects that it is an owner of, typed."""
    owned = [each for each, owners in world.directory.owners.items() if object_id in owners]
    return directory.many(world, owned)


def created_by(world: World, app_id: str) -> list[Json]:
    """The applications and service principals that it has created, typed."""
    everything = [
        *world.directory.applications.values(),
        *world.directory.service_principals.values(),
    ]
    created = [each["id"] for each in everything if each.get("createdByAppId") == app_id]
    return directory.many(world, created)


def _list(request: Request, items: Callable[[Json], list[Json]]) -> Reply:
    permissions.read_directory(request)
    principal = directory.service_principal(request, request.params["key"])
    return queries.listed(
        request, DIRECTORY_OBJECT, lambda _: items(principal), context="directoryObjects"
    )


ROUTES = [
    Route("GET", f"/servicePrincipals/{{key}}/{relation}", handler)
    for relation, handler in (
        ("memberOf", list_groups),
        ("transitiveMemberOf", list_groups),
        ("ownedObjects", list_owned),
        ("createdObjects", list_created),
    )
]
