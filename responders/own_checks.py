"""What a check of Firebreak itself says: rows, each with what a person does about it.

A row is `ok`, a `note` (somebody's choice, or what a person should know: nothing is wrong), `failed`, or `unknown`:
what could not be asked is never well.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from responders.errors import ResponderError

State = Literal["ok", "note", "failed", "unknown"]
WELL: Final = frozenset({"ok", "note"})
EACH_S: Final = 20.0  # of one check; all run side by side


class Row(NamedTuple):
    """One line of the table."""

    state: State
    said: str
    fix: str = ""
    about: str = ""  # which of several: an identity, a cluster, a table
    grave: bool = False  # incidents fail by it, or somebody else may act as Firebreak
    rule: str = ""  # of the finding that the daily check makes of it


Ask = Callable[[], Awaitable[Sequence[Row]]]


@dataclass(frozen=True, slots=True)
class Check:
    """A question, and what a person does where it has no answer. `blind`: what no answer means."""

    name: str
    ask: Ask
    fix: str
    blind: State = "failed"
    seconds: float = EACH_S


class Answered(NamedTuple):
    """What a check said, and how long that took."""

    name: str
    rows: list[Row]
    spent_ms: int


def saying(ask: Callable[[], Awaitable[str]]) -> Ask:
    """A check that says one sentence, or raises."""

    async def rows() -> list[Row]:
        return [Row("ok", await ask())]

    return rows


async def answered(check: Check) -> Answered:
    """Its rows within its own time; one row that says why there is no other."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(check.seconds):
            rows = list(await check.ask())
    except TimeoutError:
        rows = [Row(check.blind, f"no answer within {check.seconds:.0f} s", check.fix)]
    except ResponderError as problem:
        rows = [Row(check.blind, str(problem), check.fix)]
    return Answered(check.name, rows, round((time.monotonic() - started) * 1000))


async def all_answered(checks: Sequence[Check]) -> list[Answered]:
    """All side by side, in their order: one that hangs holds up no other."""
    return list(await asyncio.gather(*(answered(one) for one in checks)))
