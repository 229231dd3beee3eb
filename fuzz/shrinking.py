"""A failing world made small: parts are dropped as long as it fails by the same rule."""

import copy
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import Any, cast

from fuzz.worlds import Json, World

Fails = Callable[[World], Awaitable[bool]]
_LISTS = ("faults", "twice", "locks", "gitops", "budgets", "consumers", "subscriptions")
_MAPPINGS = ("delays", "policy", "troubles", "homes")
_PLAIN: Json = {
    **{name: [] for name in _LISTS},
    **{name: {} for name in _MAPPINGS},
}


async def shrink(world: World, fails: Fails, runs: int) -> World:
    """The smallest world found within so many runs. `fails` says whether a candidate still fails as this one did.

    Big parts are tried first: what makes a run slow or a story long goes before what is one line of it. A part that
    was needed is not tried again before the end: a run takes seconds, and there are few.
    """
    smallest, needed, again = world, 0, False
    while True:
        for candidate in islice(candidates(smallest), needed, None):
            if runs <= 0:
                return smallest
            runs -= 1
            if await fails(candidate):
                smallest, again = candidate, True
                break
            needed += 1
        else:
            if not again:
                return smallest
            needed, again = 0, False


def candidates(world: World) -> Iterator[World]:
    """Every world that is one part less, the largest parts first."""
    plain = cast(Json, world)
    for key, nothing in _PLAIN.items():
        if plain[key] != nothing:
            yield cast(World, {**plain, key: nothing})
    yield from _less_of_a_mapping(plain)
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
    for name, calm in (("stubborn", 0), ("patient", False)):
        if plain["attack"][name] != calm:
            yield cast(World, {**plain, "attack": {**plain["attack"], name: calm}})


def _less_of_a_mapping(plain: Json) -> Iterator[World]:
    """Without one of several delays, troubles, homes or rules; what has but one is dropped whole."""
    for key in _MAPPINGS:
        if len(plain[key]) > 1:
            for name in plain[key]:
                rest = {each: one for each, one in plain[key].items() if each != name}
                yield cast(World, {**plain, key: rest})


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
