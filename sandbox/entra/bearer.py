"""Who is calling: the check that every API of the sandbox makes of `Authorization: Bearer`.

Faithful    signature, issuer, audience and expiry are checked, and nothing else: an issued token keeps
            working for a principal that has been disabled or deleted since, while it lives and wherever
            rights remain
Left out    continuous access evaluation
Source      https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import jwt

from sandbox.entra import resources, revocations, tokens
from sandbox.web import Call
from sandbox.world import World


class RevokedError(jwt.InvalidTokenError):
    """The token of a managed identity whose tokens were revoked, at a service that looks."""


class InvalidTokenError(Exception):
    """The call carries no token that this API takes. Each service says so in its own words."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a valid token speaks for."""

    object_id: str
    app_id: str
    tenant_id: str
    kind: Literal["app", "user"]
    roles: frozenset[str]  # app roles; for a user those of the resource, never directory roles
    token_id: str
    claims: dict[str, Any]

    @property
    def scopes(self) -> frozenset[str]:
        """Delegated permissions; empty for an app."""
        return frozenset(str(self.claims.get("scp", "")).split())


def authenticate(world: World, call: Call, audiences: Collection[str]) -> Caller:
    """The caller, if the token is ours, alive and for one of these audiences (canonical names or aliases)."""
    caller = _read(world, call)
    accepted = {resources.canonical(world, each) for each in audiences}
    audience = caller.claims["aud"]
    if resources.canonical(world, audience) not in accepted:
        raise InvalidTokenError(f"the token is for the audience {audience}")
    if revocations.is_revoked(world, caller.claims, resources.canonical(world, audience)):
        raise InvalidTokenError("the token was revoked") from RevokedError()
    return caller


def peek(world: World, call: Call) -> Caller | None:
    """The caller of any valid token, for records and logs of refused calls."""
    try:
        return _read(world, call)
    except InvalidTokenError:
        return None


def _read(world: World, call: Call) -> Caller:
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidTokenError("the call carries no bearer token")
    try:
        claims = tokens.decode(world, token.strip())
    except jwt.InvalidTokenError as invalid:
        raise InvalidTokenError(str(invalid)) from invalid
    return Caller(
        object_id=claims["oid"],
        app_id=claims.get("appid") or claims.get("azp", ""),
        tenant_id=claims["tid"],
        kind="user" if claims.get("idtyp") == "user" else "app",
        roles=frozenset(claims.get("roles", [])),
        token_id=claims.get("uti", ""),
        claims=claims,
    )
