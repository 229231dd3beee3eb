"""Responder: application permissions, the app roles that a service principal holds on other APIs.

Stops    every later token from carrying these roles
Leaves   tokens already issued: the roles are written into them, and Microsoft Graph goes by the token
Undo     `ensure`, with what `read_all` returned
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignments
         https://learn.microsoft.com/graph/api/serviceprincipal-delete-approleassignments
         https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments
"""

from typing import Final

from structlog.contextvars import bound_contextvars

from responders import additions, removals
from responders.cloud import Cloud
from responders.errors import ContractChangedError, ResponderError
from responders.fan_out import fan_out
from responders.graph import checked_key
from responders.model import Json, Principal, StepResult
from responders.needs import GraphNeed, Needs
from responders.read_only import is_read_only
from responders.settings import checked_guid

_GRAPH = "https://graph.microsoft.com/v1.0"
NEEDS: Final = Needs(
    graph=(
        GraphNeed(
            "Application.Read.All", "which application permissions it has, and what they are called"
        ),
        GraphNeed(
            "AppRoleAssignment.ReadWrite.All", "take application permissions away", ("remove_all",)
        ),
        GraphNeed("AppRoleAssignment.ReadWrite.All", "give application permissions", ("ensure",)),
    ),
)


async def read_all(cloud: Cloud, principal: Principal) -> list[Json]:
    """Every app role it holds, with the role's name where its resource can be read."""
    found = await _list(cloud, principal["object_id"])
    resources = {one["resource_id"] for one in found}
    names: dict[tuple[str, str], str] = {}
    for resource_id, roles in await fan_out(resources, lambda one: _roles(cloud, one)):
        if not isinstance(roles, ResponderError):  # a name is for people: its id stands without it
            names |= {(resource_id, role_id): value for role_id, value in roles.items()}
    return [
        {**one, "role_name": names.get((one["resource_id"], one["app_role_id"]))} for one in found
    ]


async def remove_all(cloud: Cloud, principal: Principal) -> StepResult:
    """Remove every one, side by side, and read back. Safe to repeat."""
    path = _path(principal["object_id"])

    async def read() -> list[Json]:
        # Names cost a read per resource, and the snapshot has them: only a plan is worth it.
        if is_read_only():
            return await read_all(cloud, principal)
        return await _list(cloud, principal["object_id"])

    async def remove(one: Json) -> None:
        key = checked_key(one["id"], "app role assignment")
        with bound_contextvars(responder="app_roles.remove_all", target=f"{path}/{key}"):
            await cloud.graph.delete(f"{path}/{key}")

    what = f"app roles of {principal['display_name']} ({principal['object_id']})"
    stays = _held_by_other(principal["object_id"])
    return await removals.remove_all(
        removals.Removal(what=what, read=read, remove=remove, name=_name, stays=stays)
    )


async def ensure(cloud: Cloud, object_id: str, wanted: list[Json]) -> StepResult:
    """Give it the app roles that it lacks, and read back. Safe to repeat."""
    path = _path(object_id)

    async def add(one: Json) -> None:
        body: Json = {
            "principalId": object_id,
            "resourceId": checked_guid(str(one["resource_id"]), "resource id"),
            "appRoleId": checked_guid(str(one["app_role_id"]), "app role id"),
        }
        target = f"{path}/{body['resourceId']}/{body['appRoleId']}"
        with bound_contextvars(responder="app_roles.ensure", target=target):
            await cloud.graph.post(path, body)

    return await additions.ensure(
        additions.Addition(
            what=f"app roles of {object_id}",
            read=lambda: _list(cloud, object_id),
            add=add,
            name=_name,
            key=lambda one: f"{one['resource_id']}/{one['app_role_id']}".lower(),
        ),
        wanted,
    )


def by_hand(principal: Principal) -> list[str]:
    """What a person would run."""
    url = f"{_GRAPH}{_path(principal['object_id'])}"
    return [f"az rest --method GET --url {url}", f"az rest --method DELETE --url {url}/<id>"]


async def _list(cloud: Cloud, object_id: str) -> list[Json]:
    return [_parse(one) for one in await cloud.graph.list(_path(object_id))]


async def _roles(cloud: Cloud, resource_id: str) -> dict[str, str]:
    """App role id -> value, of the API that declares them."""
    path = f"/servicePrincipals/{checked_guid(resource_id, 'resource id')}"
    found = await cloud.graph.get(path, {"$select": "id,appRoles"})
    return {
        str(role["id"]): str(role.get("value") or role.get("displayName"))
        for role in found.get("appRoles") or []
    }


def _parse(raw: Json) -> Json:
    match raw:
        case {"id": str(key), "appRoleId": str(role_id), "resourceId": str(resource_id)}:
            return {
                "id": key,
                "app_role_id": role_id,
                "resource_id": resource_id,
                "resource_name": raw.get("resourceDisplayName"),
                "principal_id": raw.get("principalId"),
                "created": raw.get("createdDateTime"),
            }
        case _:
            raise ContractChangedError(f"not an app role assignment: {sorted(raw)}")


def _held_by_other(object_id: str) -> removals.Reason:
    def stays(one: Json) -> str | None:
        holder = str(one["principal_id"] or object_id)
        return None if holder.lower() == object_id else f"{holder} holds it, as a group"

    return stays


def _name(one: Json) -> str:
    role = one.get("role_name") or one["app_role_id"]
    return f"app role {role} on {one['resource_name'] or one['resource_id']}"


def _path(object_id: str) -> str:
    return f"/servicePrincipals/{checked_guid(object_id, 'object id')}/appRoleAssignments"
