"""How long a responder waits for its own write: long enough, also where each answer is slow."""

import asyncio

import pytest

from responders import patience
from tests.one_module import instead


async def _count(seconds: float | None, work_s: float = 0) -> int:
    last = 0
    async for number in patience.rounds(seconds):
        last = number
        await asyncio.sleep(work_s)
    return last


async def test_no_time_is_one_round() -> None:
    assert await _count(0) == 1


async def test_slow_answers_do_not_use_up_every_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    assert await _count(0.01, work_s=0.05) == patience.FEWEST


async def test_it_ends_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_S", 0.01)
    async with asyncio.timeout(5):
        assert await _count(1.0) > patience.FEWEST


async def test_pauses_grow_and_stop_growing(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def remember(seconds: float) -> None:
        pauses.append(seconds)

    instead(monkeypatch, patience, asyncio, sleep=remember)
    monkeypatch.setattr(patience, "FEWEST", 9)
    async for _ in patience.rounds(0.0001):
        pass
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0]
