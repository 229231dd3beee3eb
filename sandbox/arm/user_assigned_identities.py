"""User-assigned managed identities, for reading.

Simulates   Microsoft.ManagedIdentity/userAssignedIdentities, list and get, and the list of their
            federated credentials (2024-11-30)
Left out    creating, changing and deleting them; revokeTokens
Source      https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities
"""

from starlette.responses import Response

from sandbox.arm import resources
from sandbox.arm.bodies import page
from sandbox.arm.gate import authorize
from sandbox.web import Call, Route
from sandbox.world import World

_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"
_CREDENTIALS = f"{_TYPE}/federatedIdentityCredentials"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_IDENTITY = f"{_GROUP}/providers/{_TYPE}/{{name}}"


async def list_all(world: World, call: Call) -> Response:
    """200 with those that the caller may read; 404 for a scope that is not there."""
    return resources.visible(world, call, _TYPE)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    return resources.one(world, call, _TYPE)


async def list_credentials(world: World, call: Call) -> Response:
    """200, 403, 404 for an identity that is not there."""
    identity = call.path.rpartition("/")[0]
    authorize(world, call, f"{_CREDENTIALS}/read", identity)
    resources.require(world, identity)
    return page(call, resources.under(world, identity, _CREDENTIALS), size=100)


ROUTES = [
    Route("GET", f"/subscriptions/{{subscription}}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}", list_all),
    Route("GET", _IDENTITY, get),
    Route("GET", f"{_IDENTITY}/federatedIdentityCredentials", list_credentials),
]
