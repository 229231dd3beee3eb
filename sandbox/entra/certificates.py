"""Assertions that a client signed with the key of its own certificate.

Faithful    x5t and x5t#S256, RS256 and PS256; issuer and subject are the client, the audience is this endpoint
Left out    trust by subject name and issuer
Source      https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sandbox.entra import credentials, federation, refusals, tokens
from sandbox.entra.sign_ins import SignIn
from sandbox.web import Call
from sandbox.world import Json, World

_ALGORITHMS = ["RS256", "PS256"]


def check(
    world: World, call: Call, assertion: str, holders: Sequence[Json], sign_in: SignIn
) -> None:
    """Raise `RefusalError` unless one of the holders' certificates signed this."""
    header = jwt.get_unverified_header(assertion)
    claims: Json = jwt.decode(assertion, options={"verify_signature": False})
    sign_in.credential_type = "certificate"
    _check_claims(world, call, header, claims, sign_in.app_id)
    credential, der = _find(header, holders)
    sign_in.key_id = credential["keyId"]
    sign_in.thumbprint = hashlib.sha1(der).hexdigest().upper()  # noqa: S324 - a name, not a safeguard
    named = f"Thumbprint of key used by client: '{sign_in.thumbprint}'"
    key = x509.load_der_x509_certificate(der).public_key()
    if not isinstance(key, RSAPublicKey):
        raise refusals.bad_signature(f"The key is not an RSA key., {named}")
    try:
        jwt.decode(assertion, key, algorithms=_ALGORITHMS, options=federation.SIGNATURE_ONLY)
    except jwt.InvalidTokenError as invalid:
        raise refusals.bad_signature(
            f"The provided signature value did not match the expected signature value., {named}"
        ) from invalid
    federation.check_lifetime(world, claims)
    if not credentials.is_valid(world, credential):
        raise refusals.bad_signature(f"The key used is expired., {named}")


def _check_claims(
    world: World, call: Call, header: Mapping[str, Any], claims: Json, client_id: str
) -> None:
    if "x5t" not in header and "x5t#S256" not in header:
        raise refusals.invalid_client(
            5002723,
            "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor "
            "keyId specified in token header.",
        )
    if claims.get("iss") != client_id:
        raise refusals.invalid_client(
            700021,
            "Client assertion application identifier doesn't match 'client_id' parameter.",
        )
    tenant = f"{call.origin}/{world.tenant_id}"
    mine = {
        f"{tenant}/oauth2/v2.0/token",
        f"{tenant}/oauth2/token",
        tokens.issuer_v1(world),
        tokens.issuer_v2(world),
        call.origin + call.path,  # the tenant by its domain name
    }
    if claims.get("aud") not in mine:
        raise refusals.invalid_client(
            700023, "Client assertion audience claim does not match Realm issuer."
        )


def _find(header: Mapping[str, Any], holders: Sequence[Json]) -> tuple[Json, bytes]:
    """The credential that the header names, and its certificate in DER."""
    # Microsoft's own library for Python leaves the padding on.
    shown = {str(header[name]).rstrip("=") for name in ("x5t", "x5t#S256") if name in header}
    for credential in credentials.on(holders, "keyCredentials"):
        if credential.get("usage") != "Verify" or not credential.get("key"):
            continue
        der = base64.b64decode(credential["key"])
        sha1 = hashlib.sha1(der)  # noqa: S324 - what x5t is: RFC 7515, section 4.1.7
        if shown & {_base64url(sha1.digest()), _base64url(hashlib.sha256(der).digest())}:
            return credential, der
    raise refusals.bad_signature(
        f"The key was not found., Thumbprint of key used by client: '{', '.join(sorted(shown))}'"
    )


def _base64url(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
