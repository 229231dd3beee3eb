"""Functions that give one answer, whatever they are asked."""

from collections.abc import Awaitable, Callable
from typing import Any


def gives(value: Any) -> Callable[..., Awaitable[Any]]:
    """An async function that returns this, or raises it where it is an exception."""

    async def answer(*_arguments: Any, **_options: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return answer
