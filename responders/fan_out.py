"""Independent calls side by side, a few at a time: one that fails never stops the others."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from responders.errors import (
    ConflictError,
    ContractChangedError,
    RefusedError,
    ResponderError,
    TransientError,
)

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 8  # far below ARM's and Graph's limits, and enough to be bound by their latency alone


async def fan_out(
    items: Iterable[T], work: Callable[[T], Awaitable[R]], *, at_once: int = AT_ONCE
) -> list[tuple[T, R | ResponderError]]:
    """Each item with its result, or with the error that it ended in, in the order of the items."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: T) -> tuple[T, R | ResponderError]:
        async with gate:
            try:
                return item, await work(item)
            except ResponderError as error:
                return item, error

    return list(await asyncio.gather(*(one(item) for item in items)))


def failures(outcomes: Iterable[tuple[T, R | ResponderError]]) -> list[ResponderError]:
    """The errors among the outcomes."""
    return [outcome for _, outcome in outcomes if isinstance(outcome, ResponderError)]


def worst(errors: list[ResponderError], what: str) -> ResponderError:
    """One error that stands for all and quotes each: transient first, since a retry may still help.

    Conflicts are transient here: whoever fans out has read again already.
    """
    said = f"{what}: {len(errors)} failed: " + "; ".join(str(error) for error in errors)
    if any(isinstance(error, TransientError | ConflictError) for error in errors):
        return TransientError(said)
    if all(isinstance(error, RefusedError) for error in errors):
        return RefusedError(said)
    return ContractChangedError(said)
