"""Giving back: what was accepted is waited for and not given twice, whatever a late replica lists."""

from collections.abc import Callable

import pytest

from responders import additions, patience
from responders.additions import Addition
from responders.errors import ConflictError, ContractChangedError, RefusedError, TransientError
from responders.model import Json

ONE: Json = {"id": "1"}


class Listed:
    """A list that shows what it was given only from a certain reading on."""

    def __init__(self, *, from_reading: int, answers: list[Exception | None]) -> None:
        self.added = 0
        self._readings, self._from, self._answers = 0, from_reading, answers

    async def read(self) -> list[Json]:
        self._readings += 1
        return [ONE] if self._readings >= self._from else []

    async def add(self, _: Json) -> None:
        self.added += 1
        if (error := self._answers.pop(0)) is not None:
            raise error

    def addition(self) -> Addition:
        name: Callable[[Json], str] = lambda one: str(one["id"])  # noqa: E731 - used twice below
        return Addition("numbers", self.read, self.add, name=name, key=name)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(patience, "DEFAULT_S", 0.01)


async def test_what_was_accepted_is_not_given_again_while_a_replica_lags() -> None:
    numbers = Listed(from_reading=4, answers=[None])

    result = await additions.ensure(numbers.addition(), [ONE])

    assert (result["status"], numbers.added) == ("done", 1)


async def test_already_there_is_believed_as_soon_as_it_is_listed() -> None:
    numbers = Listed(from_reading=4, answers=[ContractChangedError("400 already exists")])

    result = await additions.ensure(numbers.addition(), [ONE])

    assert (result["status"], numbers.added) == ("done", 1)


async def test_a_400_that_is_never_listed_is_named() -> None:
    numbers = Listed(from_reading=99, answers=[ContractChangedError("400 of some kind")])

    result = await additions.ensure(numbers.addition(), [ONE])

    assert result["status"] == "refused"
    assert "400 of some kind" in result["detail"]


async def test_what_time_can_fix_is_given_again() -> None:
    errors: list[Exception | None] = [TransientError("busy"), ConflictError("lost"), None]
    numbers = Listed(from_reading=5, answers=errors)

    result = await additions.ensure(numbers.addition(), [ONE])

    assert (result["status"], numbers.added) == ("done", 3)


async def test_what_is_accepted_and_never_listed_is_no_success() -> None:
    numbers = Listed(from_reading=99, answers=[None])

    with pytest.raises(TransientError, match="do not read back yet"):
        await additions.ensure(numbers.addition(), [ONE])


async def test_a_refusal_is_not_waited_for() -> None:
    numbers = Listed(from_reading=99, answers=[RefusedError("403")])

    result = await additions.ensure(numbers.addition(), [ONE])

    assert (result["status"], numbers.added) == ("refused", 1)
