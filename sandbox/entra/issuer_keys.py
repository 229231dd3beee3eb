"""Keys of the issuers that clients trust, fetched when an assertion has to be verified.

Faithful    discovery, then JWKS, over HTTPS from the issuer itself; keys are kept for a while
Choice      Entra's own cache is not documented: how long this one keeps keys is `Delays.issuer_keys`, and an unknown
            key id looks past it
Left out    the first-100-keys limit
Source      https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import jwt

from sandbox.arm import identity_bindings
from sandbox.entra import refusals
from sandbox.entra.claims_matching import claims_of
from sandbox.world import Json, World

_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class _Keys:
    fetched: datetime
    by_id: dict[str, jwt.PyJWK]


async def of(world: World, issuer: str, key_id: str) -> dict[str, jwt.PyJWK]:
    """The issuer's keys by their id; raises `RefusalError` where they can't be read."""
    cache: dict[str, _Keys] = world.caches.setdefault("issuer keys", {})
    known = cache.get(issuer)
    life = timedelta(seconds=world.delays.issuer_keys)
    if known and key_id in known.by_id and known.fetched + life > world.clock.now():
        return known.by_id
    fetched = await _fetch(world, issuer)
    cache[issuer] = _Keys(world.clock.now(), fetched)
    return fetched


async def _fetch(world: World, issuer: str) -> dict[str, jwt.PyJWK]:
    """Only https is followed, and no redirect.

    GitHub and the like are played by `/sandbox/foreign-issuer`, the issuers of identity bindings by `token_proxy`: of
    them, nothing outside is asked.
    """
    if claims_of(issuer) or issuer.startswith(f"{identity_bindings.ISSUER}/"):
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
