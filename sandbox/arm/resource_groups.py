"""Resource groups.

Simulates   Microsoft.Resources resourceGroups, list and get (2024-07-01)
Left out    creating, changing and deleting them
Source      https://learn.microsoft.com/rest/api/resources/resource-groups
"""

from starlette.responses import JSONResponse, Response

from sandbox.arm.access import allows
from sandbox.arm.bodies import page
from sandbox.arm.errors import resource_group_not_found
from sandbox.arm.gate import authorize, caller_of
from sandbox.arm.resources import require_scope
from sandbox.web import Call, Route
from sandbox.world import World

_PAGE = 100
_READ = "Microsoft.Resources/subscriptions/resourceGroups/read"
_TYPE = "Microsoft.Resources/resourceGroups"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"


async def list_all(world: World, call: Call) -> Response:
    """200 with the groups that the caller may read."""
    caller = caller_of(world, call)
    scope = f"/subscriptions/{call.params['subscription']}"
    require_scope(world, scope)
    groups = [
        group
        for group in world.azure.resources.values()
        if group["type"] == _TYPE
        and group["id"].lower().startswith(f"{scope.lower()}/")
        and allows(world, caller.object_id, _READ, group["id"])
    ]
    return page(call, groups, size=_PAGE)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    authorize(world, call, _READ, call.path)
    require_scope(world, f"/subscriptions/{call.params['subscription']}")
    found = world.azure.resources.get(call.path.lower())
    if found is None:
        raise resource_group_not_found(call.params["group"])
    return JSONResponse(found)


async def exists(world: World, call: Call) -> Response:
    """204 there, 404 not."""
    authorize(world, call, _READ, call.path)
    return Response(status_code=204 if call.path.lower() in world.azure.resources else 404)


ROUTES = [
    Route("GET", "/subscriptions/{subscription}/resourceGroups", list_all),
    Route("GET", _GROUP, get),
    Route("HEAD", _GROUP, exists),
]
