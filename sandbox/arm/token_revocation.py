"""Revoking the tokens of a user-assigned identity: accepted at once, and honoured by nobody knows whom.

Simulates   POST …/userAssignedIdentities/{name}/revokeTokens (2023-07-31-preview)
Choice      which services honour it is undocumented: none does, unless `/sandbox/token-revocation` names them
Source      https://github.com/Azure/azure-rest-api-specs/blob/main/specification/msi/resource-manager/Microsoft.ManagedIdentity/preview/2023-07-31-preview/ManagedIdentity.json
            https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/identity
"""

from starlette.responses import Response

from sandbox.arm import locks, resources
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.entra import revocations
from sandbox.web import Call, Route
from sandbox.world import World

_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"
_API_VERSION = "2023-07-31-preview"


async def revoke(world: World, call: Call) -> Response:
    """200 accepted, 403, 404 no such identity or api-version of another year, 409 locked read-only."""
    if call.query["api-version"].lower() != _API_VERSION:
        raise ArmError(404, "NotFound", f"No operation is known at '{call.path}'.")
    identity = call.path.rpartition("/")[0]
    authorize(world, call, f"{_TYPE}/revokeTokens/action", identity)
    found = resources.require(world, identity)
    locks.refuse_if_locked(world, identity, verb="write")
    revocations.revoke(world, found["properties"]["principalId"])
    return Response(status_code=200)


ROUTES = [
    Route(
        "POST",
        "/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/{_TYPE}/{{name}}/revokeTokens",
        revoke,
    )
]
