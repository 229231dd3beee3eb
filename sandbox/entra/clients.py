"""Client authentication: by secret, by certificate, by federated assertion.

Faithful    secrets and certificates count on the application and on the service principal alike; what the
            endpoint knows of both lags behind the directory
Left out    mutual TLS
Choice      the credential is checked before the client is found disabled, so that a refusal's code tells
            which lever holds; Microsoft documents no order
Source      https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import unquote_plus

import jwt

from sandbox.entra import certificates, credentials, federation, refusals
from sandbox.entra.sign_ins import SignIn
from sandbox.web import Call
from sandbox.world import Json, Shelf, World

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def authenticate(world: World, call: Call, form: Mapping[str, str], sign_in: SignIn) -> Json:
    """The service principal of a client that proved who it is. Fills `sign_in` as it goes."""
    client_id, secret = _identification(call, form)
    sign_in.app_id = client_id
    moment = world.seen_by_now(world.delays.directory)
    application = _by_app_id(world.directory.applications, moment, client_id)
    principal = _by_app_id(world.directory.service_principals, moment, client_id)
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


def _by_app_id(shelf: Shelf, moment: datetime, client_id: str) -> Json | None:
    wanted = client_id.lower()
    return next(iter(shelf.values_as_of(moment, lambda each: bool(each["appId"] == wanted))), None)


def _is_home(world: World, principal: Json) -> bool:
    """Whether it needs its application: without that, no tokens are issued for it.

    https://learn.microsoft.com/graph/api/resources/serviceprincipal (servicePrincipalType)
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
    for credential in credentials.on(holders, "passwordCredentials"):
        value = world.directory.secrets.get(credential["keyId"])
        if value is None or not hmac.compare_digest(value.encode(), secret.encode()):
            continue
        sign_in.key_id = credential["keyId"]
        if credentials.is_valid(world, credential):
            return
        expired = True
    raise refusals.expired_secret(client_id) if expired else refusals.wrong_secret(client_id)


async def _check_assertion(
    world: World, call: Call, form: Mapping[str, str], holders: list[Json], sign_in: SignIn
) -> None:
    """A certificate's assertion is issued by the client itself; any other one by somebody trusted."""
    if form.get("client_assertion_type") != JWT_BEARER:
        raise refusals.missing("client_assertion_type")
    assertion = form["client_assertion"]
    try:
        header = jwt.get_unverified_header(assertion)
        claims: Json = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError as invalid:
        raise refusals.malformed_assertion("The token format is not proper.") from invalid
    if claims.get("iss") == sign_in.app_id or "x5t" in header or "x5t#S256" in header:
        certificates.check(world, call, assertion, holders, sign_in)
        return
    sign_in.credential_type = "federatedIdentityCredential"
    found = federation.match(world, sign_in.principal or {}, claims)
    sign_in.federated_credential_id = found.credential_id
    await federation.verify(world, assertion, found.issuer)
