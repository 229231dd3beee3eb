"""Federated assertions: a token of another issuer in place of a secret.

Simulates   how Entra judges a `client_assertion` that an external issuer signed
Faithful    issuer, subject and audience compared to the letter with the federated credentials that the
            token endpoint's replica knows, of applications and of managed identities, flexible ones
            by their expression; RS256 only
Source      https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from sandbox.entra import issuer_keys, refusals, trusts
from sandbox.entra.trusts import Trust
from sandbox.world import Json, World, timestamp

_SKEW = timedelta(minutes=5)


def match(world: World, principal: Json, claims: Json) -> Trust:
    """The trust that these claims fit; `RefusalError` says what of them does not."""
    found = trusts.of_client(world, principal, world.seen_by_now(world.delays.federation))
    if not found:
        raise refusals.no_federation(principal["appId"], principal.get("displayName", ""))
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    audiences = claims.get("aud", [])
    audiences = [str(each) for each in (audiences if isinstance(audiences, list) else [audiences])]
    found = [each for each in found if each.issuer == issuer]
    if not found:
        raise refusals.no_matching_federation(700211, "issuer", issuer)
    found = [each for each in found if each.fits(claims)]
    if not found:
        raise refusals.no_matching_federation(700213, "subject", subject)
    for each in found:
        if each.audiences & set(audiences):
            return each
    raise refusals.no_matching_federation(700212, "audience", ", ".join(audiences))


async def verify(world: World, assertion: str, issuer: str) -> None:
    """Check signature and lifetime of an assertion against the issuer's published keys."""
    header = jwt.get_unverified_header(assertion)
    if header.get("alg") != "RS256":
        raise refusals.malformed_assertion("The signing algorithm is not supported.")
    key_id = str(header.get("kid", ""))
    keys = await issuer_keys.of(world, issuer, key_id)
    if key_id not in keys:
        raise refusals.unknown_federation_key(key_id, issuer)
    try:
        claims = jwt.decode(
            assertion, keys[key_id].key, algorithms=["RS256"], options=SIGNATURE_ONLY
        )
    except jwt.InvalidTokenError as invalid:
        raise refusals.bad_signature(
            "The provided signature value did not match the expected signature value."
        ) from invalid
    check_lifetime(world, claims)


# Time is the sandbox's own, and issuer, subject and audience have been compared by `match`.
SIGNATURE_ONLY: Any = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_nbf": False,
    "verify_sub": False,
    "verify_jti": False,
}


def check_lifetime(world: World, claims: Json) -> None:
    """Raise AADSTS700024 unless the assertion is alive now."""
    now = world.clock.now()
    try:
        expires = datetime.fromtimestamp(float(claims["exp"]), UTC)
        starts = datetime.fromtimestamp(float(claims.get("nbf") or claims.get("iat") or 0), UTC)
    except (KeyError, TypeError, ValueError, OverflowError) as wrong:
        raise refusals.malformed_assertion("It has no usable lifetime.") from wrong
    if not starts - _SKEW <= now < expires:
        raise refusals.outside_validity(timestamp(now), timestamp(starts), timestamp(expires))
