"""Whose tokens are played here: each cluster's issuer keeps its path, and gets the sandbox's host.

An issuer that is nobody's cluster stays as it is: nobody has its keys, so it opens nothing.
"""

from urllib.parse import urlsplit

from sandbox.world import Json, World


def mapping(world: World, export: Json) -> dict[str, str]:
    """The exported issuer -> the one that is played."""
    found: dict[str, str] = {}
    for cluster in export["clusters"]:
        issuer = of(cluster)
        if issuer is not None:
            found[issuer] = f"{world.endpoints['oidc']}{urlsplit(issuer).path or '/'}"
    return found


def of(cluster: Json) -> str | None:
    """A cluster's issuer; None where it has none."""
    profile = cluster["resource"]["properties"].get("oidcIssuerProfile") or {}
    issuer: str | None = profile.get("issuerURL") if profile.get("enabled") is not False else None
    return issuer
