"""Background tasks whose failures are seen."""

import asyncio
import traceback
from collections.abc import Coroutine

from host import log


def spawn(work: Coroutine[object, object, None], what: str, **about: object) -> asyncio.Task[None]:
    """Run `work` on its own; an exception that escapes it is a bug of the host's, and logged as one."""
    task = asyncio.get_running_loop().create_task(work)

    def done(ended: asyncio.Task[None]) -> None:
        if not ended.cancelled() and (escaped := ended.exception()):
            stack = "".join(traceback.format_exception(escaped))
            log.error(f"{what} stopped by an error in the host", **about, stack=stack)

    task.add_done_callback(done)
    return task
