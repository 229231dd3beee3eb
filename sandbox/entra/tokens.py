"""Access tokens: what Entra puts into them, and for which resources.

Simulates   access tokens of versions 1.0 and 2.0, signed RS256
Faithful    claims and audiences as documented; a lifetime between 60 and 90 minutes, 24 hours for managed identities
Left out    optional claims, groups, encryption, signing-key rotation
Source      https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

import base64
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any

import jwt

from sandbox.entra.resources import Resource
from sandbox.issuers import Issuer
from sandbox.world import Json, World, copied

# A random value between 60 and 90 minutes, so that not all clients come back at once.
# https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes
_SHORTEST_S, _LONGEST_S = 60 * 60, 90 * 60
# "The back-end services for managed identities maintain a cache per resource URI for around 24 hours."
# https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations
MANAGED_IDENTITY_LIFETIME = timedelta(hours=24)
# https://learn.microsoft.com/entra/identity-platform/id-tokens#token-lifetime
_ID_TOKEN_LIFETIME = timedelta(hours=1)
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"  # the public client that people sign in with


@dataclass(frozen=True, slots=True)
class Issued:
    """A token and what its log row and its answer say about it."""

    token: str
    token_id: str  # the `uti` claim; UniqueTokenIdentifier in the sign-in logs
    expires_in: int  # seconds
    expires_on: int  # seconds since 1970
    not_before: int


@cache
def signing_key() -> Issuer:
    """The tenant's key, one for the life of the process: tokens that clients cached outlive a reset."""
    return Issuer("login")


def issuer_v1(world: World) -> str:
    """Stands in for https://sts.windows.net/{tenant}/."""
    return f"{world.endpoints['login']}/{world.tenant_id}/"


def issuer_v2(world: World) -> str:
    """Stands in for https://login.microsoftonline.com/{tenant}/v2.0."""
    return f"{world.endpoints['login']}/{world.tenant_id}/v2.0"


def lifetime_of(principal: Json) -> timedelta | None:
    """Of what a managed identity gets; None: a random one, as any application's."""
    is_managed = principal.get("servicePrincipalType") == "ManagedIdentity"
    return MANAGED_IDENTITY_LIFETIME if is_managed else None


def issue_to_principal(
    world: World,
    principal: Json,
    resource: Resource,
    *,
    credential_class: str,
    lifetime: timedelta | None = None,
) -> Issued:
    """A token for a service principal. `credential_class` is appidacr: "1" secret, "2" certificate or assertion."""
    claims = {
        "oid": principal["id"],
        "sub": principal["id"],
        "appid": principal["appId"],
        "appidacr": credential_class,
        "app_displayname": principal.get("displayName", ""),
        "idtyp": "app",
    }
    roles = _granted_roles(world, principal["id"], resource)
    if roles:
        claims["roles"] = roles
    return _issue(world, claims, resource, lifetime)


def issue_to_user(world: World, user: Json, resource: Resource, scopes: str) -> Issued:
    """A delegated token, as a browser sign-in or `az login` gets one."""
    claims = {
        "oid": user["id"],
        "sub": user["id"],
        "appid": AZURE_CLI,
        "appidacr": "0",
        "idtyp": "user",
        "name": user["displayName"],
        "upn": user["userPrincipalName"],
        "preferred_username": user["userPrincipalName"],
        "scp": scopes,
    }
    roles = _granted_roles(world, user["id"], resource)
    if roles:
        claims["roles"] = roles
    return _issue(world, claims, resource, None)


def issue_id_token(world: World, user: Json, client: Resource, nonce: str) -> Issued:
    """Who signed in, for the app that they signed in to: always of version 2 here, as its endpoint is.

    https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
    """
    claims = {
        "oid": user["id"],
        "sub": user["id"],
        "name": user["displayName"],
        "preferred_username": user["userPrincipalName"],
        "nonce": nonce,
    }
    roles = _granted_roles(world, user["id"], client)
    if roles:
        claims["roles"] = roles
    own = replace(client, audience=client.app_id, version=2)
    return _issue(world, claims, own, _ID_TOKEN_LIFETIME)


def _issue(
    world: World, claims: Mapping[str, Any], resource: Resource, lifetime: timedelta | None
) -> Issued:
    now = int(world.clock.now().timestamp())
    seconds = (
        int(lifetime.total_seconds())
        if lifetime is not None
        else random.randint(_SHORTEST_S, _LONGEST_S)  # noqa: S311 - spread, not secrecy
    )
    token_id = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
    everything = {
        **claims,
        # "In v2.0 tokens, this value is always the client ID of the API", however it was asked for:
        # https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
        "aud": resource.app_id if resource.version == 2 else resource.audience,
        "iat": now,
        "nbf": now,
        "exp": now + seconds,
        "tid": world.tenant_id,
        "uti": token_id,
        "ver": "2.0" if resource.version == 2 else "1.0",
    }
    if resource.version == 2:
        for old, new in (("appid", "azp"), ("appidacr", "azpacr")):
            if old in everything:  # an ID token has no client: it is for the client
                everything[new] = everything.pop(old)
        issuer = issuer_v2(world)
    else:
        everything["idp"] = issuer = issuer_v1(world)
    token = signing_key().sign(everything, issuer=issuer)
    return Issued(token, token_id, seconds, now + seconds, now)


def _granted_roles(world: World, principal_id: str, resource: Resource) -> list[str]:
    """Values of the app roles of the resource that the directory's replica knows as granted."""
    if resource.principal is None:
        return []
    moment = world.seen_by_now(world.delays.directory)
    names = {role["id"]: role["value"] for role in resource.principal.get("appRoles", [])}
    return [
        names[grant["appRoleId"]]
        for grant in world.directory.app_role_assignments.values_as_of(moment)
        if grant["principalId"] == principal_id
        and grant["resourceId"] == resource.principal["id"]
        and grant["appRoleId"] in names
    ]


def decode(world: World, token: str) -> dict[str, Any]:
    """The claims of a token of ours that has not expired. Raises `jwt.InvalidTokenError` otherwise.

    Time is checked against the sandbox's clock, so PyJWT's own checks of it are off.
    """
    claims = copied(_signed(token))
    if claims["iss"] not in (issuer_v1(world), issuer_v2(world)):
        raise jwt.InvalidIssuerError("the token was issued by somebody else")
    if claims["exp"] <= world.clock.now().timestamp():
        raise jwt.ExpiredSignatureError("the token has expired")
    return claims


@lru_cache(maxsize=1024)
def _signed(token: str) -> dict[str, Any]:
    """The claims of a token that we signed, whenever that was. A caller sends the same one many times."""
    claims: dict[str, Any] = jwt.decode(
        token,
        signing_key().public_key(),
        algorithms=["RS256"],
        options={
            "verify_aud": False,
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "require": ["aud", "exp", "iss", "oid", "tid"],
        },
    )
    return claims
