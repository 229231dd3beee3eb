"""Child processes that say when they are ready, tell why they died, and never outlive the drill."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drill.options import DrillError, Json

READY_WITHIN_S = 60  # a cold start on a busy two-core machine takes about ten
_STOP_WITHIN_S = 10
_LOG_TAIL = 20  # lines


@dataclass(frozen=True)
class Service:
    """A process of ours: what it said when it was ready, and where it logs."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    ready: Json

    def died(self) -> DrillError | None:
        """Why it is gone, or None while it runs."""
        if self.process.returncode is None:
            return None
        return _death(self.name, self.process.returncode, self.log)


@dataclass(frozen=True)
class Recipe:
    """How to start a module and how it says that it is ready."""

    name: str
    arguments: Sequence[str]  # after `python -m`
    log: Path
    ready_file: Path
    environment: Mapping[str, str]
    folder: Path  # the working directory


@asynccontextmanager
async def running(recipe: Recipe) -> AsyncIterator[Service]:
    """The module as a process, ready to serve; ended however the block ends.

    It gets a session of its own: Ctrl-C reaches the drill alone, which ends its children in order.
    """
    recipe.ready_file.unlink(missing_ok=True)
    recipe.log.parent.mkdir(parents=True, exist_ok=True)
    with recipe.log.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *recipe.arguments,
            cwd=recipe.folder,
            env=dict(recipe.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        ready = await _wait_until_ready(recipe, process)
        yield Service(recipe.name, process, recipe.log, ready)
    finally:
        await asyncio.shield(stop(process))


async def _wait_until_ready(recipe: Recipe, process: asyncio.subprocess.Process) -> Json:
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while not recipe.ready_file.exists():
                if process.returncode is not None:
                    raise _death(recipe.name, process.returncode, recipe.log)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise DrillError(
            f"The {recipe.name} was not ready within {READY_WITHIN_S} s.\n{tail(recipe.log)}"
        ) from None
    ready: Json = json.loads(recipe.ready_file.read_text())
    return ready


async def stop(process: asyncio.subprocess.Process) -> None:
    """End it in order, or by force where it does not obey."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _STOP_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _death(name: str, code: int, log: Path) -> DrillError:
    return DrillError(f"The {name} ended with exit code {code}.\n{tail(log)}")


def tail(log: Path) -> str:
    """The last lines of a log, and where the rest is."""
    lines = log.read_text(errors="replace").splitlines()[-_LOG_TAIL:] if log.exists() else []
    quoted = "\n".join(f"  | {line[:500]}" for line in lines) or "  | (it wrote nothing)"
    return f"{quoted}\nThe whole log: {log}"
