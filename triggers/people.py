"""Who is calling: as App Service authentication says it, or as a token of our own tenant proves it.

The platform strips client-sent copies of its headers only while authentication is switched on, so without it they are
worth nothing. Where it is on, it has looked at the bearer token already, and its word counts.
https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

import base64
import binascii
import json
import os
from dataclasses import dataclass
from typing import Any, Literal

import azure.functions as func

from responders.settings import Settings, is_guid
from triggers import entra_tokens
from triggers.entra_tokens import BadTokenError

# Values of the app roles of Firebreak's registration: docs/how-to/give-people-access.md
READ = "Incident.Read"
RESPOND = "Incident.Respond"
APPROVE = "Incident.Approve"
ADMIN = "Incident.Admin"
ROLES = (READ, RESPOND, APPROVE, ADMIN)
_OF_PEOPLE_ALONE = frozenset({APPROVE, ADMIN})  # whatever roles an application was given

# How App Service spells out Entra's short claim names; some versions hand on the short ones.
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_TENANT_ID = "http://schemas.microsoft.com/identity/claims/tenantid"
_SCOPE = "http://schemas.microsoft.com/identity/claims/scope"
_ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
_MOST_OF_A_NAME = 200


class NotSignedInError(Exception):
    """Nobody is signed in, or not so that it can be believed."""


class NotAllowedError(Exception):
    """Somebody is signed in, without the app role that this needs."""


@dataclass(frozen=True, slots=True)
class Person:
    """A proven Entra identity: of a person, or of an application that calls for itself."""

    object_id: str
    name: str
    roles: frozenset[str]
    is_application: bool = False
    via: Literal["easy-auth", "token"] = "easy-auth"
    tenant_id: str = ""
    app_id: str = ""  # the client that the call came through, where the proof says so

    def must_be(self, *roles: str) -> None:
        """Raises `NotAllowedError` unless one of these app roles is held. Who holds any of them all may read."""
        held = {
            one for one in roles if one in self.roles or (one == READ and self.roles & set(ROLES))
        }
        if not held:
            raise NotAllowedError(f"{self.name} does not hold the app role {' or '.join(roles)}")
        if self.is_application and held <= _OF_PEOPLE_ALONE:
            said = f"{' and '.join(sorted(held))} is for people alone"
            raise NotAllowedError(f"{self.name} is an application: {said}")

    def identity(self) -> dict[str, str]:
        """Who it was and how that was proven, for the record."""
        return {
            "object_id": self.object_id,
            "name": self.name,
            "tenant_id": self.tenant_id,
            "proven_by": self.via,
        }


async def caller(req: func.HttpRequest) -> Person:
    """Who is behind a request.

    Raises `NotSignedInError`, or `ResponderError` where nobody can say: the keys can't be had, or a setting is wrong.
    """
    settings = Settings.from_environ()
    token = _bearer(req)
    header = req.headers.get("X-MS-CLIENT-PRINCIPAL")
    if header and _is_platform_checking():
        person = _of_easy_auth(header, settings.tenant_id)
        # A browser's session beside somebody else's token: nobody can say who of the two means it.
        if token is not None and entra_tokens.claimed_object_id(token) != person.object_id:
            raise NotSignedInError("the session is one person's, and the bearer token another's")
        return person
    if token is None:
        raise NotSignedInError("the request carries no verified identity")
    return await _of_token(token, settings.api_audiences)


def _is_platform_checking() -> bool:
    """Set by App Service itself: https://learn.microsoft.com/azure/app-service/reference-app-settings#authentication--authorization."""
    return os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"


def _bearer(req: func.HttpRequest) -> str | None:
    scheme, _, token = req.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def _of_token(token: str, audiences: tuple[str, ...]) -> Person:
    if not audiences:
        raise NotSignedInError(
            "this app can't check tokens: App Service authentication is off, and FIREBREAK_API_AUDIENCE is not set"
        )
    try:
        said = await entra_tokens.verify(token, audiences=audiences)
    except BadTokenError as problem:
        raise NotSignedInError(f"the bearer token is not believed: {problem}") from problem
    return Person(
        object_id=said.object_id,
        name=said.name,
        roles=said.roles,
        is_application=said.is_application,
        via="token",
        tenant_id=said.tenant_id,
        app_id=said.app_id,
    )


def _of_easy_auth(header: str, tenant_id: str) -> Person:
    try:
        principal = json.loads(base64.b64decode(header, validate=True))
        return _person(principal, tenant_id)
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise NotSignedInError(f"unreadable X-MS-CLIENT-PRINCIPAL: {problem}") from problem


def _person(principal: dict[str, Any], tenant_id: str) -> Person:
    if principal.get("auth_typ") != "aad":
        raise NotSignedInError("the sign-in is not one of Microsoft Entra")
    claims: dict[str, list[str]] = {}
    for claim in principal["claims"]:
        claims.setdefault(str(claim["typ"]), []).append(str(claim["val"]))
    object_id = (claims.get(_OBJECT_ID) or claims["oid"])[0].lower()
    if not is_guid(object_id):
        raise NotSignedInError("the sign-in's object id is none")
    # Guests of a registration for many tenants bring roles that somebody else gave them.
    if (claims.get(_TENANT_ID) or claims.get("tid") or [""])[0].lower() != tenant_id:
        raise NotSignedInError("the sign-in is another tenant's")
    role_type = str(principal.get("role_typ") or "roles")
    roles = {role for name in {role_type, "roles", _ROLE} for role in claims.get(name, [])}
    names = claims.get("preferred_username") or claims.get("upn") or claims.get("name") or []
    return Person(
        object_id=object_id,
        name=next(iter(names), object_id)[:_MOST_OF_A_NAME],
        roles=frozenset(roles),
        is_application=_is_application(claims),
        via="easy-auth",
        tenant_id=tenant_id,
        app_id=(claims.get("azp") or claims.get("appid") or [""])[0].lower(),
    )


def _is_application(claims: dict[str, list[str]]) -> bool:
    """A browser's sign-in comes with the claims of an ID token, which names neither scopes nor a client."""
    said = {name: values[0] for name, values in claims.items()}
    if _SCOPE in said:
        said["scp"] = said[_SCOPE]
    names_a_client = "idtyp" in said or "azp" in said or "appid" in said
    return names_a_client and entra_tokens.is_application(said)
