"""Responder: directory roles of a service principal. They are named; a person takes them away.

Stops    nothing: the permission that removes them could make anybody a Global Administrator
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
         https://learn.microsoft.com/graph/api/unifiedroleassignment-delete
"""

from typing import Final

from responders.cloud import Cloud
from responders.errors import ContractChangedError, ResponderError
from responders.fan_out import fan_out
from responders.graph import checked_key
from responders.model import Json, Principal, StepResult
from responders.needs import GraphNeed, Needs
from responders.settings import checked_guid

_BASE = "/roleManagement/directory"
_GRAPH = "https://graph.microsoft.com/v1.0"
NEEDS: Final = Needs(
    graph=(
        GraphNeed("RoleManagement.Read.Directory", "directory roles, which a person takes away"),
    ),
)


async def read_all(cloud: Cloud, principal: Principal) -> list[Json]:
    """Every role assigned to it directly, with its name where that can be read.

    What a role-assignable group carries is not here: `memberships` names the group.
    """
    object_id = checked_guid(principal["object_id"], "object id")
    raw = await cloud.graph.list(
        f"{_BASE}/roleAssignments", {"$filter": f"principalId eq '{object_id}'"}
    )
    found = [_parse(one) for one in raw]
    roles = {one["role_definition_id"] for one in found}
    names = {
        role_id: name
        for role_id, name in await fan_out(roles, lambda one: _role_name(cloud, one))
        if not isinstance(name, ResponderError)  # a name is for people: its id stands without it
    }
    return [{**one, "role_name": names.get(one["role_definition_id"])} for one in found]


async def report(cloud: Cloud, principal: Principal) -> StepResult:
    """Nothing to do where it has none, else refused: each one, and how a person removes it."""
    found = await read_all(cloud, principal)
    who = f"{principal['display_name']} ({principal['object_id']})"
    if not found:
        return {"status": "nothing_to_do", "detail": f"{who} has no directory role", "items": []}
    named = ", ".join(_name(one) for one in found)
    return {
        "status": "refused",
        "detail": f"{who} has directory roles, which a person has to remove: {named}",
        "items": found,
        "by_hand": [_command(str(one["id"])) for one in found],
    }


def by_hand(principal: Principal) -> list[str]:
    """What a person would run."""
    object_id = checked_guid(principal["object_id"], "object id")
    url = f"{_GRAPH}{_BASE}/roleAssignments?$filter=principalId eq '{object_id}'"
    return [f'az rest --method GET --url "{url}"'.replace("$", "\\$"), _command("<id>")]


def _command(assignment_id: str) -> str:
    return f"az rest --method DELETE --url {_GRAPH}{_BASE}/roleAssignments/{assignment_id}"


async def _role_name(cloud: Cloud, role_id: str) -> str:
    path = f"{_BASE}/roleDefinitions/{checked_guid(role_id, 'role definition id')}"
    found = await cloud.graph.get(path, {"$select": "id,displayName"})
    return str(found.get("displayName"))


def _parse(raw: Json) -> Json:
    match raw:
        case {"id": str(assignment_id), "roleDefinitionId": str(role_id)}:
            return {
                "id": checked_key(assignment_id, "directory role assignment"),
                "role_definition_id": role_id,
                "directory_scope_id": raw.get("directoryScopeId"),
                "app_scope_id": raw.get("appScopeId"),
            }
        case _:
            raise ContractChangedError(f"not a directory role assignment: {sorted(raw)}")


def _name(one: Json) -> str:
    role = one["role_name"] or one["role_definition_id"]
    return f"{role} at {one['directory_scope_id'] or one['app_scope_id'] or '/'}"
