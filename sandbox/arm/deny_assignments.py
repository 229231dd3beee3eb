"""Deny assignments: there are none.

Simulates   Microsoft.Authorization/denyAssignments, list and get (2022-04-01)
Left out    having any, and obeying them
Source      https://learn.microsoft.com/rest/api/authorization/deny-assignments
"""

from starlette.responses import JSONResponse, Response

from sandbox.arm import paths
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.web import Call, Route
from sandbox.world import World

_READ = "Microsoft.Authorization/denyAssignments/read"
_TAIL = "/providers/Microsoft.Authorization/denyAssignments"


async def list_all(world: World, call: Call) -> Response:
    """200 with an empty list."""
    authorize(world, call, _READ, paths.parse(call.path).scope)
    return JSONResponse({"value": []})


async def get(world: World, call: Call) -> Response:
    """404 always."""
    authorize(world, call, _READ, paths.parse(call.path).scope)
    raise ArmError(
        404,
        "DenyAssignmentNotFound",
        f"The deny assignment '{call.params['name']}' is not found.",
    )


ROUTES = [
    Route("GET", _TAIL, list_all),
    Route("GET", f"{{scope:path}}{_TAIL}", list_all),
    Route("GET", f"{{scope:path}}{_TAIL}/{{name}}", get),
]
