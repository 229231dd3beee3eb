"""Who calls, and may he: what every operation of ARM asks first.

Source      https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

import jwt

from sandbox.arm.access import allows
from sandbox.arm.conditions import Attributes
from sandbox.arm.errors import ArmError
from sandbox.entra import resources
from sandbox.entra.bearer import Caller, InvalidTokenError, authenticate
from sandbox.web import Call
from sandbox.world import World, timestamp


def caller_of(world: World, call: Call) -> Caller:
    """The caller, or 401 in ARM's words."""
    try:
        return authenticate(world, call, [resources.ARM])
    except InvalidTokenError as invalid:
        raise _unauthenticated(world, call, invalid) from invalid


def authorize(
    world: World, call: Call, action: str, scope: str, *, attributes: Attributes | None = None
) -> Caller:
    """The caller, if Azure RBAC lets him do this at this scope; 403 AuthorizationFailed if not."""
    caller = caller_of(world, call)
    if not allows(world, caller.object_id, action, scope, attributes=attributes):
        raise refusal(caller, action, scope)
    return caller


def refusal(caller: Caller, action: str, scope: str) -> ArmError:
    """403 AuthorizationFailed."""
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{client_name(caller)}' with object id '{caller.object_id}' does not have "
        f"authorization to perform action '{action}' over scope '{scope}' or the scope is "
        "invalid. If access was recently granted, please refresh your credentials.",
    )


def client_name(caller: Caller) -> str:
    """What ARM calls a caller: a user by his name, an application by its client id."""
    return str(caller.claims.get("upn") or caller.app_id)


def _unauthenticated(world: World, call: Call, invalid: InvalidTokenError) -> ArmError:
    cause = invalid.__cause__
    if not call.headers.get("authorization"):
        code = "AuthenticationFailed"
        message = "Authentication failed. The 'Authorization' header is missing."
    elif isinstance(cause, jwt.ExpiredSignatureError):
        code = "ExpiredAuthenticationToken"
        message = (
            "The access token expiry UTC time is earlier than current UTC time "
            f"'{timestamp(world.clock.now())}'."
        )
    elif cause is None:
        code = "InvalidAuthenticationTokenAudience"
        message = (
            "The access token has been obtained for wrong audience or resource. It should exactly "
            "match with one of the allowed audiences 'https://management.core.windows.net/',"
            "'https://management.core.windows.net','https://management.azure.com/',"
            "'https://management.azure.com'."
        )
    else:
        code, message = "InvalidAuthenticationToken", "The access token is invalid."
    authority = f"{world.endpoints.get('login', '')}/{world.tenant_id}"
    challenge = (
        f'Bearer authorization_uri="{authority}", error="invalid_token", '
        f'error_description="{message}"'
    )
    return ArmError(401, code, message, headers={"WWW-Authenticate": challenge})
