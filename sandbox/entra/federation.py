"""Federated assertions: a token of another issuer in place of a secret.

Simulates   how Entra judges a `client_assertion` that an external issuer signed
Faithful    issuer, subject and audience compared to the letter with the federated credentials that the
            token endpoint's replica knows, of applications and of managed identities, flexible ones
            by their expression; keys fetched over HTTPS from the issuer; RS256 only
Left out    the first-100-keys limit
Source      https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt

from sandbox.entra import refusals, trusts
from sandbox.entra.claims_matching import claims_of
from sandbox.entra.trusts import Trust
from sandbox.world import Json, World, timestamp

# Entra's own cache is not documented. This one is short, and an unknown key id looks past it.
_KEYS_LIFE = timedelta(seconds=10)
_SKEW = timedelta(minutes=5)
_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class _Keys:
    fetched: datetime
    by_id: dict[str, jwt.PyJWK]


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
    keys = await _keys(world, issuer, key_id)
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


async def _keys(world: World, issuer: str, key_id: str) -> dict[str, jwt.PyJWK]:
    cache: dict[str, _Keys] = world.caches.setdefault("issuer keys", {})
    known = cache.get(issuer)
    if known and key_id in known.by_id and known.fetched + _KEYS_LIFE > world.clock.now():
        return known.by_id
    fetched = await _fetch(world, issuer)
    cache[issuer] = _Keys(world.clock.now(), fetched)
    return fetched


async def _fetch(world: World, issuer: str) -> dict[str, jwt.PyJWK]:
    """Discovery, then JWKS. Only https is followed, and no redirect.

    GitHub and the like are played by `/sandbox/foreign-issuer`: of them, nothing outside is asked.
    """
    if claims_of(issuer):
        if issuer not in world.issuers:
            raise refusals.unreachable_issuer()
        return _by_id(world.issuers[issuer].jwks())
    try:
        async with httpx.AsyncClient(
            verify=world.trust or True, timeout=_TIMEOUT_S, trust_env=False
        ) as client:
            discovery = await _document(
                client, issuer.rstrip("/") + "/.well-known/openid-configuration"
            )
            if discovery.get("issuer") != issuer:
                raise refusals.unreachable_issuer()
            jwks = await _document(client, str(discovery.get("jwks_uri", "")))
        return _by_id(jwks)
    except (httpx.HTTPError, httpx.InvalidURL, jwt.PyJWTError, ValueError) as failed:
        raise refusals.unreachable_issuer() from failed


def _by_id(jwks: Json) -> dict[str, jwt.PyJWK]:
    return {
        str(key["kid"]): jwt.PyJWK.from_dict(key)
        for key in jwks.get("keys", [])
        if key.get("kty") == "RSA" and "kid" in key
    }


async def _document(client: httpx.AsyncClient, url: str) -> Json:
    if not url.startswith("https://"):
        raise ValueError(f"not https: {url}")
    response = await client.get(url)
    response.raise_for_status()
    document = response.json()
    if not isinstance(document, dict):
        raise ValueError(f"not a JSON object: {url}")
    return document
