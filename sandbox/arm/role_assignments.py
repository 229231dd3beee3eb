"""Role assignments: who may do what, where.

Simulates   Microsoft.Authorization/roleAssignments (2022-04-01), at any scope
Faithful    filters (`assignedTo` sees through groups, `principalId` does not), 200/201/204, the
            refusals below, locks, the last administrator; a read may show the past, for as long as
            `Delays.role_assignment_reads` says
Left out    PIM, delegated identities of other tenants
Source      https://learn.microsoft.com/rest/api/authorization/role-assignments
            https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest
            https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from sandbox.arm import bodies, locks, paths
from sandbox.arm.access import scopes_above
from sandbox.arm.conditions import of_role_assignment
from sandbox.arm.definitions import role_guid, subscription_prefix
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.arm.memberships import identities_of
from sandbox.arm.new_role_assignments import create, requested
from sandbox.arm.resources import require_scope
from sandbox.web import Call, Route
from sandbox.world import Json, World, subscription_of

_TYPE = "Microsoft.Authorization/roleAssignments"
_TAIL = f"/providers/{_TYPE}"
_PAGE = 100
_FILTER = re.compile(
    r"(?P<at>atScope\(\))?(?P<and>\s+and\s+)?"
    r"(?:assignedTo\('(?P<to>[^']+)'\)|principalId\s+eq\s+'(?P<principal>[^']+)')?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Filter:
    """What `$filter` asks for."""

    principals: frozenset[str] = frozenset()
    not_below: bool = False


async def list_all(world: World, call: Call) -> Response:
    """200 with assignments at, above and below the scope; 400 for another filter; 403; 404."""
    scope = paths.parse(call.path).scope
    authorize(world, call, f"{_TYPE}/read", scope)
    require_scope(world, scope)
    wanted = _parse(world, call.query.get("$filter", ""))
    above = {area.lower() for area in scopes_above(world, scope)}
    reached: dict[str, bool] = {}

    def keep(item: Json) -> bool:
        at = item["properties"]["scope"].lower()
        if _is_wanted(item, wanted) and at not in reached:
            reached[at] = _is_in_reach(world, at, scope, above, wanted)
        return _is_wanted(item, wanted) and reached[at]

    return bodies.page(call, _around(world, scope, keep), size=_PAGE, cursor="$skipToken")


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    authorize(world, call, f"{_TYPE}/read", paths.parse(call.path).scope)
    moment = world.seen_by_now(world.delays.role_assignment_reads)
    found = world.azure.role_assignments.as_of(call.path.lower(), moment)
    if found is None:
        raise ArmError(
            404,
            "RoleAssignmentNotFound",
            f"The role assignment '{call.params['name']}' is not found.",
        )
    return JSONResponse(found)


async def put(world: World, call: Call) -> Response:
    """201 created, 200 the same again, 400, 403, 404, 409."""
    scope = paths.parse(call.path).scope
    attributes = of_role_assignment("@Request", requested(world, call))
    caller = authorize(world, call, f"{_TYPE}/write", scope, attributes=attributes)
    require_scope(world, scope)
    locks.refuse_if_locked(world, scope, verb="write")
    existed = call.path.lower() in world.azure.role_assignments
    assignment = create(world, call, caller, scope)
    return JSONResponse(assignment, 200 if existed else 201)


async def delete(world: World, call: Call) -> Response:
    """200 with what was deleted, 204 was not there, 403, 409 locked, 412 the last administrator."""
    scope = paths.parse(call.path).scope
    found = world.azure.role_assignments.get(call.path.lower())
    attributes = of_role_assignment("@Resource", found["properties"] if found else {})
    authorize(world, call, f"{_TYPE}/delete", scope, attributes=attributes)
    if found is None:
        return Response(status_code=204)
    locks.refuse_if_locked(world, scope, verb="delete")
    _refuse_last_administrator(world, found)
    world.azure.role_assignments.remove(call.path.lower())
    return JSONResponse(found)


def _parse(world: World, text: str) -> _Filter:
    match = _FILTER.fullmatch(text.strip())
    joined = match is not None and bool(match["and"])
    both = match is not None and bool(match["at"] and match["to"])
    # atScope() goes together with assignedTo() only: a principalId may be a group's.
    if match is None or joined != both or (match["at"] and match["principal"]):
        raise ArmError(
            400,
            "UnsupportedQuery",
            f"The filter '{text}' is not supported. Supported filters are either 'atScope()' or "
            "'principalId eq '{value}' or assignedTo('{value}')'.",
        )
    named = {match["principal"].lower()} if match["principal"] else set()
    if match["to"]:
        named = identities_of(world, match["to"])
    return _Filter(frozenset(named), bool(match["at"]))


def _around(world: World, scope: str, keep: Callable[[Json], bool]) -> list[Json]:
    """Of a subscription those in it and above all of them; else of all, as below a management group is anything."""
    shelf, moment = (
        world.azure.role_assignments,
        world.seen_by_now(world.delays.role_assignment_reads),
    )
    if subscription := subscription_of(scope):
        return shelf.views_by("subscription", ("", subscription), moment, keep)
    return shelf.views_as_of(moment, keep)


def _is_wanted(item: Json, wanted: _Filter) -> bool:
    return not wanted.principals or item["properties"]["principalId"].lower() in wanted.principals


def _is_in_reach(world: World, at: str, scope: str, above: set[str], wanted: _Filter) -> bool:
    if at in above:
        return True
    if wanted.not_below:
        return False
    below = scope.lower().rstrip("/")
    if at.startswith(f"{below}/"):
        return True
    # Below a management group there are subscriptions whose paths don't say so.
    root = subscription_prefix(at) or at
    return below in {area.lower() for area in scopes_above(world, root)}


def _refuse_last_administrator(world: World, leaving: Json) -> None:
    """A subscription keeps at least one assignment of Owner or User Access Administrator."""
    administrators = {role_guid("Owner"), role_guid("User Access Administrator")}
    at = leaving["properties"]["scope"].lower()
    if not re.fullmatch(r"/subscriptions/[^/]+", at):
        return
    holders = world.azure.role_assignments.values(
        lambda item: (
            item["properties"]["scope"].lower() == at
            and item["properties"]["roleDefinitionId"].rsplit("/", 1)[-1] in administrators
        )
    )
    if [each["id"] for each in holders] == [leaving["id"]]:
        raise ArmError(
            412,
            "DeletingLastRbacAdminAssignment",
            "Cannot delete the last RBAC admin assignment.",
        )


ROUTES = [
    Route("GET", _TAIL, list_all),
    Route("GET", f"{{scope:path}}{_TAIL}", list_all),
    Route("GET", f"{{scope:path}}{_TAIL}/{{name}}", get),
    Route("PUT", f"{{scope:path}}{_TAIL}/{{name}}", put),
    Route("DELETE", f"{{scope:path}}{_TAIL}/{{name}}", delete),
]
