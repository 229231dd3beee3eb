"""Role definitions: what a role's GUID means.

Simulates   Microsoft.Authorization/roleDefinitions, list and get (2022-04-01)
Faithful    filters roleName eq, type eq, atScopeAndBelow(); ids relative to the scope asked
Left out    creating, changing and deleting custom roles
Source      https://learn.microsoft.com/azure/role-based-access-control/role-definitions-list
"""

import re

from starlette.responses import JSONResponse, Response

from sandbox.arm import definitions, paths
from sandbox.arm.bodies import page
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize, caller_of
from sandbox.arm.resources import require_scope
from sandbox.web import Call, Route
from sandbox.world import Json, World

_READ = "Microsoft.Authorization/roleDefinitions/read"
_TAIL = "/providers/Microsoft.Authorization/roleDefinitions"
_TERM = re.compile(r"(roleName|type)\s+eq\s+'([^']*)'|atScopeAndBelow\(\)", re.IGNORECASE)


async def list_all(world: World, call: Call) -> Response:
    """200, 400 for an unknown filter, 403, 404."""
    scope = paths.parse(call.path).scope
    authorize(world, call, _READ, scope)
    require_scope(world, scope)
    found = definitions.role_definitions(world, scope=scope)
    return page(call, [each for each in found if _fits(each, _terms(call))], size=500)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404. The built-in ones can be read by anybody at the root."""
    scope = paths.parse(call.path).scope
    if scope == "/":
        caller_of(world, call)
    else:
        authorize(world, call, _READ, scope)
    name = call.params["name"]
    found = definitions.find_role_definition(world, name, scope=scope)
    if found is None:
        raise ArmError(
            404,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{name}' does not exist.",
        )
    return JSONResponse(found)


def _terms(call: Call) -> dict[str, str]:
    text = call.query.get("$filter", "").strip()
    terms = {}
    for part in re.split(r"\s+and\s+", text, flags=re.IGNORECASE) if text else []:
        match = _TERM.fullmatch(part.strip())
        if match is None:
            raise ArmError(400, "UnsupportedQuery", f"The filter '{text}' is not supported.")
        if match.group(1):
            terms[match.group(1).lower()] = match.group(2).lower()
    return terms


def _fits(definition: Json, terms: dict[str, str]) -> bool:
    properties = definition["properties"]
    known = {"rolename": properties["roleName"], "type": properties["type"]}
    return all(known[name].lower() == value for name, value in terms.items())


ROUTES = [
    Route("GET", _TAIL, list_all),
    Route("GET", f"{_TAIL}/{{name}}", get),
    Route("GET", f"{{scope:path}}{_TAIL}", list_all),
    Route("GET", f"{{scope:path}}{_TAIL}/{{name}}", get),
]
