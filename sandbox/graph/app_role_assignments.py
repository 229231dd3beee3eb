"""App roles granted: what an app may call, and who may call it.

Simulates   appRoleAssignments (held) and appRoleAssignedTo (granted on) of service principals
Faithful    Application.ReadWrite.All is not enough to change them; a token that was issued keeps its roles
Left out    groups as principals
Source      https://learn.microsoft.com/graph/api/resources/approleassignment
"""

from sandbox.graph import audit, bodies, directory, permissions, queries
from sandbox.graph.errors import bad_request, not_found
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.schema import APP_ROLE_ASSIGNMENT
from sandbox.graph.shapes import new_app_role_assignment
from sandbox.world import Json, World

# "If the resource application has not declared any app roles, a default app role ID of 000…0 must be specified."
_DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"


def list_all(request: Request) -> Reply:
    """200 a page; 403; 404."""
    permissions.read_applications(request)
    principal = directory.service_principal(request, request.params["key"])
    return queries.listed(
        request,
        APP_ROLE_ASSIGNMENT,
        lambda _: _side(request, principal["id"]),
        context=_context(request, principal),
    )


def count(request: Request) -> Reply:
    """200 a number; 400 without ConsistencyLevel; 403; 404."""
    permissions.read_applications(request)
    principal = directory.service_principal(request, request.params["key"])
    found = _side(request, principal["id"])
    return queries.counted(request, APP_ROLE_ASSIGNMENT, found, queries.no_relations)


def get(request: Request) -> Reply:
    """200 it; 403; 404."""
    permissions.read_applications(request)
    principal, assignment = _both(request)
    context = f"{_context(request, principal)}/$entity"
    return queries.one(request, APP_ROLE_ASSIGNMENT, assignment, context=context)


def create(request: Request) -> Reply:
    """201 it; 400 a value is wrong, or granted already; 403; 404."""
    owner = directory.service_principal(request, request.params["key"])
    permissions.grant_app_roles(request)
    wanted = bodies.read(request, APP_ROLE_ASSIGNMENT)
    for name in ("principalId", "resourceId", "appRoleId"):
        if not wanted.get(name):
            raise bad_request(f"A value is required for property '{name}'.")
    side = "resourceId" if _granted_side(request) else "principalId"
    if wanted[side] != owner["id"]:
        raise bad_request(f"The value of '{side}' must be the id of the object in the URL.")
    principal, resource = _ends(request, wanted)
    _check(request.world, wanted, resource)
    assignment = new_app_role_assignment(
        principal, resource, wanted["appRoleId"], created=request.world.clock.now()
    )
    request.world.directory.app_role_assignments.put(assignment["id"], assignment)
    _audit(request, "Add app role assignment to service principal", assignment, resource, principal)
    context = f"{_context(request, owner)}/$entity"
    return queries.one(request, APP_ROLE_ASSIGNMENT, assignment, context=context, status=201)


def delete(request: Request) -> Reply:
    """204 revoked; 403; 404 was not there."""
    permissions.assign_app_roles(request)
    _, assignment = _both(request)
    request.world.directory.app_role_assignments.remove(assignment["id"])
    principal, resource = _ends(request, assignment)
    operation = "Remove app role assignment from service principal"
    _audit(request, operation, assignment, resource, principal)
    return Reply(204)


def held_by(world: World, principal_id: str) -> list[Json]:
    """What a principal may call."""
    found = world.directory.app_role_assignments.values()
    return [each for each in found if each["principalId"] == principal_id]


def granted_on(world: World, resource_id: str) -> list[Json]:
    """Who may call a resource."""
    found = world.directory.app_role_assignments.values()
    return [each for each in found if each["resourceId"] == resource_id]


def _side(request: Request, object_id: str) -> list[Json]:
    side = "resourceId" if _granted_side(request) else "principalId"
    shelf = request.world.directory.app_role_assignments
    return directory.seen_by(request, shelf, lambda each: bool(each[side] == object_id))


def _granted_side(request: Request) -> bool:
    return "/approleassignedto" in request.path.lower()


def _both(request: Request) -> tuple[Json, Json]:
    principal = directory.service_principal(request, request.params["key"])
    for each in _side(request, principal["id"]):
        if each["id"] == request.params["assignment"]:
            return principal, each
    raise not_found(request.params["assignment"])


def _ends(request: Request, wanted: Json) -> tuple[Json, Json]:
    """The principal and the resource. Raises 404."""
    ends = []
    for name in ("principalId", "resourceId"):
        found = directory.anything(request.world, wanted[name])
        if found is None:
            raise not_found(wanted[name])
        ends.append(found[1])
    return ends[0], ends[1]


def _check(world: World, wanted: Json, resource: Json) -> None:
    roles = {role["id"] for role in resource.get("appRoles", [])}
    if wanted["appRoleId"] not in roles | ({_DEFAULT_ROLE} if not roles else set()):
        raise bad_request("Permission being assigned was not found on application")
    for each in held_by(world, wanted["principalId"]):
        if (each["resourceId"], each["appRoleId"]) == (wanted["resourceId"], wanted["appRoleId"]):
            raise bad_request("Permission being assigned already exists on the object")


def _audit(
    request: Request, operation: str, assignment: Json, resource: Json, principal: Json
) -> None:
    roles = {role["id"]: role["value"] for role in resource.get("appRoles", [])}
    value = roles.get(assignment["appRoleId"])
    old, new = (None, value) if operation.startswith("Add") else (value, None)
    changes = [audit.modified("AppRole.Value", old, new)]
    audit.record(request, operation, resource, changes, principal)


def _context(request: Request, principal: Json) -> str:
    relation = "appRoleAssignedTo" if _granted_side(request) else "appRoleAssignments"
    return f"servicePrincipals('{principal['id']}')/{relation}"


ROUTES = [
    Route(method, f"/servicePrincipals/{{key}}/{relation}{rest}", handler)
    for relation in ("appRoleAssignments", "appRoleAssignedTo")
    for method, rest, handler in (
        ("GET", "", list_all),
        ("POST", "", create),
        ("GET", "/$count", count),
        ("GET", "/{assignment}", get),
        ("DELETE", "/{assignment}", delete),
    )
]
