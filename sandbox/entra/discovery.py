"""The public documents of the tenant's issuer: OpenID configuration, keys, instance discovery.

Source      https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
"""

from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.entra import refusals, tokens
from sandbox.web import Call
from sandbox.world import World

# Names under which clients ask before they know the tenant.
# https://learn.microsoft.com/entra/identity-platform/msal-client-application-configuration
_ANY_TENANT = {"common", "organizations"}
DOMAIN = "contoso.onmicrosoft.com"


def check_tenant(world: World, tenant: str, *, any_tenant: bool = False) -> None:
    """Raise AADSTS90002 unless the URL names this tenant."""
    known = {world.tenant_id, DOMAIN} | (_ANY_TENANT if any_tenant else set())
    if tenant.lower() not in known:
        raise refusals.unknown_tenant(tenant)


async def configuration_v2(world: World, call: Call) -> Response:
    """200, or 400 for an unknown tenant."""
    tenant = call.params["tenant"]
    check_tenant(world, tenant, any_tenant=True)
    issuer = (
        f"{call.origin}/{{tenantid}}/v2.0" if tenant in _ANY_TENANT else tokens.issuer_v2(world)
    )
    return JSONResponse(_configuration(call, f"{call.origin}/{tenant}", "/v2.0", issuer))


async def configuration_v1(world: World, call: Call) -> Response:
    """200, or 400 for an unknown tenant."""
    tenant = call.params["tenant"]
    check_tenant(world, tenant, any_tenant=True)
    return JSONResponse(
        _configuration(call, f"{call.origin}/{tenant}", "", tokens.issuer_v1(world))
    )


def _configuration(call: Call, base: str, version: str, issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{base}/oauth2{version}/authorize",
        "token_endpoint": f"{base}/oauth2{version}/token",
        "device_authorization_endpoint": f"{base}/oauth2{version}/devicecode",
        "end_session_endpoint": f"{base}/oauth2{version}/logout",
        "jwks_uri": f"{base}/discovery{version}/keys",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": call.origin.removeprefix("https://"),
    }


async def keys(world: World, call: Call) -> Response:
    """200: the keys that access tokens are signed with."""
    check_tenant(world, call.params["tenant"], any_tenant=True)
    return JSONResponse(tokens.signing_key().jwks())


async def instance(world: World, call: Call) -> Response:
    """200: this login host and no other one."""
    host = call.origin.removeprefix("https://")
    return JSONResponse(
        {
            "tenant_discovery_endpoint": f"{call.origin}/{world.tenant_id}/v2.0"
            "/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
    )
