"""Access tokens of this tenant's Entra, verified here: who the caller is, where nobody in front of the app says so.

https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from responders.settings import is_guid
from triggers import token_issuers
from triggers.token_issuers import BadTokenError, Trust

__all__ = ["BadTokenError", "Claims", "Trust", "claimed_object_id", "is_application", "verify"]
_MOST_CHARACTERS = 16_384  # with the most groups and roles that Entra puts in, one is half as long
_MOST_OF_A_NAME = 200
_SKEW_S = 60  # that clocks may differ by
_SIGNED_BY = "RS256"  # the only one that Entra uses; a token that names another one is forged


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    object_id: str
    tenant_id: str
    app_id: str  # the client that asked for it; of an app-only token the application itself
    name: str
    roles: frozenset[str]
    is_application: bool  # app-only: nobody is signed in


async def verify(token: str, *, audiences: Collection[str], trusted: Trust | None = None) -> Claims:
    """What the token says, if our tenant's Entra issued it for one of these audiences and it is alive.

    Raises `BadTokenError`, or `ResponderError` where the signing keys can't be had: that says nothing about the token.
    """
    import jwt  # noqa: PLC0415 - with cryptography, 30 ms that no alert waits for

    header, unproven = _opened(token)
    key_id = header.get("kid")
    if header.get("alg") != _SIGNED_BY or not isinstance(key_id, str):
        raise BadTokenError(f"it is not signed with {_SIGNED_BY} and a named key")
    tenant = trusted or await token_issuers.trust()
    issuer = tenant.issuer(unproven.get("ver"))
    key = await issuer.key(key_id)
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_SIGNED_BY],
            audience=list(audiences),
            issuer=issuer.name,
            leeway=_SKEW_S,
            options={"require": ["exp", "nbf", "iss", "aud", "oid", "tid"]},
        )
    except jwt.PyJWTError as wrong:
        raise BadTokenError(f"{type(wrong).__name__}: {wrong}"[:_MOST_OF_A_NAME]) from wrong
    if claims["tid"] != tenant.tenant_id:
        raise BadTokenError("it is another tenant's")
    return _read(claims)


def _opened(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, believed in nothing yet."""
    import jwt  # noqa: PLC0415

    if len(token) > _MOST_CHARACTERS:
        raise BadTokenError(f"it is longer than {_MOST_CHARACTERS} characters")
    try:
        opened = jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.PyJWTError as wrong:
        raise BadTokenError("it is no JSON Web Token") from wrong
    return opened["header"], opened["payload"]


def claimed_object_id(token: str) -> str | None:
    """Whom a token that somebody else has verified speaks for, by its own words; None where it says nothing."""
    try:
        said = _opened(token)[1].get("oid")
    except BadTokenError:
        return None
    return said.lower() if isinstance(said, str) else None


def _read(claims: Mapping[str, Any]) -> Claims:
    object_id, roles = claims["oid"], claims.get("roles", [])
    if not isinstance(object_id, str) or not is_guid(object_id):
        raise BadTokenError("its oid is no object id")
    if not isinstance(roles, list) or not all(isinstance(one, str) for one in roles):
        raise BadTokenError("its roles are no list of names")
    names = ("preferred_username", "upn", "unique_name", "app_displayname", "name")
    name = next((str(claims[one]) for one in names if claims.get(one)), object_id)
    return Claims(
        object_id=object_id.lower(),
        tenant_id=claims["tid"],
        app_id=str(claims.get("azp") or claims.get("appid") or "").lower(),
        name=name[:_MOST_OF_A_NAME],
        roles=frozenset(roles),
        is_application=is_application(claims),
    )


def is_application(claims: Mapping[str, Any]) -> bool:
    """Whether an access token is app-only. `idtyp` is optional; a person's token always has scopes.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    match claims.get("idtyp"):
        case "app":
            return True
        case "user":
            return False
        case _:
            return "scp" not in claims
