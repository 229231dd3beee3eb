"""Log Analytics workspaces; `properties.customerId` is the id that queries name.

Simulates   Microsoft.OperationalInsights/workspaces and their tables, list and get (2023-09-01)
Left out    creating and changing them, columns of a table, restored and search-job tables
Source      https://learn.microsoft.com/rest/api/loganalytics/workspaces
            https://learn.microsoft.com/rest/api/loganalytics/tables/list-by-workspace
"""

from starlette.responses import JSONResponse, Response

from sandbox.arm import resources
from sandbox.arm.errors import resource_not_found
from sandbox.arm.gate import authorize
from sandbox.loganalytics.tables import SCHEMAS
from sandbox.web import Call, Route
from sandbox.world import Json, World

_TYPE = "Microsoft.OperationalInsights/workspaces"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"


async def list_all(world: World, call: Call) -> Response:
    """200 with those that the caller may read; 404 for a scope that is not there."""
    return resources.visible(world, call, _TYPE)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    return resources.one(world, call, _TYPE)


async def list_tables(world: World, call: Call) -> Response:
    """200 with all tables at once, 403, 404."""
    workspace = _workspace(world, call)
    found = (_table(world, workspace, name) for name in sorted(SCHEMAS))
    return JSONResponse({"value": [one for one in found if one is not None]})


async def get_table(world: World, call: Call) -> Response:
    """200, 403, 404 for a table that the workspace does not have."""
    workspace, name = _workspace(world, call), call.params["table"]
    known = {one.lower(): one for one in SCHEMAS}
    found = _table(world, workspace, known.get(name.lower(), ""))
    if found is None:
        raise resource_not_found(f"{_TYPE}/tables", name, call.params["group"])
    return JSONResponse(found)


def _workspace(world: World, call: Call) -> Json:
    path = call.path.rpartition("/tables")[0]
    authorize(world, call, f"{_TYPE}/tables/read", path)
    return resources.require(world, path)


def _table(world: World, workspace: Json, name: str) -> Json | None:
    plan = world.logs.plans.get(name, "Analytics")
    if name not in SCHEMAS or plan is None:
        return None
    kept = int(workspace["properties"]["retentionInDays"])
    interactive = kept if plan == "Analytics" else 30  # a cheaper plan's is fixed
    return {
        "id": f"{workspace['id']}/tables/{name}",
        "name": name,
        "type": f"{_TYPE}/tables",
        "properties": {
            "plan": plan,
            "retentionInDays": interactive,
            "totalRetentionInDays": max(kept, interactive),
            "archiveRetentionInDays": max(kept - interactive, 0),
            "provisioningState": "Succeeded",
            "schema": {"name": name, "tableType": "Microsoft"},
        },
    }


ROUTES = [
    Route("GET", f"/subscriptions/{{subscription}}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}/{{name}}", get),
    Route("GET", f"{_GROUP}/providers/{_TYPE}/{{name}}/tables", list_tables),
    Route("GET", f"{_GROUP}/providers/{_TYPE}/{{name}}/tables/{{table}}", get_table),
]
