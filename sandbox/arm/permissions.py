"""What the caller himself may do at a scope.

Simulates   Microsoft.Authorization/permissions (2022-04-01)
Faithful    one block per role that reaches the scope; no right is needed to ask
Source      https://learn.microsoft.com/rest/api/authorization/permissions
"""

from starlette.responses import JSONResponse, Response

from sandbox.arm import paths
from sandbox.arm.access import effective_assignments, scopes_above
from sandbox.arm.definitions import find_role_definition
from sandbox.arm.gate import caller_of
from sandbox.arm.resources import require_scope
from sandbox.web import Call, Route
from sandbox.world import World

_TAIL = "/providers/Microsoft.Authorization/permissions"


async def list_all(world: World, call: Call) -> Response:
    """200; an empty list for a caller without rights."""
    caller = caller_of(world, call)
    scope = paths.parse(call.path).scope
    require_scope(world, scope)
    around = {area.lower() for area in scopes_above(world, scope)}
    blocks = []
    for assignment in effective_assignments(world, caller.object_id):
        properties = assignment["properties"]
        definition = find_role_definition(world, properties["roleDefinitionId"])
        if definition is not None and properties["scope"].lower() in around:
            blocks.extend(definition["properties"]["permissions"])
    return JSONResponse({"value": blocks})


ROUTES = [
    Route("GET", f"{{scope:path}}{_TAIL}", list_all),
]
