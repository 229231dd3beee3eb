"""Responder: what Firebreak's own identity may do in Microsoft Graph and in Azure, against what it needs.

Stops    nothing
Leaves   conditions on role assignments, which no list of permissions shows, and roles that are eligible and not active
Undo     none needed
Needs    nothing: every identity may ask what it is allowed
Source   https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
         https://learn.microsoft.com/azure/role-based-access-control/role-definitions#actions
         https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#payload-claims (roles)
         https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations#limitation-of-using-managed-identities-for-authorization

Graph goes by the roles in the token, so they are read there. A managed identity's token lives for up to a day, and a
role that was given or taken meanwhile shows in the next one: as long as that, Graph answers by the old ones, too.
"""

import fnmatch
from collections.abc import Iterable, Sequence

from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.model import Json
from responders.tokens import claims_of

_PERMISSIONS_VERSION = "2022-04-01"
_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
_CLUSTERS = "Microsoft.ContainerService/managedClusters"
# App roles, each with what comes of its absence; docs/reference/permissions.md has the same list, and a test compares.
GRAPH: dict[str, str] = {
    "Application.ReadWrite.All": "applications and service principals can't be disabled",
    "AppRoleAssignment.ReadWrite.All": "application permissions stay",
    "DelegatedPermissionGrant.ReadWrite.All": "delegated permissions stay",
    "GroupMember.ReadWrite.All": "memberships stay, and what they carry",
    "Directory.Read.All": "groups, owners, directory roles and delegated permissions may be hidden",
    "IdentityRiskyServicePrincipal.ReadWrite.All": "Entra ID Protection is not told",
}
# Without one of these an incident ends `not_contained`.
GRAVE = frozenset({"Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"})
READER, ACCESS = "Reader", "Role Based Access Control Administrator"
IDENTITIES, KEY_ROTATOR = "Managed Identity Contributor", "Firebreak Signing Key Rotator"
ENABLER = "Firebreak Cluster Enabler"
GRAVE_IN_AZURE = frozenset({READER, ACCESS, IDENTITIES})
# Role -> the actions for which it is asked; a custom role that has them is as good.
AZURE: dict[str, tuple[str, ...]] = {
    READER: (
        "Microsoft.Authorization/roleAssignments/read",
        "Microsoft.Authorization/locks/read",
        "Microsoft.Insights/eventtypes/values/read",
        f"{_IDENTITIES}/federatedIdentityCredentials/read",
        f"{_CLUSTERS}/read",
    ),
    ACCESS: (
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Authorization/roleAssignments/delete",
    ),
    IDENTITIES: (
        f"{_IDENTITIES}/write",
        f"{_IDENTITIES}/revokeTokens/action",
        f"{_IDENTITIES}/federatedIdentityCredentials/write",
        f"{_IDENTITIES}/federatedIdentityCredentials/delete",
    ),
    "Key Vault Contributor": ("Microsoft.KeyVault/vaults/accessPolicies/write",),
    "Azure Kubernetes Service Cluster User Role": (
        f"{_CLUSTERS}/listClusterUserCredential/action",
    ),
    ENABLER: (f"{_CLUSTERS}/write",),
    KEY_ROTATOR: (f"{_CLUSTERS}/rotateServiceAccountSigningKeys/action",),
}


async def graph_roles(cloud: Cloud) -> frozenset[str]:
    """The app roles that Graph lets us act by. Raises `RefusedError` where we act as a person, who has none."""
    claims = claims_of(await cloud.get_token(cloud.endpoints.graph_scope))
    if claims.get("scp") is not None:
        raise RefusedError("it acts with a person's own rights, so app roles say nothing")
    return frozenset(str(one) for one in claims.get("roles") or ())


async def missing_in_azure(cloud: Cloud, scope: str, roles: Iterable[str]) -> dict[str, list[str]]:
    """Of these roles of `AZURE`, the actions that we may not do at this scope; a role that lacks none is not in it."""
    blocks = await permissions_at(cloud, scope)
    lacking = {
        role: [action for action in AZURE[role] if not allows(blocks, action)] for role in roles
    }
    return {role: actions for role, actions in lacking.items() if actions}


async def permissions_at(cloud: Cloud, scope: str) -> list[Json]:
    """One block of permissions for each role that reaches the scope."""
    path = f"{scope}/providers/Microsoft.Authorization/permissions"
    return await cloud.arm.list(path, _PERMISSIONS_VERSION)


def allows(blocks: Sequence[Json], action: str) -> bool:
    """Whether one of the blocks gives the action: actions less notActions, each with wildcards."""
    return any(
        _names(block, "actions", action) and not _names(block, "notActions", action)
        for block in blocks
    )


def _names(block: Json, part: str, action: str) -> bool:
    patterns = (str(one).lower() for one in block.get(part) or [])
    return any(fnmatch.fnmatchcase(action.lower(), one) for one in patterns)
