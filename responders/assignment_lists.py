"""Responder: every role assignment that Firebreak sees, by one list for each subscription and management group.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope
         https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest

A list of a subscription shows what it inherits, too: whoever puts lists together drops what is there twice.
"""

from typing import Final

from responders.audit_model import AssignmentsChunk, GrantFacts
from responders.cloud import Cloud
from responders.errors import ContractChangedError
from responders.model import Json
from responders.needs import ASSIGNMENTS, AzureNeed, Needs

API_VERSION = "2022-04-01"
NEEDS: Final = Needs(
    azure=(AzureNeed(f"{ASSIGNMENTS}/read", "every role assignment at a scope"),),
)


async def at(cloud: Cloud, scope: str) -> AssignmentsChunk:
    """Of a subscription all at, above and below it; of a management group those at and above it.

    What stands below a management group is in the lists of the subscriptions below it.
    """
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
    is_group = scope.lower().startswith("/providers/microsoft.management/")
    params = {"$filter": "atScope()"} if is_group else {}
    found: AssignmentsChunk = {"grants": [], "definitions": {}}
    async for page in cloud.arm.pages(path, API_VERSION, params):
        for item in page.items:
            grant = _parse(item)
            found["grants"].append(grant)
            found["definitions"][grant["role_id"]] = item["properties"]["roleDefinitionId"]
    return found


def _parse(item: Json) -> GrantFacts:
    match item:
        case {
            "id": str(assignment_id),
            "properties": {
                "scope": str(scope),
                "roleDefinitionId": str(role),
                "principalId": str(principal_id),
            } as properties,
        }:
            return {
                "id": assignment_id,
                "scope": scope,
                "role_id": role.rpartition("/")[2].lower(),
                "principal_id": principal_id.lower(),
                "principal_type": str(properties.get("principalType") or "Unknown"),
                "created_on": properties.get("createdOn"),
            }
        case _:
            raise ContractChangedError(f"not a role assignment: {sorted(item)}")
