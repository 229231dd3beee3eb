"""Who is calling, as App Service authentication says it; never as the caller says it.

The platform strips client-sent copies of these headers only while authentication is switched on, so
without it nobody is
anybody. https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

import base64
import binascii
import json
import os
from dataclasses import dataclass
from typing import Any

import azure.functions as func

RESPONDER = "Incident.Respond"
APPROVER = "Incident.Approve"
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


class NotSignedInError(Exception):
    """Nobody is signed in, or not so that it can be believed."""


class NotAllowedError(Exception):
    """Somebody is signed in, without the app role that this needs."""


@dataclass(frozen=True, slots=True)
class Person:
    """An Entra identity that App Service has verified."""

    object_id: str
    name: str
    roles: frozenset[str]

    def must_be(self, role: str) -> None:
        """Raises `NotAllowedError` unless the person holds this app role."""
        if role not in self.roles:
            raise NotAllowedError(f"{self.name} does not hold the app role {role}")


def caller(req: func.HttpRequest) -> Person:
    """The person behind a request. Raises `NotSignedInError`."""
    if os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() != "true":
        raise NotSignedInError("App Service authentication is off on this app")
    header = req.headers.get("X-MS-CLIENT-PRINCIPAL")
    if not header:
        raise NotSignedInError("the request carries no verified identity")
    try:
        principal = json.loads(base64.b64decode(header, validate=True))
        return _person(principal)
    except (binascii.Error, ValueError, KeyError, TypeError) as problem:
        raise NotSignedInError(f"unreadable X-MS-CLIENT-PRINCIPAL: {problem}") from problem


def _person(principal: dict[str, Any]) -> Person:
    claims: dict[str, list[str]] = {}
    for claim in principal["claims"]:
        claims.setdefault(str(claim["typ"]), []).append(str(claim["val"]))
    role_type = str(principal.get("role_typ") or "roles")
    roles = {role for name in {role_type, "roles", _ROLE} for role in claims.get(name, [])}
    object_id = (claims.get(_OBJECT_ID) or claims["oid"])[0]
    names = claims.get("preferred_username") or claims.get("name") or [object_id]
    return Person(object_id, names[0], frozenset(roles))
