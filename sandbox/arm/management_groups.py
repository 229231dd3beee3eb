"""Management groups: what stands above subscriptions, and hands rights down to them.

Simulates   Microsoft.Management/managementGroups, list and get (2020-05-01, 2023-04-01)
Faithful    a list shows the groups that the caller may read; `$expand` children, path and
            ancestors; `$recurse`; the children that it shows include subscriptions
Left out    creating, moving and deleting; `$filter`; descendants and entities
Source      https://learn.microsoft.com/rest/api/managementgroups/management-groups
            https://learn.microsoft.com/azure/governance/management-groups/overview
"""

from datetime import datetime

from starlette.responses import JSONResponse, Response

from sandbox.arm.access import allows
from sandbox.arm.bodies import page
from sandbox.arm.errors import ArmError, management_group_not_found
from sandbox.arm.gate import authorize, caller_of
from sandbox.web import Call, Route
from sandbox.world import Json, World, timestamp

_TYPE = "Microsoft.Management/managementGroups"
_TAIL = f"/providers/{_TYPE}"
_READ = f"{_TYPE}/read"
_EXPANSIONS = ("", "children", "path", "ancestors")
_PAGE = 100


def new_management_group(
    world: World, name: str, display_name: str, parent: str | None, *, created: datetime
) -> Json:
    """Put up a group under `parent`, the id of another one; None for the root."""
    group: Json = {
        "id": f"{_TAIL}/{name}",
        "type": _TYPE,
        "name": name,
        "properties": {
            "tenantId": world.tenant_id,
            "displayName": display_name,
            "details": {"version": 1, "updatedTime": timestamp(created), "updatedBy": ""},
        },
    }
    world.azure.management_groups.put(group["id"].lower(), group, since=created)
    if parent is not None:
        world.azure.parents[group["id"].lower()] = parent
    return group


async def list_all(world: World, call: Call) -> Response:
    """200 with the groups that the caller may read, none where he may read none."""
    caller = caller_of(world, call)
    found = [
        {
            "id": group["id"],
            "type": _TYPE,
            "name": group["name"],
            "properties": {
                "tenantId": group["properties"]["tenantId"],
                "displayName": group["properties"]["displayName"],
            },
        }
        for group in world.azure.management_groups.values()
        if allows(world, caller.object_id, _READ, group["id"])
    ]
    return page(call, found, size=_PAGE)


async def get(world: World, call: Call) -> Response:
    """200; 400 for an unknown expansion; 403; 404."""
    authorize(world, call, _READ, call.path)
    group = world.azure.management_groups.get(call.path.lower())
    if group is None:
        raise management_group_not_found(call.params["name"])
    expand = call.query.get("$expand", "").lower()
    recurse = call.query.get("$recurse", "").lower() == "true"
    if expand not in _EXPANSIONS or (recurse and expand != "children"):
        raise ArmError(
            400, "BadRequest", f"The combination $expand='{expand}', $recurse is not supported."
        )
    ancestors = _ancestors(world, group)
    details = group["properties"]["details"]
    if ancestors:
        details["parent"] = _named(ancestors[0])
    if expand == "path":
        details["path"] = [_brief(each) for each in reversed([group, *ancestors])]
    elif expand == "ancestors":
        details["managementGroupAncestors"] = [each["name"] for each in ancestors]
        details["managementGroupAncestorsChain"] = [_brief(each) for each in ancestors]
    elif expand == "children":
        group["properties"]["children"] = _children(world, group["id"], deep=recurse)
    return JSONResponse(group)


def _ancestors(world: World, group: Json) -> list[Json]:
    above = []
    parent = world.azure.parents.get(group["id"].lower())
    while parent is not None and (found := world.azure.management_groups.get(parent.lower())):
        above.append(found)
        parent = world.azure.parents.get(parent.lower())
    return above


def _children(world: World, parent: str, *, deep: bool) -> list[Json]:
    inside = [at for at, above in world.azure.parents.items() if above.lower() == parent.lower()]
    children = []
    for group in world.azure.management_groups.values():
        if group["id"].lower() in inside:
            below = {"children": _children(world, group["id"], deep=True)} if deep else {}
            children.append({**_named(group), "type": _TYPE, **below})
    return children + [
        {
            "id": subscription["id"],
            "type": "/subscriptions",
            "name": subscription["subscriptionId"],
            "displayName": subscription["displayName"],
        }
        for subscription in world.azure.subscriptions.values()
        if subscription["id"].lower() in inside
    ]


def _named(group: Json) -> Json:
    return {"id": group["id"], **_brief(group)}


def _brief(group: Json) -> Json:
    return {"name": group["name"], "displayName": group["properties"]["displayName"]}


ROUTES = [Route("GET", _TAIL, list_all), Route("GET", f"{_TAIL}/{{name}}", get)]
