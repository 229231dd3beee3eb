"""A queue output as a function sees it, kept for the test to read."""

import json
from typing import Any

import azure.functions as func


class QueueOut(func.Out[list[str]]):
    """What a function puts on the queue."""

    def __init__(self) -> None:
        self._texts: list[str] | None = None

    def set(self, val: list[str]) -> None:
        """The messages; the last call counts."""
        self._texts = val

    def get(self) -> list[str]:
        """The messages so far; None before the first `set`, as the worker has it."""
        return self._texts  # type: ignore[return-value]

    @property
    def messages(self) -> list[Any]:
        """The messages, parsed."""
        return [json.loads(one) for one in self._texts or []]
