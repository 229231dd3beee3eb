"""Management locks: what keeps even an owner from deleting.

Simulates   Microsoft.Authorization/locks (2020-05-01)
Faithful    CanNotDelete refuses deletes and ReadOnly every write, POST included, at the locked
            scope and below, role assignments included
Left out    locks that a managed application holds
Source      https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources
"""

from starlette.responses import JSONResponse, Response

from sandbox.arm import bodies, paths
from sandbox.arm.access import scopes_above
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.arm.resources import require_scope
from sandbox.web import Call, Route
from sandbox.world import Json, World

_TYPE = "Microsoft.Authorization/locks"
_TAIL = f"/providers/{_TYPE}"
_LEVELS = ("NotSpecified", "CanNotDelete", "ReadOnly")
_SHAPE: bodies.Shape = {
    "properties": {"level": None, "notes": None, "owners": None},
    "id": None,
    "name": None,
    "type": None,
}


def refuse_if_locked(world: World, scope: str, *, verb: str) -> None:
    """409 ScopeLocked where a lock at this scope or above forbids `delete` or `write`."""
    around = {area.lower() for area in scopes_above(world, scope)}
    forbidding = {"ReadOnly", "CanNotDelete"} if verb == "delete" else {"ReadOnly"}
    for lock in _all(world):
        locked = paths.parse(lock["id"]).scope
        if locked.lower() in around and lock["properties"]["level"] in forbidding:
            raise ArmError(
                409,
                "ScopeLocked",
                f"The scope '{scope}' cannot perform {verb} operation because following scope(s) "
                f"are locked: '{locked}'. Please remove the lock and try again.",
            )


async def list_all(world: World, call: Call) -> Response:
    """200 with the locks at, above and below the scope; 403; 404."""
    scope = paths.parse(call.path).scope
    authorize(world, call, f"{_TYPE}/read", scope)
    require_scope(world, scope)
    around = {area.lower() for area in scopes_above(world, scope)}
    inside = scope.lower() + "/"
    found = [
        lock
        for lock in _all(world)
        if (at := paths.parse(lock["id"]).scope.lower()) in around or at.startswith(inside)
    ]
    return bodies.page(call, found, size=100)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    authorize(world, call, f"{_TYPE}/read", paths.parse(call.path).scope)
    found = world.azure.resources.get(call.path.lower())
    if found is None:
        raise ArmError(404, "LockNotFound", f"The lock '{call.params['name']}' was not found.")
    return JSONResponse(found)


async def put(world: World, call: Call) -> Response:
    """201 created, 200 changed, 400, 403, 404."""
    scope = paths.parse(call.path).scope
    authorize(world, call, f"{_TYPE}/write", scope)
    require_scope(world, scope)
    properties = bodies.read(call, _SHAPE, "ManagementLockObject").get("properties", {})
    if properties.get("level") not in _LEVELS:
        raise ArmError(
            400, "InvalidLockLevel", f"The lock level must be one of: {', '.join(_LEVELS)}."
        )
    existed = call.path.lower() in world.azure.resources
    lock: Json = {
        "id": call.path,
        "type": _TYPE,
        "name": call.params["name"],
        "properties": properties,
    }
    world.azure.resources.put(call.path.lower(), lock)
    return JSONResponse(lock, 200 if existed else 201)


async def delete(world: World, call: Call) -> Response:
    """200 deleted, 204 was not there, 403."""
    authorize(world, call, f"{_TYPE}/delete", paths.parse(call.path).scope)
    gone = world.azure.resources.remove(call.path.lower())
    return Response(status_code=200 if gone else 204)


def _all(world: World) -> list[Json]:
    return [item for item in world.azure.resources.values() if item["type"] == _TYPE]


ROUTES = [
    Route("GET", f"{{scope:path}}{_TAIL}", list_all),
    Route("GET", f"{{scope:path}}{_TAIL}/{{name}}", get),
    Route("PUT", f"{{scope:path}}{_TAIL}/{{name}}", put),
    Route("DELETE", f"{{scope:path}}{_TAIL}/{{name}}", delete),
]
