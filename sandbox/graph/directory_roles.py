"""Directory roles: what lets a principal administer the tenant itself.

Simulates   /roleManagement/directory/roleDefinitions and roleAssignments; /directoryRoles
Faithful    reading takes a permission of its own, writing RoleManagement.ReadWrite.Directory; a group takes a role only
            if it was made for that; an assignment's id is made of those of role and principal
Left out    custom roles, conditions, eligible and scheduled assignments, the entitlement management provider
Source      https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
            https://learn.microsoft.com/graph/api/unifiedroleassignment-delete
            https://learn.microsoft.com/graph/api/resources/unifiedroleassignment
"""

from sandbox.graph import audit, bodies, directory, directory_permissions, group_shapes, queries
from sandbox.graph import directory_role_definitions as definitions
from sandbox.graph.errors import bad_request, not_found
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.role_schema import ROLE_ASSIGNMENT, ROLE_DEFINITION
from sandbox.graph.schema import DIRECTORY_ROLE
from sandbox.world import Json

_REQUIRED = ("principalId", "roleDefinitionId", "directoryScopeId")


def list_definitions(request: Request) -> Reply:
    """200 a page; 400; 403."""
    directory_permissions.read_roles(request)
    return queries.listed(request, ROLE_DEFINITION, lambda _: definitions.definitions())


def get_definition(request: Request) -> Reply:
    """200 it; 403; 404."""
    directory_permissions.read_roles(request)
    found = definitions.definition(request.params["role"])
    if found is None:
        raise not_found(request.params["role"])
    return queries.one(request, ROLE_DEFINITION, found)


def list_activated(request: Request) -> Reply:
    """200 those that somebody has; 403."""
    directory_permissions.read_roles(request)
    used = {each["roleDefinitionId"] for each in _assignments(request)}
    found = [definitions.activated(role) for role in sorted(used)]
    return queries.listed(request, DIRECTORY_ROLE, lambda _: found)


def list_assignments(request: Request) -> Reply:
    """200 a page; 400; 403."""
    directory_permissions.read_roles(request)
    return queries.listed(request, ROLE_ASSIGNMENT, lambda _: _assignments(request), expand=_expand)


def get_assignment(request: Request) -> Reply:
    """200 it; 403; 404."""
    directory_permissions.read_roles(request)
    return queries.one(request, ROLE_ASSIGNMENT, _find(request), expand=_expand)


def assign(request: Request) -> Reply:
    """201 it; 400 a value is wrong, or assigned already; 403; 404 no such principal."""
    directory_permissions.write_roles(request)
    wanted = bodies.read(request, ROLE_ASSIGNMENT)
    for name in _REQUIRED:
        if not wanted.get(name):
            raise bad_request(f"A value is required for property '{name}'.")
    role = definitions.definition(wanted["roleDefinitionId"])
    if role is None:
        raise bad_request("The role definition of the assignment does not exist.")
    principal = _principal(request, wanted["principalId"])
    assignment = group_shapes.new_directory_role_assignment(
        wanted["principalId"], wanted["roleDefinitionId"], scope=wanted["directoryScopeId"]
    )
    if assignment["id"] in request.world.directory.role_assignments:
        raise bad_request("A conflicting object with one or more of the specified values exists.")
    request.world.directory.role_assignments.put(assignment["id"], assignment)
    _audit(request, "Add member to role", principal, role)
    return queries.one(request, ROLE_ASSIGNMENT, assignment, status=201)


def remove(request: Request) -> Reply:
    """204 taken away; 403; 404 was not there."""
    directory_permissions.write_roles(request)
    assignment = _find(request)
    request.world.directory.role_assignments.remove(assignment["id"])
    found = directory.anything(request.world, assignment["principalId"])
    role = definitions.definition(assignment["roleDefinitionId"]) or {}
    principal = found[1] if found else {"id": assignment["principalId"]}
    _audit(request, "Remove member from role", principal, role)
    return Reply(204)


def _assignments(request: Request) -> list[Json]:
    return request.world.directory.role_assignments.values()


def _find(request: Request) -> Json:
    found = request.world.directory.role_assignments.get(request.params["assignment"])
    if found is None:
        raise not_found(request.params["assignment"])
    return found


def _principal(request: Request, object_id: str) -> Json:
    found = directory.anything(request.world, object_id)
    if found is None:
        raise not_found(object_id)
    principal = found[1]
    if "groupTypes" in principal and not principal["isAssignableToRole"]:
        raise bad_request("The group is not assignable to a role.")
    return principal


def _expand(request: Request, assignment: Json, name: str) -> list[Json]:
    if name == "principal":
        return directory.many(request.world, [assignment["principalId"]])
    role = definitions.definition(assignment["roleDefinitionId"])
    return [role] if role else []


def _audit(request: Request, operation: str, principal: Json, role: Json) -> None:
    added = operation.startswith("Add")
    name = role.get("displayName")
    change = audit.modified("Role.DisplayName", None if added else name, name if added else None)
    template = definitions.activated(role["id"]) if role else {"id": ""}
    audit.record(request, operation, principal, [change], template)


_BASE = "/roleManagement/directory"
ROUTES = [
    Route("GET", "/directoryRoles", list_activated),
    Route("GET", f"{_BASE}/roleDefinitions", list_definitions),
    Route("GET", f"{_BASE}/roleDefinitions/{{role}}", get_definition),
    Route("GET", f"{_BASE}/roleAssignments", list_assignments),
    Route("POST", f"{_BASE}/roleAssignments", assign),
    Route("GET", f"{_BASE}/roleAssignments/{{assignment}}", get_assignment),
    Route("DELETE", f"{_BASE}/roleAssignments/{{assignment}}", remove),
]
