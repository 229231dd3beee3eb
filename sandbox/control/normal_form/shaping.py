"""How a normal form is shaped: properties dropped, lists turned into objects."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from sandbox.world import Json


def without(value: Json, names: Collection[str]) -> Json:
    """The object without these properties."""
    return {name: inner for name, inner in value.items() if name not in names}


def stated(value: Json) -> Json:
    """The object without the properties that have no value."""
    return {name: inner for name, inner in value.items() if inner is not None}


def by(items: Iterable[Json], key: Callable[[Json], str]) -> dict[str, Json]:
    """The objects by their natural key, in its order; those that share one are told apart by a number."""
    found: dict[str, Json] = {}
    for item in sorted(items, key=lambda each: (key(each), _text(each))):
        name, number = key(item), 2
        while name in found:
            name, number = f"{key(item)}#{number}", number + 1
        found[name] = item
    return found


def as_set(values: Iterable[Any]) -> list[Any]:
    """A list whose order says nothing, in one order."""
    return sorted(values, key=_text)


def filled(value: Any) -> Any:
    """Without what is empty, all the way down: absent and empty mean the same in Kubernetes."""
    if isinstance(value, dict):
        inner = {name: filled(each) for name, each in value.items()}
        return {name: each for name, each in inner.items() if each not in (None, {}, [])}
    if isinstance(value, list):
        return [filled(each) for each in value]
    return value


def _text(value: Any) -> str:
    return repr(sorted(value.items())) if isinstance(value, dict) else repr(value)
