"""Which credentials of a service principal sign SAML tokens for its users. Pure.

A signing certificate is three objects: a key to sign, a key to verify, and the password of the private
one; all three have one customKeyIdentifier, and the password has the signing key's keyId.
https://learn.microsoft.com/graph/api/serviceprincipal-addtokensigningcertificate

Taking it away breaks single sign-on of people who have nothing to do with the incident. But a key to
verify also authenticates whoever holds its private half, so a pair is only kept where it is in use.
"""

import base64
import binascii
import hashlib

from responders.model import Json

_LONE = "it signs, and no token can be had with it"
_PAIR = (
    "single sign-on signs with it; whoever holds its private half could ask for tokens: roll it over in the "
    "application's single sign-on page"
)


Named = tuple[
    str, str
]  # "key" or "password", and its keyId: a signing key shares its own with its password


def kept(raw: Json) -> dict[Named, str]:
    """What stays of a service principal as Graph has it, and why."""
    keys: list[Json] = raw["keyCredentials"]
    reasons: dict[Named, str] = {}
    for sign in (one for one in keys if one.get("usage") == "Sign"):
        shared = sign.get("customKeyIdentifier")
        halves = [
            one
            for one in keys
            if one.get("usage") == "Verify" and shared and one.get("customKeyIdentifier") == shared
        ]
        if not halves:
            reasons["key", sign["keyId"]] = _LONE
        used = [one for one in halves if _is_in_use(raw, one)]
        if used:
            reasons |= {("key", one["keyId"]): _PAIR for one in (sign, *used)}
            reasons |= {
                ("password", one["keyId"]): _PAIR
                for one in raw["passwordCredentials"]
                if one.get("keyId") == sign["keyId"] and one.get("customKeyIdentifier") == shared
            }
    return reasons


def _is_in_use(raw: Json, half: Json) -> bool:
    """Whether this pair signs now. Where that can't be told, it does: broken sign-on is no containment."""
    preferred = str(raw.get("preferredTokenSigningKeyThumbprint") or "").upper()
    if not preferred:
        return raw.get("preferredSingleSignOnMode") == "saml"
    thumbprint = _thumbprint(half)
    return thumbprint is None or thumbprint == preferred


def _thumbprint(half: Json) -> str | None:
    """SHA-1 of the certificate; of its identifier where Graph does not give the certificate, or None.

    The identifier is free to choose, so it is not believed where the certificate can be asked.
    https://learn.microsoft.com/graph/api/resources/keycredential
    """
    try:
        if half.get("key"):
            certificate = base64.b64decode(half["key"], validate=True)
            return hashlib.sha1(certificate).hexdigest().upper()  # noqa: S324 - a name, not a safeguard
        raw = base64.b64decode(half["customKeyIdentifier"], validate=True)
    except binascii.Error:
        return None
    return raw.hex().upper() if len(raw) == hashlib.sha1().digest_size else None  # noqa: S324
