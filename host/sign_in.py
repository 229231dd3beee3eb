"""App Service authentication ("Easy Auth") for bearer tokens, as the platform does it before the app.

Headers with which a client could pose as the platform are removed always. With an issuer configured, a bearer token is
checked and its claims are handed on; a bad token is 401, no token passes as nobody ("allow unauthenticated").
https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

import base64
import json
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
from jwt.types import Options

from host import log
from host.clock import CLOCK

_FORGED = ("x-ms-client-principal", "x-ms-token-")
_SKEW_S = 60.0  # that clocks may differ by
_OWN_TIME: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
_REFRESH_S = 10.0  # an unknown key id fetches the keys again, but not for every bad token

# Entra's short claim names that App Service spells out.
_TYPES = {
    "oid": "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "tid": "http://schemas.microsoft.com/identity/claims/tenantid",
    "sub": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
}
_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


class BadTokenError(Exception):
    """The bearer token isn't one of ours."""


@dataclass(frozen=True, slots=True)
class SignInOptions:
    """`--auth-issuer`, `--auth-audience`, `--auth-jwks`, `--ca`."""

    issuer: str
    audiences: Sequence[str]
    jwks_url: str
    ca: Path | None = None


class SignIn:
    """Checks tokens against the issuer's published keys."""

    def __init__(
        self, options: SignInOptions, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._options = options
        context = ssl.create_default_context(cafile=str(options.ca) if options.ca else None)
        self._http = httpx.AsyncClient(verify=context, timeout=10.0, transport=transport)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = -_REFRESH_S

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def principal(self, authorization: str | None) -> dict[str, str]:
        """The headers that tell the app who calls; none without a bearer token.

        Raises:
            BadTokenError: signature, issuer, audience or lifetime is wrong, or the keys can't be had.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return {}
        return headers_of_claims(await self.claims(token))

    async def claims(self, token: str) -> dict[str, Any]:
        """What a token says that is one of ours. Raises `BadTokenError`, as `principal` does."""
        try:
            header = jwt.get_unverified_header(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                await self._key(str(header.get("kid"))),
                algorithms=["RS256"],
                audience=list(self._options.audiences),
                issuer=self._options.issuer,
                options={"require": ["exp", "iss", "aud"], **_OWN_TIME},
            )
        except jwt.PyJWTError as wrong:
            raise BadTokenError(type(wrong).__name__) from wrong
        _check_time(claims)
        return claims

    async def _key(self, key_id: str) -> jwt.PyJWK:
        if key_id not in self._keys and time.monotonic() - self._fetched >= _REFRESH_S:
            self._fetched = time.monotonic()
            try:
                answer = await self._http.get(self._options.jwks_url)
                answer.raise_for_status()
                found = jwt.PyJWKSet.from_dict(answer.json())
            except (httpx.HTTPError, ValueError, jwt.PyJWTError) as unreachable:
                self._fetched = -_REFRESH_S  # nothing was learnt: the next token may ask again
                log.error("signing keys can't be read", error=type(unreachable).__name__)
                raise BadTokenError("signing keys can't be read") from unreachable
            self._keys = {key.key_id: key for key in found.keys if key.key_id}
        if key_id not in self._keys:
            raise BadTokenError("unknown signing key")
        return self._keys[key_id]


def _check_time(claims: Mapping[str, Any]) -> None:
    """By the host's clock, which a drill puts ahead."""
    now = CLOCK.now().timestamp()
    try:
        ends, begins = float(claims["exp"]), float(claims.get("nbf", 0))
    except (TypeError, ValueError) as wrong:
        raise BadTokenError("exp or nbf is no time") from wrong
    if ends <= now - _SKEW_S:
        raise BadTokenError("expired")
    if begins > now + _SKEW_S:
        raise BadTokenError("not valid yet")


def without_forged(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers minus those that only the platform may send."""
    return {name: value for name, value in headers.items() if not name.lower().startswith(_FORGED)}


def headers_of_claims(claims: Mapping[str, Any]) -> dict[str, str]:
    """How the platform tells the app who calls."""
    listed = [
        {"typ": _TYPES.get(name, name), "val": str(value)}
        for name, values in claims.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    principal = {"auth_typ": "aad", "claims": listed, "name_typ": _NAME, "role_typ": _ROLE}
    return {
        "x-ms-client-principal": base64.b64encode(json.dumps(principal).encode()).decode(),
        "x-ms-client-principal-id": str(claims.get("oid") or claims.get("sub") or ""),
        "x-ms-client-principal-name": name_of(claims),
        "x-ms-client-principal-idp": "aad",
    }


def name_of(claims: Mapping[str, Any]) -> str:
    """What a person signs in with, or which application it is."""
    return str(claims.get("preferred_username") or claims.get("upn") or claims.get("appid") or "")
