"""What differs between two states of the sandbox in their normal form (`GET /sandbox/state?form=normal`).

Pure, so that a drill and a test judge by the same: a world that was contained and restored equals the one before, but
for what is listed. Objects are compared by their keys, which the normal form chose; a list is compared as a whole.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two states are not the same. None: there is nothing there, or null."""

    path: tuple[str, ...]  # such as ("applications", object id, "passwordCredentials", key id)
    before: Any
    after: Any
    kind: str  # "added", "removed" or "changed"

    def __str__(self) -> str:
        """One line for a person; what was added or removed is named, not shown in full."""
        where = "/".join(self.path)
        if self.kind == "changed":
            return f"{where}: {self.before!r} -> {self.after!r}"
        return f"{where}: {self.kind}"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Everything that is in one of them only, or has another value, in the order of its path."""
    return list(_between((), before, after))


def unexplained(
    found: Collection[Difference], explained: Collection[tuple[str, ...]]
) -> list[Difference]:
    """Those that are neither at nor below one of these paths."""
    return [each for each in found if not any(each.path[: len(path)] == path for path in explained)]


def _between(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            inner = before.get(name, _ABSENT), after.get(name, _ABSENT)
            yield from _between((*path, name), *inner)
    elif after is _ABSENT:
        yield Difference(path, before, None, "removed")
    elif before is _ABSENT:
        yield Difference(path, None, after, "added")
    elif before != after:
        yield Difference(path, before, after, "changed")
