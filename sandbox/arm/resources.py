"""Resources of any type: looked up, listed, and checked for being there.

Simulates   GET /subscriptions/{id}/resources and …/resourceGroups/{rg}/resources (2024-07-01)
Faithful    a list shows what the caller may read, and none of a resource's own properties
            `$expand` adds when a resource was made and changed, which most types say nowhere else
Left out    $filter other than resourceType eq and name eq
Source      https://learn.microsoft.com/rest/api/resources/resources/list
"""

import re
from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from sandbox.arm import paths
from sandbox.arm.access import judge
from sandbox.arm.bodies import page
from sandbox.arm.errors import (
    ArmError,
    management_group_not_found,
    resource_group_not_found,
    resource_not_found,
)
from sandbox.arm.gate import authorize, caller_of
from sandbox.arm.subscriptions import require as require_subscription
from sandbox.web import Call, Route
from sandbox.world import Json, World, timestamp

_PAGE = 100
_ENVELOPE = ("id", "name", "type", "kind", "location", "tags", "sku", "identity", "managedBy")
_EXPANDABLE = {"createdTime", "changedTime", "provisioningState"}
_FILTER = re.compile(r"\s*(resourceType|name)\s+eq\s+'([^']*)'\s*", re.IGNORECASE)
_GROUP = "Microsoft.Resources/resourceGroups"


async def list_all(world: World, call: Call) -> Response:
    """200 with what the caller may read, 400 for a filter that is not understood."""
    caller = caller_of(world, call)
    scope = call.path.rpartition("/")[0]
    require_scope(world, scope)
    wanted = _filter(call.query.get("$filter", ""))
    expanded = _expanded(call.query.get("$expand", ""))
    may = judge(world, caller.object_id)
    visible = [
        {name: item[name] for name in _ENVELOPE if item.get(name) is not None}
        | {name: value for name, value in _about(world, item).items() if name in expanded}
        for item in under(world, scope)
        if wanted(item) and may(f"{item['type']}/read", item["id"])
    ]
    return page(call, visible, size=_size(call))


def under(world: World, scope: str, kind: str = "") -> list[Json]:
    """Top-level resources below a scope, of one type or of all."""
    below = scope.lower().rstrip("/") + "/"
    return [
        item
        for item in world.azure.resources.values()
        if item["id"].lower().startswith(below)
        and item["type"].lower() == (kind or item["type"]).lower()
        and (kind or (item["type"] != _GROUP and "location" in item))
    ]


def visible(world: World, call: Call, kind: str) -> Response:
    """200 with the resources of one type that the caller may read, below the scope of the path."""
    caller = caller_of(world, call)
    scope = paths.parse(call.path).scope
    require_scope(world, scope)
    may = judge(world, caller.object_id)
    found = [item for item in under(world, scope, kind) if may(f"{kind}/read", item["id"])]
    return page(call, found, size=_PAGE)


def one(world: World, call: Call, kind: str) -> Response:
    """200 with one resource, 403, 404."""
    authorize(world, call, f"{kind}/read", call.path)
    return JSONResponse(require(world, call.path))


def require(world: World, resource_id: str) -> Json:
    """The resource of this id, or the 404 that says which part of the id is not there."""
    require_scope(world, resource_id, parent=True)
    found = world.azure.resources.get(resource_id.lower())
    if found is None:
        target = paths.parse(resource_id)
        group = paths.resource_group_of(resource_id)
        raise resource_not_found(target.resource_type, target.names[-1], group)
    return found


def require_scope(world: World, scope: str, *, parent: bool = False) -> None:
    """404 where the subscription, the resource group or the resource of a scope is not there.

    `parent` stops at the resource group: the resource itself is the caller's question.
    """
    if subscription := paths.subscription_of(scope):
        require_subscription(world, subscription)
    if group := paths.resource_group_of(scope):
        known = f"/subscriptions/{subscription}/resourceGroups/{group}".lower()
        if known not in world.azure.resources:
            raise resource_group_not_found(group)
    target = paths.parse(scope)
    if parent or not target.names or target.namespace == "Microsoft.Resources":
        return
    if target.namespace.lower() == "microsoft.management":
        if scope.lower() not in world.azure.management_groups:
            raise management_group_not_found(target.names[0])
        return
    top = f"{target.scope.rstrip('/')}/providers/{target.namespace}/{target.types[0]}"
    require(world, f"{top}/{target.names[0]}")  # the resource itself; its parts are not kept here


def _expanded(text: str) -> set[str]:
    wanted = {name.strip() for name in text.split(",") if name.strip()}
    if unknown := sorted(wanted - _EXPANDABLE):
        raise ArmError(
            400, "InvalidExpandInQueryString", f"Invalid $expand '{unknown[0]}' specified."
        )
    return wanted


def _about(world: World, item: Json) -> Json:
    written = world.azure.resources.written(item["id"].lower())
    state = item.get("properties", {}).get("provisioningState", "Succeeded")
    return {
        "createdTime": timestamp(written[0]),
        "changedTime": timestamp(written[-1]),
        "provisioningState": state,
    }


def _size(call: Call) -> int:
    top = call.query.get("$top", str(_PAGE))
    if not top.isdecimal() or not int(top):
        raise ArmError(400, "InvalidTopInQueryString", f"Invalid $top '{top}' specified.")
    return min(int(top), _PAGE)


def _filter(text: str) -> Callable[[Json], bool]:
    if not text:
        return lambda _: True
    match = _FILTER.fullmatch(text)
    if match is None:
        raise ArmError(400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified.")
    key = {"resourcetype": "type", "name": "name"}[match.group(1).lower()]
    return lambda item: bool(item[key].lower() == match.group(2).lower())


ROUTES = [
    Route("GET", "/subscriptions/{subscription}/resources", list_all),
    Route("GET", "/subscriptions/{subscription}/resourceGroups/{group}/resources", list_all),
]
