"""Secrets and certificates as they lie on an application and on a service principal."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sandbox.world import Json, World


def on(holders: Sequence[Json], collection: str) -> Iterator[Json]:
    """The `passwordCredentials` or `keyCredentials` of all holders."""
    for holder in holders:
        yield from holder.get(collection) or []


def is_valid(world: World, credential: Json) -> bool:
    """Whether it has begun and has not ended."""
    now = world.clock.now()
    starts, ends = credential.get("startDateTime"), credential.get("endDateTime")
    return (not starts or _moment(starts) <= now) and (not ends or now < _moment(ends))


def _moment(text: str) -> datetime:
    """A Graph timestamp, which has up to seven fraction digits where Python reads six at most."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")
