"""Log Analytics workspaces; `properties.customerId` is the id that queries name.

Simulates   Microsoft.OperationalInsights/workspaces, list and get (2023-09-01)
Left out    tables, plans, creating and changing them
Source      https://learn.microsoft.com/rest/api/loganalytics/workspaces
"""

from starlette.responses import Response

from sandbox.arm import resources
from sandbox.web import Call, Route
from sandbox.world import World

_TYPE = "Microsoft.OperationalInsights/workspaces"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"


async def list_all(world: World, call: Call) -> Response:
    """200 with those that the caller may read; 404 for a scope that is not there."""
    return resources.visible(world, call, _TYPE)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    return resources.one(world, call, _TYPE)


ROUTES = [
    Route("GET", f"/subscriptions/{{subscription}}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}/{{name}}", get),
]
