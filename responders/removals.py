"""Take away every one of a kind, side by side, until the object itself lists none of them.

Every lever that empties a list of the directory goes like this: read, compare, act, read back. One
that won't go does not keep the others; one that is planted meanwhile goes too.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from responders import patience, races
from responders.errors import (
    ConflictError,
    ContractChangedError,
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.fan_out import failures, fan_out, worst
from responders.model import Change, Json, StepResult
from responders.read_only import is_read_only

Reason = Callable[[Json], str | None]
_AT_ONCE = 64  # writes to one object queue up in `graph_writes` and go together


def _id(one: Json) -> str:
    return str(one["id"])


def _goes(_: Json) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Removal:
    """What a noun has to say about its list."""

    what: str  # "app roles of orders-api (…)": opens every sentence
    read: Callable[[], Awaitable[list[Json]]]
    remove: Callable[[Json], Awaitable[None]]
    name: Callable[[Json], str]
    before: str = "granted"  # how an item stood, in a word
    key: Callable[[Json], str] = _id
    stays: Reason = _goes  # why no call of ours takes it away


async def remove_all(removal: Removal) -> StepResult:
    """Remove what can be removed and believe it when it no longer reads back. Safe to repeat.

    What is refused is named in a "refused", with what did go. Raises `TransientError` where time may help.
    """
    tried: dict[str, Json] = {}
    stuck: dict[str, ResponderError] = {}
    errors: list[ResponderError] = []
    at_once = _AT_ONCE
    async for _ in patience.rounds():
        found = await removal.read()
        left = [one for one in found if not removal.stays(one) and removal.key(one) not in stuck]
        if not left or is_read_only():
            return _result(removal, found, tried, stuck)
        tried |= {removal.key(one): one for one in left}
        outcomes = await fan_out(
            left, lambda one: races.win(lambda: removal.remove(one)), at_once=at_once
        )
        errors = failures(outcomes)
        stuck |= {
            removal.key(one): error
            for one, error in outcomes
            if isinstance(error, RefusedError | ContractChangedError)
        }
        if any(isinstance(error, ConflictError) for error in errors):
            at_once = 1  # Graph answers overlapping writes to one object with conflicts
    raise _unfinished(removal, tried, [*errors, *stuck.values()])


def _unfinished(
    removal: Removal, tried: dict[str, Json], errors: list[ResponderError]
) -> ResponderError:
    """Time may help: with the last errors, or with those that were accepted and read back all the same."""
    names = _names(removal, list(tried.values()))
    said = "; ".join(str(error) for error in errors)
    return TransientError(f"{removal.what}: {names} still read back after removal; {said}")


def _result(
    removal: Removal, found: list[Json], tried: dict[str, Json], stuck: dict[str, ResponderError]
) -> StepResult:
    """How it stands, now that nothing is left that could be tried. What is no longer listed is gone."""
    listed = {removal.key(one) for one in found}
    errors = [error for key, error in stuck.items() if key in listed]
    if any(not isinstance(error, RefusedError) for error in errors):
        raise worst(errors, removal.what)
    reasons = [str(error) for error in errors]
    reasons += [f"{removal.name(one)} stays: {why}" for one in found if (why := removal.stays(one))]
    if is_read_only():
        doomed = [one for one in found if not removal.stays(one)]
        return _said(removal, "planned", doomed, reasons)
    gone = [one for key, one in tried.items() if key not in listed]
    return _said(removal, "done", gone, reasons)


def _said(removal: Removal, status: str, moved: list[Json], reasons: list[str]) -> StepResult:
    verb = "remove" if status == "planned" else "removed"
    parts = [f"{verb} {_names(removal, moved)}"] if moved else []
    detail = f"{removal.what}: {'; '.join([*parts, *reasons]) or 'none'}"
    changes: list[Change] = [
        {"object": removal.name(one), "before": removal.before, "after": "removed"} for one in moved
    ]
    result: StepResult = {"status": "done", "detail": detail, "items": moved, "changes": changes}
    if reasons and (status == "done" or not moved):
        result["status"] = "refused"
    elif not moved:
        result["status"] = "nothing_to_do"
    elif status == "planned":
        result["status"] = "planned"
    return result


def _names(removal: Removal, items: list[Json]) -> str:
    return ", ".join(removal.name(one) for one in items)
