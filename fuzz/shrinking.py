"""A failing world made small: parts are dropped as long as it fails by the same rule."""

import copy
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

from fuzz.worlds import Json, World

Fails = Callable[[World], Awaitable[bool]]
_LISTS = ("faults", "twice", "locks", "gitops", "budgets", "consumers", "subscriptions")
_PLAIN: Json = {
    **{name: [] for name in _LISTS},
    **{name: {} for name in ("delays", "policy", "troubles", "homes")},
}


async def shrink(world: World, fails: Fails, runs: int) -> World:
    """The smallest world found within so many runs. `fails` says whether a candidate still fails as this one did.

    Big parts are tried first: what makes a run slow or a story long goes before what is one line of it.
    """
    smallest = world
    while runs > 0:
        for candidate in candidates(smallest):
            runs -= 1
            if await fails(candidate):
                smallest = candidate
                break
            if runs <= 0:
                return smallest
        else:
            return smallest
    return smallest


def candidates(world: World) -> Iterator[World]:
    """Every world that is one part less, the largest parts first."""
    plain = cast(Json, world)
    for key, nothing in _PLAIN.items():
        if plain[key] != nothing:
            yield cast(World, {**plain, key: nothing})
    for path in sorted(_items(plain), key=len):
        smaller = copy.deepcopy(plain)
        *above, last = path
        holder: Any = smaller
        for step in above:
            holder = holder[step]
        removed = holder.pop(last)
        if not _is_victim(removed, plain):
            yield cast(World, smaller)
    if any(one["knows"] != "annotation" for one in plain["workloads"]):
        plainer = [{**one, "knows": "annotation"} for one in plain["workloads"]]
        yield cast(World, {**plain, "workloads": plainer, "bindings": []})
    if plain["opened_by"] != "responder":
        yield cast(World, {**plain, "opened_by": "responder"})


def _items(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The address of every element of every list, from the last to the first."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _items(inner, (*path, key))
    elif isinstance(value, list):
        for at in reversed(range(len(value))):
            yield (*path, at)
            yield from _items(value[at], (*path, at))


def _is_victim(removed: Any, world: Json) -> bool:
    return isinstance(removed, dict) and removed.get("name") == world["victim"]
