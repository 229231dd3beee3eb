"""The tables of Resource Graph: what it has heard of, as far as the caller may read it.

Simulates   `resources`, `resourcecontainers`, `authorizationresources` and `policyresources`
Faithful    types and resource groups in lower case; a change shows after `delays.resource_graph`; no
            row of what the caller may not read, and no word about that
Left out    the other tables; changes to them
Source      https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources
            https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language#query-scope
            https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources#policyresources
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.arm import paths
from sandbox.arm.access import allows, judge, scopes_above
from sandbox.arm.definitions import find_role_definition, role_definitions
from sandbox.world import Json, World

# One shape for all tables: https://learn.microsoft.com/azure/governance/resource-graph/concepts/explore-resources
COLUMNS = {
    "id": "VARCHAR",
    "name": "VARCHAR",
    "type": "VARCHAR",
    "tenantId": "VARCHAR",
    "kind": "VARCHAR",
    "location": "VARCHAR",
    "resourceGroup": "VARCHAR",
    "subscriptionId": "VARCHAR",
    "managedBy": "VARCHAR",
    "sku": "JSON",
    "plan": "JSON",
    "properties": "JSON",
    "tags": "JSON",
    "identity": "JSON",
    "zones": "JSON",
    "extendedLocation": "JSON",
}
TABLES = ("resources", "resourcecontainers", "authorizationresources", "policyresources")
_GROUP = "Microsoft.Resources/resourceGroups"
_GROUP_READ = "Microsoft.Resources/subscriptions/resourceGroups/read"
_SUBSCRIPTION = "Microsoft.Resources/subscriptions"
_ROLE_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
_ROLE_DEFINITIONS = "Microsoft.Authorization/roleDefinitions"


@dataclass(frozen=True, slots=True)
class View:
    """Who looks, from where, and how far up and down."""

    object_id: str
    scopes: tuple[str, ...]  # subscriptions and management groups
    above: bool
    below: bool


def rows(world: World, table: str, view: View) -> list[Json]:
    """The rows of one table in this view."""
    if table == "authorizationresources":
        return [*_role_assignments(world, view), *_role_definitions(world, view)]
    if table == "policyresources":
        return list(_policies(world, view))
    if table == "resourcecontainers":
        return [*_groups(world, view), *_subscriptions(world, view)]
    return list(_resources(world, view))


def _resources(world: World, view: View) -> Iterator[Json]:
    moment = world.seen_by_now(world.delays.resource_graph)
    may = judge(world, view.object_id)
    for item in world.azure.resources.values_as_of(moment):
        # Neither groups nor what hangs on a resource, such as locks and federated credentials, has rows here.
        if item["type"] == _GROUP or "location" not in item or not _inside(world, item["id"], view):
            continue
        if may(f"{item['type']}/read", item["id"]):
            yield _row(world, item)


def _groups(world: World, view: View) -> Iterator[Json]:
    moment = world.seen_by_now(world.delays.resource_graph)
    for item in world.azure.resources.values_as_of(moment, lambda each: each["type"] == _GROUP):
        if _inside(world, item["id"], view) and allows(
            world, view.object_id, _GROUP_READ, item["id"]
        ):
            yield {**_row(world, item), "type": f"{_SUBSCRIPTION}/resourceGroups".lower()}


def _subscriptions(world: World, view: View) -> Iterator[Json]:
    for item in world.azure.subscriptions.values():
        if _inside(world, item["id"], view) and allows(
            world, view.object_id, f"{_SUBSCRIPTION}/read", item["id"]
        ):
            named = {"id": item["id"], "name": item["displayName"], "type": _SUBSCRIPTION}
            properties = {"state": item["state"], "subscriptionPolicies": {}}
            yield _row(world, {**named, "properties": properties})


def _role_assignments(world: World, view: View) -> Iterator[Json]:
    moment = world.seen_by_now(world.delays.resource_graph)
    read, may = f"{_ROLE_ASSIGNMENTS}/read", judge(world, view.object_id)
    for item in world.azure.role_assignments.values_as_of(moment):
        at = item["properties"]["scope"]
        below = view.below and _below(world, at, view.scopes)
        inherited = [scope for scope in view.scopes if _above(world, at, scope)]
        if not (below or at.lower() in _lowered(view.scopes) or (view.above and inherited)):
            continue
        # Inherited ones show to whoever may read assignments where they reach, as in ARM's own lists.
        if any(may(read, scope) for scope in (at, *inherited)):
            yield _row(world, {**item, "properties": _tenant_wide(item["properties"])})


def _policies(world: World, view: View) -> Iterator[Json]:
    """Assignments at, above and below the scopes; states of the resources below them."""
    moment = world.seen_by_now(world.delays.resource_graph)
    may = judge(world, view.object_id)
    for item in world.azure.policies.values_as_of(moment):
        properties = item["properties"]
        at = properties.get("resourceId") or properties["scope"]
        reached = [scope for scope in view.scopes if _above(world, at, scope)]
        inside = _below(world, at, view.scopes) or at.lower() in _lowered(view.scopes)
        if (inside or reached) and any(may(f"{item['type']}/read", one) for one in (at, *reached)):
            yield _row(world, item)


def _role_definitions(world: World, view: View) -> Iterator[Json]:
    scope = view.scopes[0] if view.scopes else "/"
    if not allows(world, view.object_id, f"{_ROLE_DEFINITIONS}/read", scope):
        return
    for item in role_definitions(world, scope=scope):
        found = find_role_definition(world, item["name"])
        yield _row(world, found or item)


def _tenant_wide(properties: Json) -> Json:
    """A role is named without its subscription here, so that assignments anywhere can be joined."""
    guid = properties["roleDefinitionId"].rsplit("/", 1)[-1]
    named = f"/providers/Microsoft.Authorization/RoleDefinitions/{guid}"
    return {**properties, "roleDefinitionId": named}


def _inside(world: World, resource_id: str, view: View) -> bool:
    return _below(world, resource_id, view.scopes) or resource_id.lower() in _lowered(view.scopes)


def _below(world: World, scope: str, areas: tuple[str, ...]) -> bool:
    return bool(_lowered(scopes_above(world, scope)[1:]) & _lowered(areas))


def _above(world: World, scope: str, area: str) -> bool:
    return scope.lower() in _lowered(scopes_above(world, area)[1:])


def _lowered(scopes: list[str] | tuple[str, ...]) -> set[str]:
    return {scope.lower() for scope in scopes}


def _row(world: World, item: Json) -> Json:
    given = {name: item.get(name) for name in COLUMNS}
    empty = {name: given[name] or "" for name, kind in COLUMNS.items() if kind == "VARCHAR"}
    return {
        **given,
        **empty,
        "type": item["type"].lower(),
        "tenantId": world.tenant_id,
        "resourceGroup": paths.resource_group_of(item["id"]).lower(),
        "subscriptionId": paths.subscription_of(item["id"]),
    }
