"""The bin: what was deleted in the last 30 days.

Simulates   /directory/deletedItems: list by type, get, restore, delete for good
Faithful    an app needs a directory role on top of its permission to restore
Left out    users and groups; that items go by themselves after 30 days
Source      https://learn.microsoft.com/graph/api/resources/directory
            https://learn.microsoft.com/graph/api/directory-deleteditems-restore
"""

from datetime import datetime, timedelta

from sandbox.graph import deletions, permissions, queries
from sandbox.graph.bodies import parse_date
from sandbox.graph.errors import malformed, not_found
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.schema import APPLICATION, SERVICE_PRINCIPAL, USER, Resource
from sandbox.world import Json

_KEPT = timedelta(days=30)
_TYPES = {each.name.lower(): each for each in (APPLICATION, SERVICE_PRINCIPAL, USER)}


def list_by_type(request: Request) -> Reply:
    """200 a page; 400 no such type; 403; for a GUID in place of a type: get."""
    resource = _TYPES.get(request.params["type"].lower())
    if resource is USER:
        permissions.read_users(request)
    else:
        permissions.read_applications(request)
    if resource is None:
        return _show(request, _find(request, request.params["type"]))
    shelf = request.world.directory.deleted_items
    return queries.listed(
        request,
        resource,
        lambda moment: [_bare(each) for each in shelf.values_as_of(moment) if _is(each, resource)],
        context=resource.collection,
    )


def get_as(request: Request) -> Reply:
    """200 it; 403; 404 not in the bin, or of another type."""
    permissions.read_applications(request)
    deleted = _find(request, request.params["key"])
    if not _is(deleted, _TYPES.get(request.params["type"].lower())):
        raise not_found(request.params["key"])
    return _show(request, deleted)


def refuse_all(request: Request) -> Reply:
    """400: the bin is read by type."""
    raise malformed("Resource type of the deleted items must be specified in the request URL.")


def restore(request: Request) -> Reply:
    """200 what came back; 403; 404; 409 its place is taken."""
    permissions.restore(request)
    deleted = _find(request, request.params["key"])
    item = deletions.restore(request, deleted)
    context = f"{request.root}/$metadata#directoryObjects/$entity"
    return Reply(200, {"@odata.context": context, "@odata.type": deleted["@odata.type"], **item})


def purge(request: Request) -> Reply:
    """204 gone for good; 403; 404."""
    deleted = _find(request, request.params["key"])
    permissions.purge(request, deleted["id"])
    deletions.purge(request, deleted)
    return Reply(204)


def _find(request: Request, key: str) -> Json:
    deleted = request.world.directory.deleted_items.get(key.lower())
    if deleted is None or _expired(deleted, request.world.clock.now()):
        raise not_found(key)
    return deleted


def _expired(deleted: Json, now: datetime) -> bool:
    return parse_date(deleted["deletedDateTime"]) + _KEPT <= now


def _is(deleted: Json, resource: Resource | None) -> bool:
    return resource is not None and deleted["@odata.type"] == resource.odata_type


def _bare(deleted: Json) -> Json:
    return {name: value for name, value in deleted.items() if name != "@odata.type"}


def _show(request: Request, deleted: Json) -> Reply:
    resource = SERVICE_PRINCIPAL if deletions.is_principal(deleted) else APPLICATION
    return queries.one(request, resource, deleted, context="directoryObjects/$entity")


_BIN = "/directory/deletedItems"
ROUTES = [
    Route("GET", _BIN, refuse_all),
    Route("GET", f"{_BIN}/{{type}}", list_by_type),
    Route("DELETE", f"{_BIN}/{{key}}", purge),
    Route("POST", f"{_BIN}/{{key}}/restore", restore),
    Route("GET", f"{_BIN}/{{key}}/{{type}}", get_as),
    Route("POST", "/applications/{key}/restore", restore),
]
