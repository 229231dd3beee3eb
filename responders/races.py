"""One write that is tried again while others write to the same object: Graph answers overlaps with conflicts.

Source   https://learn.microsoft.com/graph/errors (Directory_ConcurrencyViolation)
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from responders import patience
from responders.errors import ConflictError

_RACES = 6  # tries of one write, against other writes to the same object


async def win(write: Callable[[], Awaitable[None]]) -> None:
    """Write. Who loses a race against another write to the same object waits for a moment of its own.

    So many writes to one object take little longer than one: only their moments differ.
    """
    for race in range(1, _RACES + 1):
        try:
            return await write()
        except ConflictError:
            if race == _RACES:
                raise
            spread = random.uniform(0.5, 2.0 + race)  # noqa: S311 - it only parts them
            await asyncio.sleep(patience.FIRST_PAUSE_S * spread)
    return None
