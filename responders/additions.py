"""Give back what is missing of a kind, until the object itself lists all of it.

The mirror of `removals`: read, compare, act, read back. One that can't be given does not keep the others.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from responders import patience, races
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.fan_out import failures, fan_out
from responders.model import Change, Json, StepResult
from responders.read_only import is_read_only

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Addition:
    """What a noun has to say about its list."""

    what: str  # "app roles of <object id>": opens every sentence
    read: Callable[[], Awaitable[list[Json]]]
    add: Callable[[Json], Awaitable[None]]
    name: Callable[[Json], str]
    key: Callable[[Json], str]  # what makes two of them the same: ids differ after a new creation
    after: str = "granted"  # how an item stands then, in a word


@dataclass(slots=True)
class _Tried:
    """What became of what was sent."""

    given: dict[str, Json] = field(default_factory=dict)
    stuck: dict[str, ResponderError] = field(default_factory=dict)
    # "Already there" is a 400 in some places, and a replica may not list what was accepted: neither is sent again.
    doubted: dict[str, ResponderError] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)

    def note(self, key: str, error: ResponderError | None) -> None:
        """One outcome. What time can fix is sent again."""
        if error is None:
            self.accepted.add(key)
        elif isinstance(error, RefusedError | NotFoundError):
            self.stuck[key] = error
        elif isinstance(error, ContractChangedError):
            self.doubted[key] = error

    def is_open(self, key: str) -> bool:
        """Whether it is worth sending."""
        return key not in self.stuck and key not in self.doubted and key not in self.accepted


async def ensure(addition: Addition, wanted: Sequence[Json]) -> StepResult:
    """Give what is missing and believe it when it reads back. Safe to repeat.

    What is refused, or whose other end is gone, is named in a "refused", with what was given. Raises
    `TransientError` where time may help.
    """
    tried, errors, missing = _Tried(), list[ResponderError](), list[Json]()
    at_once = _AT_ONCE
    async for _ in patience.rounds():
        listed = {addition.key(one) for one in await addition.read()}
        missing = [one for one in wanted if addition.key(one) not in listed]
        if is_read_only() or all(addition.key(one) in tried.stuck for one in missing):
            return _result(addition, wanted, missing, tried.given, tried.stuck)
        left = [one for one in missing if tried.is_open(addition.key(one))]
        tried.given |= {addition.key(one): one for one in left}
        outcomes = await fan_out(
            left, lambda one: races.win(lambda: addition.add(one)), at_once=at_once
        )
        errors = failures(outcomes)
        for one, error in outcomes:
            tried.note(addition.key(one), error)
        if any(isinstance(error, ConflictError) for error in errors):
            at_once = 1  # Graph answers overlapping writes to one object with conflicts
    hopeless = tried.stuck | tried.doubted
    if all(addition.key(one) in hopeless for one in missing):
        return _result(addition, wanted, missing, tried.given, hopeless)
    names = ", ".join(addition.name(one) for one in tried.given.values())
    said = "; ".join(str(error) for error in errors)
    raise TransientError(f"{addition.what}: {names} do not read back yet; {said}")


def _result(
    addition: Addition,
    wanted: Sequence[Json],
    missing: list[Json],
    given: dict[str, Json],
    stuck: dict[str, ResponderError],
) -> StepResult:
    left = {addition.key(one) for one in missing}
    made = [one for key, one in given.items() if key not in left]
    if is_read_only():
        made = missing
    errors = [error for key, error in stuck.items() if key in left]
    verb = "give" if is_read_only() else "gave"
    parts = [f"{verb} {', '.join(addition.name(one) for one in made)}"] if made else []
    detail = f"{addition.what}: {'; '.join([*parts, *map(str, errors)]) or 'all are there already'}"
    changes: list[Change] = [
        {"object": addition.name(one), "before": "missing", "after": addition.after} for one in made
    ]
    there = {addition.key(one) for one in made}
    items: list[Json] = [
        {**one, "created": addition.key(one) in there}
        for one in wanted
        if addition.key(one) not in left or is_read_only()
    ]
    status: StepResult = {"status": "done", "detail": detail, "items": items, "changes": changes}
    if errors:
        status["status"] = "refused"
    elif not made:
        status["status"] = "nothing_to_do"
    elif is_read_only():
        status["status"] = "planned"
    return status
