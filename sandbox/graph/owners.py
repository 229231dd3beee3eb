"""Owners of applications and service principals: whoever owns one can add credentials to it.

Faithful    users and service principals can own, groups cannot; the last owner can be removed
Source      https://learn.microsoft.com/graph/api/application-post-owners
            https://learn.microsoft.com/graph/api/application-delete-owners
"""

from collections.abc import Callable

from sandbox.graph import audit, directory, holders, permissions, queries, visibility
from sandbox.graph.errors import bad_request, not_found
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.schema import DIRECTORY_OBJECT, USER
from sandbox.world import Json, World


def list_all(request: Request) -> Reply:
    """200 a page of users and service principals; 403; 404."""
    permissions.read_applications(request)
    holder = holders.find(request)
    return queries.listed(
        request,
        DIRECTORY_OBJECT,
        lambda _: visibility.as_far_as_readable(
            request, of_object(request.world, holder.object_id)
        ),
        context="directoryObjects",
    )


def count(request: Request) -> Reply:
    """200 a number; 400 without ConsistencyLevel; 403; 404."""
    permissions.read_applications(request)
    holder = holders.find(request)
    found = of_object(request.world, holder.object_id)
    return queries.counted(request, DIRECTORY_OBJECT, found, queries.no_relations)


def list_references(request: Request) -> Reply:
    """200 their addresses; 403; 404."""
    permissions.read_applications(request)
    holder = holders.find(request)
    found = [
        {"@odata.id": f"{request.root}/directoryObjects/{each['id']}"}
        for each in of_object(request.world, holder.object_id)
    ]
    context = f"{request.root}/$metadata#Collection($ref)"
    return Reply(200, {"@odata.context": context, "value": found})


def add(request: Request) -> Reply:
    """204 added; 400 no such object, or an owner already; 403; 404."""
    holder = holders.find(request)
    permissions.add_owner(request, holder.object_id)
    holders.refuse_managed_identity(holder.item)
    owner_id = directory.referenced_id(request)
    found = directory.anything(request.world, owner_id)
    if found is None:
        raise not_found(owner_id)
    resource, owner = found
    if resource is not USER and "servicePrincipalType" not in owner:
        raise bad_request(
            f"The reference target '{resource.title}_{owner_id}' of type "
            f"'{resource.title}' is invalid for the 'owners' reference."
        )
    owners = request.world.directory.owners.setdefault(holder.object_id, [])
    if owner_id in owners:
        raise bad_request(
            "One or more added object references already exist for the following modified "
            "properties: 'owners'."
        )
    owners.append(owner_id)
    audit.record(request, f"Add owner to {_kind(holder)}", owner, (), holder.item)
    return Reply(204)


def remove(request: Request) -> Reply:
    """204 removed; 403; 404 is no owner."""
    holder = holders.find(request)
    permissions.delete(request, holder.object_id)
    holders.refuse_managed_identity(holder.item)
    owner_id = request.params["owner"].lower()
    owners = request.world.directory.owners.get(holder.object_id, [])
    if owner_id not in owners:
        raise not_found(owner_id)
    owners.remove(owner_id)
    found = directory.anything(request.world, owner_id)
    owner = found[1] if found else {"id": owner_id}
    audit.record(request, f"Remove owner from {_kind(holder)}", owner, (), holder.item)
    return Reply(204)


def of_object(world: World, object_id: str) -> list[Json]:
    """Those owners that still exist, typed."""
    return directory.many(world, world.directory.owners.get(object_id, []))


def _kind(holder: holders.Holder) -> str:
    return "application" if holder.is_application else "service principal"


def _routes(collection: str) -> list[Route]:
    base = f"/{collection}/{{key}}/owners"
    table: list[tuple[str, str, Callable[[Request], Reply]]] = [
        ("GET", base, list_all),
        ("GET", f"{base}/$count", count),
        ("GET", f"{base}/$ref", list_references),
        ("POST", f"{base}/$ref", add),
        ("DELETE", f"{base}/{{owner}}/$ref", remove),
    ]
    return [Route(*row) for row in table]


ROUTES = [*_routes("applications"), *_routes("servicePrincipals")]
