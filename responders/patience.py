"""How long a responder waits for Azure to see its own write, before the step ends and Durable retries it.

Entra answers from replicas, so a read right after a write may show the past.
https://learn.microsoft.com/entra/architecture/architecture#data-consistency
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from responders.errors import ConflictError, NotFoundError, TransientError

T = TypeVar("T")

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 3.0
DEFAULT_S = 20.0
AGAIN_S = 1.0  # after which something that was not found is looked for once more
FEWEST = 5  # rounds, however slow each answer is: time alone must not use up every try


async def rounds(seconds: float | None = None) -> AsyncIterator[int]:
    """Counts 1, 2, … with growing pauses, and ends when the time is over; 0 seconds is one round."""
    loop = asyncio.get_running_loop()
    patience = DEFAULT_S if seconds is None else seconds
    deadline = loop.time() + patience
    fewest = FEWEST if patience else 1
    pause, count = FIRST_PAUSE_S, 1
    while True:
        yield count
        if count >= fewest and loop.time() + pause > deadline:
            return
        await asyncio.sleep(pause)
        pause, count = min(pause * 2, LONGEST_PAUSE_S), count + 1


async def until_it_reads_back(
    write: Callable[[], Awaitable[None]], holds: Callable[[], Awaitable[bool]], what: str
) -> None:
    """Write once, again only after a lost race, and wait until the object itself says so."""
    written = False
    async for _ in rounds():
        if not written:
            try:
                await write()
            except ConflictError:
                continue
            written = True
        if await holds():
            return
    said = "does not read back" if written else "lost every race against another writer"
    raise TransientError(f"{what} {said}")


async def looked_twice(read: Callable[[], Awaitable[T]]) -> T:
    """What reads. `NotFoundError` only where it was not found twice: a replica that is behind says 404 as well.

    For what counts as nothing once it is gone: one late answer must not make "could not read" into "there is none".
    """
    try:
        return await read()
    except NotFoundError:
        await asyncio.sleep(AGAIN_S)
        return await read()
