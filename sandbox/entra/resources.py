"""What a token can be for: Microsoft's own APIs and the applications of the tenant.

A resource has several names (with and without a slash, GUID, local origin); the token carries the
name that was asked for and every API takes all of its own. https://learn.microsoft.com/entra/identity-platform/access-tokens#token-ownership
"""

from dataclasses import dataclass

from sandbox.world import Json, World

GRAPH = "https://graph.microsoft.com"
ARM = "https://management.azure.com"
LOG_ANALYTICS = "https://api.loganalytics.io"
STORAGE = "https://storage.azure.com"
KEY_VAULT = "https://vault.azure.net"
EVENT_GRID = "https://eventgrid.azure.net"
AKS = "6dae42f8-4368-4678-94ff-3960e28e3630"
FIREBREAK = "api://firebreak"

# Application ids of first-party resources, the same in every tenant.
# https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
# https://learn.microsoft.com/azure/aks/kubelogin-authentication
FIRST_PARTY: dict[str, tuple[str, str]] = {
    GRAPH: ("00000003-0000-0000-c000-000000000000", "Microsoft Graph"),
    ARM: ("797f4846-ba00-4fd7-ba43-dac1f8f63013", "Windows Azure Service Management API"),
    LOG_ANALYTICS: ("ca7f3f0b-7d91-482c-8e09-c5d840d0eac5", "Log Analytics API"),
    KEY_VAULT: ("cfa8b339-82a2-471a-a3c9-0fa0be7a4093", "Azure Key Vault"),
    EVENT_GRID: ("4962773b-9cdb-44cf-a8bf-237846a00ab7", "Microsoft.EventGrid"),
    STORAGE: ("e406a681-f3d4-42a8-90b6-c2b029497af1", "Azure Storage"),
    AKS: (AKS, "Azure Kubernetes Service AAD Server"),
}
_ALIASES = {
    "https://management.core.windows.net": ARM,
    "https://api.loganalytics.azure.com": LOG_ANALYTICS,
}
_ORIGINS = {
    "graph": GRAPH,
    "arm": ARM,
    "loganalytics": LOG_ANALYTICS,
    "storage": STORAGE,
    "keyvault": KEY_VAULT,
    "eventgrid": EVENT_GRID,
}


@dataclass(frozen=True, slots=True)
class Resource:
    """An API that a token opens."""

    audience: str  # as asked for: what goes into `aud`
    canonical: str  # the one name under which the services of the sandbox know it
    app_id: str
    display_name: str
    version: int  # of its access tokens: 1 or 2
    principal: Json | None  # its service principal in the tenant, with its appRoles


def canonical(world: World, name: str) -> str:
    """One name for all names of a first-party resource; any other name as it is, without its last slash."""
    bare = name.rstrip("/") if name.lower().startswith(("https://", "api://")) else name
    lowered = bare.lower()
    for service, resource in _ORIGINS.items():
        if lowered == world.endpoints.get(service, "").lower():
            return resource
    for resource, (app_id, _) in FIRST_PARTY.items():
        if lowered in (resource.lower(), app_id):
            return resource
    return _ALIASES.get(lowered, bare)


def find(world: World, name: str) -> Resource | None:
    """The resource of this name as the tenant knows it, or None (AADSTS500011)."""
    wanted = canonical(world, name)
    principal = _principal(world, wanted)
    if wanted in FIRST_PARTY:
        app_id, display_name = FIRST_PARTY[wanted]
        return Resource(name, wanted, app_id, display_name, 1, principal)
    if principal is None:
        return None
    return Resource(
        audience=wanted,
        canonical=wanted,
        app_id=principal["appId"],
        display_name=principal["displayName"],
        version=_token_version(world, principal["appId"]),
        principal=principal,
    )


def _principal(world: World, wanted: str) -> Json | None:
    names = {wanted.lower(), FIRST_PARTY[wanted][0] if wanted in FIRST_PARTY else wanted.lower()}
    for principal in world.directory.service_principals.values():
        known = {principal["appId"], *principal.get("servicePrincipalNames", [])}
        if names & {each.lower().rstrip("/") for each in known}:
            return principal
    return None


def _token_version(world: World, app_id: str) -> int:
    """`api.requestedAccessTokenVersion` of the application; null means 1."""
    for application in world.directory.applications.values():
        if application["appId"] == app_id:
            api = application.get("api") or {}
            return api.get("requestedAccessTokenVersion") or 1
    return 1
