"""Credentials as Microsoft Graph v1.0 writes them: secrets, certificates, federated credentials.

Source      https://learn.microsoft.com/graph/api/resources/passwordcredential
            https://learn.microsoft.com/graph/api/resources/keycredential
            https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
"""

import base64
import hashlib
import secrets
from datetime import datetime

from sandbox.graph.shapes import moment, new_id
from sandbox.world import Json

TOKEN_EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"  # noqa: S105 - a public name


def new_secret() -> str:
    """A client secret of Entra's length and alphabet: 40 characters."""
    return secrets.token_urlsafe(30)


def new_password_credential(
    display_name: str | None,
    *,
    secret: str,
    start: datetime,
    end: datetime,
    key_id: str | None = None,
) -> Json:
    """What stays readable of a client secret; the value itself belongs into `directory.secrets`."""
    return {
        "customKeyIdentifier": None,
        "displayName": display_name,
        "endDateTime": moment(end),
        "hint": secret[:3],
        "keyId": key_id or new_id(),
        "secretText": None,
        "startDateTime": moment(start),
    }


def new_key_credential(
    display_name: str | None,
    *,
    certificate: bytes,
    start: datetime,
    end: datetime,
    key_id: str | None = None,
    usage: str = "Verify",
) -> Json:
    """A certificate, in DER. Its SHA-1 thumbprint is the default `customKeyIdentifier`."""
    thumbprint = hashlib.sha1(certificate).digest()  # noqa: S324 - a name, not a safeguard
    return {
        "customKeyIdentifier": base64.b64encode(thumbprint).decode(),
        "displayName": display_name,
        "endDateTime": moment(end),
        "key": base64.b64encode(certificate).decode(),
        "keyId": key_id or new_id(),
        "startDateTime": moment(start),
        "type": "AsymmetricX509Cert",
        "usage": usage,
    }


def new_federated_credential(  # noqa: PLR0913 - the resource has this many properties
    name: str,
    *,
    application_id: str,
    issuer: str,
    subject: str,
    audiences: list[str] | None = None,
    description: str | None = None,
    credential_id: str | None = None,
) -> Json:
    """A federated credential. "applicationId", the application's object id, is never sent."""
    return {
        "id": credential_id or new_id(),
        "name": name,
        "issuer": issuer,
        "subject": subject,
        "description": description,
        "audiences": audiences or [TOKEN_EXCHANGE_AUDIENCE],
        "applicationId": application_id,
    }
