"""Finding directory objects by any of their keys.

Faithful    a write works on what the primary knows; a read by key may be answered by a replica that has not heard of
            the last changes, for as long as `Delays.directory_reads` says
Source      https://learn.microsoft.com/graph/api/resources/directoryobject
"""

from collections.abc import Callable

from sandbox.graph.errors import bad_request, not_found
from sandbox.graph.exchange import BY_APP_ID, Request
from sandbox.graph.schema import APPLICATION, GROUP, SERVICE_PRINCIPAL, USER, Resource
from sandbox.world import Json, Shelf, World


def application(request: Request, key: str) -> Json:
    """An application by object id or `appId=…`. Raises 404."""
    return _find(request, request.world.directory.applications, key)


def service_principal(request: Request, key: str) -> Json:
    """A service principal by object id or `appId=…`. Raises 404."""
    return _find(request, request.world.directory.service_principals, key)


def group(request: Request, key: str) -> Json:
    """A group by object id. Raises 404."""
    return _find(request, request.world.directory.groups, key)


def user(request: Request, key: str) -> Json:
    """A user by object id or user principal name. Raises 404."""
    shelf = request.world.directory.users
    if (found := shelf.get(key.lower())) is not None:
        return found
    for each in shelf.values():
        if each["userPrincipalName"].lower() == key.lower():
            return each
    raise not_found(key)


def by_app_id(shelf: Shelf, app_id: str) -> Json | None:
    """The object with this application id."""
    found = shelf.values(lambda each: bool(each["appId"] == app_id.lower()))
    return next(iter(found), None)


def seen_by(request: Request, shelf: Shelf, keep: Callable[[Json], bool]) -> list[Json]:
    """What this call sees of a shelf: a read asks some replica, a write the primary.

    https://learn.microsoft.com/entra/architecture/architecture (data consistency)
    """
    lag = request.world.delays.directory_reads
    if request.method in ("GET", "HEAD") and lag:
        return shelf.values_as_of(request.world.seen_by_now(lag), keep)
    return shelf.values(keep)


def arrived(world: World, shelf: Shelf, found: Json | None) -> Json | None:
    """The object, if the replica that is asked knows of it: not yet where it was created a moment ago.

    https://learn.microsoft.com/graph/api/application-post-applications: "You may experience replication delays."
    """
    lag = world.delays.replication
    if found is None or not lag:
        return found
    return found if shelf.as_of(found["id"], world.seen_by_now(lag)) is not None else None


def anything(world: World, object_id: str) -> tuple[Resource, Json] | None:
    """The object of this id, whatever it is, with its type; not yet where it was made a moment ago."""
    shelves = (
        (APPLICATION, world.directory.applications),
        (SERVICE_PRINCIPAL, world.directory.service_principals),
        (USER, world.directory.users),
        (GROUP, world.directory.groups),
    )
    for resource, shelf in shelves:
        found = arrived(world, shelf, shelf.get(object_id.lower()))
        if found is not None:
            return resource, found
    return None


def typed(resource: Resource, item: Json) -> Json:
    """The object as a member of a collection of mixed types; it may be of a type derived from this one."""
    kind = item.get("@odata.type", resource.odata_type)
    item = {name: value for name, value in item.items() if not name.startswith("@")}
    if "keyCredentials" in item:
        item["keyCredentials"] = [{**each, "key": None} for each in item["keyCredentials"]]
    return {"@odata.type": kind, **item}


def many(world: World, object_ids: list[str]) -> list[Json]:
    """Those of the objects that exist, typed."""
    found = (anything(world, object_id) for object_id in object_ids)
    return [typed(*each) for each in found if each is not None]


def referenced_id(request: Request) -> str:
    """The object id at the end of the body's @odata.id. Raises 400."""
    body = request.body if isinstance(request.body, dict) else {}
    url = body.get("@odata.id")
    if not isinstance(url, str) or "/" not in url:
        raise bad_request(
            "Invalid URL format specified in @odata.id. Please make sure it is valid."
        )
    return url.rstrip("/").rsplit("/", maxsplit=1)[1].strip("'()").lower()


def _find(request: Request, shelf: Shelf, key: str) -> Json:
    bare, world = key.removeprefix(BY_APP_ID), request.world
    wanted = bare.lower()
    if bare == key:
        known = _by_id(request, shelf, wanted)
    else:
        seen = seen_by(request, shelf, lambda each: bool(each["appId"] == wanted))
        known = next(iter(seen), None)
    found = arrived(world, shelf, known)
    if found is None:
        raise not_found(bare)
    return found


def _by_id(request: Request, shelf: Shelf, object_id: str) -> Json | None:
    """As `seen_by`, of one object."""
    lag = request.world.delays.directory_reads
    if request.method in ("GET", "HEAD") and lag:
        return shelf.as_of(object_id, request.world.seen_by_now(lag))
    return shelf.get(object_id)
