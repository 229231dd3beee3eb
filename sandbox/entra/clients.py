"""Client authentication: by secret, by certificate, by federated assertion.

Faithful    secrets and certificates count on the application and on the service principal alike; what the
            endpoint knows of both lags behind the directory
Left out    certificate subject-name-and-issuer, mutual TLS
Choice      the credential is checked before the client is found disabled, so that a refusal's code tells
            which lever holds; Microsoft documents no order
Source      https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.entra import federation, refusals, tokens
from sandbox.entra.sign_ins import SignIn
from sandbox.web import Call
from sandbox.world import Json, World

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = ["RS256", "PS256"]


async def authenticate(world: World, call: Call, form: Mapping[str, str], sign_in: SignIn) -> Json:
    """The service principal of a client that proved who it is. Fills `sign_in` as it goes."""
    client_id, secret = _identification(call, form)
    sign_in.app_id = client_id
    moment = world.seen_by_now(world.delays.directory)
    application = _by_app_id(world.directory.applications.values_as_of(moment), client_id)
    principal = _by_app_id(world.directory.service_principals.values_as_of(moment), client_id)
    if principal is None or (application is None and _is_home(world, principal)):
        raise refusals.unknown_client(client_id)
    sign_in.principal = principal
    holders = [holder for holder in (application, principal) if holder is not None]
    if secret:
        _check_secret(world, client_id, secret, holders, sign_in)
    elif form.get("client_assertion"):
        await _check_assertion(world, call, form, holders, sign_in)
    else:
        raise refusals.invalid_client(
            7000216,
            "'client_assertion', 'client_secret' or 'request' is required for the "
            "'client_credentials' grant type.",
        )
    if not principal.get("accountEnabled", True) or any(each.get("isDisabled") for each in holders):
        raise refusals.disabled(client_id, principal.get("displayName", ""))
    return principal


def _identification(call: Call, form: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret, from the body or from HTTP Basic (RFC 6749, section 2.3.1)."""
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as wrong:
            raise refusals.invalid_request(
                9002313, "Invalid request. Request is malformed or invalid."
            ) from wrong
        return unquote_plus(client_id), unquote_plus(secret)
    if not form.get("client_id"):
        raise refusals.missing("client_id")
    return form["client_id"], form.get("client_secret", "")


def _by_app_id(candidates: list[Json], client_id: str) -> Json | None:
    return next((each for each in candidates if each["appId"] == client_id.lower()), None)


def _is_home(world: World, principal: Json) -> bool:
    """ "If the associated app registration is missing, tokens are not issued for the service principal".

    https://learn.microsoft.com/graph/api/resources/serviceprincipal
    """
    owner = principal.get("appOwnerOrganizationId")
    return principal.get("servicePrincipalType", "Application") == "Application" and owner in (
        None,
        world.tenant_id,
    )


def _check_secret(
    world: World, client_id: str, secret: str, holders: list[Json], sign_in: SignIn
) -> None:
    sign_in.credential_type = "clientSecret"
    expired = False
    for credential in _credentials(holders, "passwordCredentials"):
        value = world.directory.secrets.get(credential["keyId"])
        if value is None or not hmac.compare_digest(value.encode(), secret.encode()):
            continue
        sign_in.key_id = credential["keyId"]
        if _is_valid(world, credential):
            return
        expired = True
    raise refusals.expired_secret(client_id) if expired else refusals.wrong_secret(client_id)


async def _check_assertion(
    world: World, call: Call, form: Mapping[str, str], holders: list[Json], sign_in: SignIn
) -> None:
    if form.get("client_assertion_type") != JWT_BEARER:
        raise refusals.missing("client_assertion_type")
    assertion = form["client_assertion"]
    try:
        header = jwt.get_unverified_header(assertion)
        claims: Json = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError as invalid:
        raise refusals.malformed_assertion("The token format is not proper.") from invalid
    own = claims.get("iss") == claims.get("sub") and "system:" not in str(claims.get("sub"))
    if own and ("x5t" in header or "x5t#S256" in header or claims.get("iss") == sign_in.app_id):
        _check_certificate(world, call, assertion, header, claims, holders, sign_in)
        return
    sign_in.credential_type = "federatedIdentityCredential"
    assert sign_in.principal is not None  # noqa: S101 - `authenticate` has just set it
    found = federation.match(world, sign_in.app_id, sign_in.principal, claims)
    sign_in.federated_credential_id = found["id"]
    await federation.verify(world, assertion, found["issuer"])


def _check_certificate(  # noqa: PLR0913 - the assertion's parts, and where to note what is found
    world: World,
    call: Call,
    assertion: str,
    header: Mapping[str, Any],
    claims: Json,
    holders: list[Json],
    sign_in: SignIn,
) -> None:
    sign_in.credential_type = "certificate"
    if "x5t" not in header and "x5t#S256" not in header:
        raise refusals.invalid_client(
            5002723,
            "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor "
            "keyId specified in token header.",
        )
    if claims["iss"] != sign_in.app_id:
        raise refusals.invalid_client(
            700021,
            "Client assertion application identifier doesn't match 'client_id' parameter.",
        )
    if claims.get("aud") not in _audiences(world, call):
        raise refusals.invalid_client(
            700023, "Client assertion audience claim does not match Realm issuer."
        )
    certificate, credential = _find_certificate(header, holders)
    sign_in.key_id = credential["keyId"]
    sign_in.thumbprint = hashlib.sha1(certificate.public_bytes(Encoding.DER)).hexdigest().upper()  # noqa: S324 - a name, not a protection
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise refusals.bad_signature("The key is not an RSA key.")
    try:
        jwt.decode(assertion, key, algorithms=_ALGORITHMS, options=federation.SIGNATURE_ONLY)
    except jwt.InvalidTokenError as invalid:
        raise refusals.bad_signature(
            "The provided signature value did not match the expected signature value., "
            f"Thumbprint of key used by client: '{sign_in.thumbprint}'"
        ) from invalid
    federation.check_lifetime(world, claims)
    if not _is_valid(world, credential):
        raise refusals.bad_signature(
            f"The key used is expired., Thumbprint of key used by client: '{sign_in.thumbprint}'"
        )


def _find_certificate(
    header: Mapping[str, Any], holders: list[Json]
) -> tuple[x509.Certificate, Json]:
    for credential in _credentials(holders, "keyCredentials"):
        if credential.get("usage") != "Verify" or not credential.get("key"):
            continue
        der = base64.b64decode(credential["key"])
        names = {
            _thumbprint(hashlib.sha1(der).digest()),  # noqa: S324 - what x5t is (RFC 7515, 4.1.7)
            _thumbprint(hashlib.sha256(der).digest()),
        }
        if {str(header.get("x5t", "")), str(header.get("x5t#S256", ""))} & names:
            return x509.load_der_x509_certificate(der), credential
    shown = header.get("x5t") or header.get("x5t#S256")
    raise refusals.bad_signature(
        f"The key was not found., Thumbprint of key used by client: '{shown}'"
    )


def _audiences(world: World, call: Call) -> set[str]:
    tenant = f"{call.origin}/{world.tenant_id}"
    return {
        f"{tenant}/oauth2/v2.0/token",
        f"{tenant}/oauth2/token",
        f"{tenant}/v2.0",
        call.origin + call.path,
        tokens.issuer_v1(world),
    }


def _credentials(holders: list[Json], collection: str) -> Iterator[Json]:
    for holder in holders:
        yield from holder.get(collection) or []


def _thumbprint(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _is_valid(world: World, credential: Json) -> bool:
    now = world.clock.now()
    starts, ends = credential.get("startDateTime"), credential.get("endDateTime")
    return (not starts or _moment(starts) <= now) and (not ends or now < _moment(ends))


def _moment(text: str) -> datetime:
    """A Graph timestamp, which has up to seven fraction digits where Python reads six at most."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")
