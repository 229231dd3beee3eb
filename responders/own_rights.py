"""Responder: what the identity that asks may do in Microsoft Graph and in Azure, by its own word.

Stops    nothing
Leaves   conditions on role assignments, which no list of permissions shows, and roles that are eligible and not active
Undo     none needed
Needs    nothing: every identity may ask what it is allowed
Source   https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
         https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#payload-claims (roles)
"""

from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.role_definitions import Permission
from responders.tokens import claims_of

_PERMISSIONS_VERSION = "2022-04-01"


async def graph_roles(cloud: Cloud) -> frozenset[str]:
    """The app roles that Graph lets us act by. Raises `RefusedError` where we act as a person, who has none."""
    claims = claims_of(await cloud.get_token(cloud.endpoints.graph_scope))
    if claims.get("scp") is not None:
        raise RefusedError("it acts with a person's own rights, so app roles say nothing")
    return frozenset(str(one) for one in claims.get("roles") or ())


async def permissions_at(cloud: Cloud, scope: str) -> list[Permission]:
    """One block of permissions for each role that reaches the scope."""
    path = f"{scope}/providers/Microsoft.Authorization/permissions"
    return [
        {
            "actions": one.get("actions") or [],
            "not_actions": one.get("notActions") or [],
            "data_actions": one.get("dataActions") or [],
            "not_data_actions": one.get("notDataActions") or [],
        }
        for one in await cloud.arm.list(path, _PERMISSIONS_VERSION)
    ]
