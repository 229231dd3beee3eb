"""Responder: a role by its name or id, at the scope where it is to be given.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/authorization/role-definitions/list
         https://learn.microsoft.com/azure/role-based-access-control/role-definitions-list
"""

from typing import Final, TypedDict

from responders import role_definitions
from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, RefusedError
from responders.model import Json
from responders.needs import DEFINITIONS, AzureNeed, Needs
from responders.settings import is_guid

_VERSION = "2022-04-01"
NEEDS: Final = Needs(
    azure=(AzureNeed(f"{DEFINITIONS}/read", "roles that are declared by name", ("resolve",)),),
)


class NamedRole(TypedDict):
    """A definition, and what it would make of whoever has it."""

    definition_id: str  # without the scope that it was asked at: the same everywhere
    name: str
    owner_level: str  # why a person has to want it by name; "" where it is none


async def resolve(cloud: Cloud, role: str, scope: str) -> NamedRole:
    """The definition that this name or id means there. Raises `RefusedError` where there is none, or two.

    Names of custom roles are unique in a tenant, and a built-in role may be renamed by Microsoft: an id is for ever.
    """
    at = f"{scope.rstrip('/')}/providers/Microsoft.Authorization/roleDefinitions"
    key = role.rpartition("/")[2]
    try:
        if is_guid(key):
            found = [await cloud.arm.get(f"{at}/{key}", _VERSION)]
        else:
            query = {"$filter": f"roleName eq '{role.replace(chr(39), chr(39) * 2)}'"}
            found = await cloud.arm.list(at, _VERSION, query)
    except NotFoundError as error:
        raise RefusedError(f"role {role} at {scope}: {error}") from error
    if len(found) != 1:
        ids = ", ".join(str(one.get("name")) for one in found)
        count = "no role" if not found else f"{len(found)} roles ({ids})"
        raise RefusedError(f"{count} of the name {role} can be given at {scope}: name it by its id")
    return await _described(cloud, found[0])


async def _described(cloud: Cloud, found: Json) -> NamedRole:
    match found:
        case {"id": str(at), "name": str(key), "properties": {"roleName": str(name)}} if is_guid(
            key
        ):
            pass
        case _:
            raise ContractChangedError(f"not a role definition: {sorted(found)}")
    permissions = await role_definitions.read(cloud, [at])
    if at not in permissions:
        raise RefusedError(f"what the role {name} allows could not be read: it may allow anything")
    return {
        "definition_id": at,
        "name": name,
        "owner_level": role_definitions.owner_level(permissions[at]) or "",
    }
