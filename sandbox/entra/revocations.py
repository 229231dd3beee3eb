"""Tokens of managed identities that were revoked, and the services that look.

Choice      to the second, as `iat` is: what was issued in the second of the revocation counts as revoked
Source      https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference (iat)
"""

from sandbox.world import Json, World

_REVOKED = "tokens revoked"
_HONOURED_BY = "token revocation honoured by"


def revoke(world: World, object_id: str) -> None:
    """All tokens that this principal got so far; the cache of its hosts forgets them too."""
    world.caches.setdefault(_REVOKED, {})[object_id] = int(world.clock.now().timestamp())
    issued: dict[tuple[str, str], object] = world.caches.setdefault("managed identity", {})
    for key in [each for each in issued if each[0] == object_id]:
        del issued[key]


def all_of(world: World) -> dict[str, int]:
    """Object id -> when its tokens were last revoked, in seconds since 1970."""
    return dict(world.caches.get(_REVOKED, {}))


def is_revoked(world: World, claims: Json, resource: str) -> bool:
    """Whether this resource (its canonical name) refuses such a token."""
    at = world.caches.get(_REVOKED, {}).get(claims["oid"])
    return at is not None and resource in honoured_by(world) and claims["iat"] <= at


def honoured_by(world: World) -> set[str]:
    """The resources that refuse revoked tokens; none at first."""
    found: set[str] = world.caches.setdefault(_HONOURED_BY, set())
    return found
