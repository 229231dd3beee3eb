"""A drill's processes: one that dies is told about with its log, and none outlives the drill."""

import asyncio
import os
from pathlib import Path

import pytest

from drill.options import DrillError
from drill.processes import Recipe, running

READY = """
import json, pathlib, time
pathlib.Path("ready.json").write_text(json.dumps({"port": 1}))
time.sleep(60)
"""
DIES = """
print("the reason is in this line")
raise SystemExit(3)
"""
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY


def recipe(folder: Path, source: str) -> Recipe:
    (folder / "service.py").write_text(source)
    ready, log = folder / "ready.json", folder / "service.log"
    return Recipe("service", ["service"], log, ready, dict(os.environ), folder)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_process_is_used_when_it_is_ready_and_ended_afterwards(tmp_path: Path) -> None:
    async with running(recipe(tmp_path, READY)) as service:
        assert service.ready == {"port": 1}
        assert service.died() is None

    assert not is_alive(service.process.pid)


async def test_a_process_that_dies_is_told_about_with_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="exit code 3") as told:
        async with running(recipe(tmp_path, DIES)):
            pass

    assert "the reason is in this line" in str(told.value)
    assert str(tmp_path / "service.log") in str(told.value)


async def test_a_process_that_dies_later_is_noticed(tmp_path: Path) -> None:
    async with running(recipe(tmp_path, READY)) as service:
        service.process.kill()
        await service.process.wait()

        assert "exit code -9" in str(service.died())


async def test_an_error_in_the_block_ends_the_process_too(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="midway"):
        async with running(recipe(tmp_path, READY)) as service:
            raise RuntimeError("midway")

    assert not is_alive(service.process.pid)


async def test_cancelling_ends_the_process_too(tmp_path: Path) -> None:
    pids: list[int] = []

    async def drill() -> None:
        async with running(recipe(tmp_path, READY)) as service:
            pids.append(service.process.pid)
            await asyncio.Event().wait()

    task = asyncio.create_task(drill())
    while not pids:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not is_alive(pids[0])


async def test_a_process_that_ignores_the_request_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drill.processes._STOP_WITHIN_S", 0.2)

    async with running(recipe(tmp_path, STUBBORN)) as service:
        pass

    assert service.process.returncode == -9


async def test_a_process_that_is_never_ready_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drill.processes.READY_WITHIN_S", 0.3)

    with pytest.raises(DrillError, match="not ready within"):
        async with running(recipe(tmp_path, "import time\ntime.sleep(60)\n")):
            pass
