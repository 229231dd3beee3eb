"""Reading as the identity that is always on, within a step of the other one.

What may change things reads no more than what it changes: everything else it is told by the identity that reads anyway.
`permissions/` counts what is read below such a function for `containment` alone.
"""

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from responders.cloud import Cloud
from responders.read_only import read_only

P = ParamSpec("P")
R = TypeVar("R")


def as_containment(
    look: Callable[Concatenate[Cloud, P], Awaitable[R]],
) -> Callable[Concatenate[Cloud, P], Coroutine[Any, Any, R]]:
    """Decorator of what only reads: whoever's step asks, it reads as `containment`, and can write nothing."""

    @wraps(look)
    async def looking(cloud: Cloud, /, *args: P.args, **kwargs: P.kwargs) -> R:
        reader = await cloud.acting_as("containment")
        with read_only():
            return await look(reader, *args, **kwargs)

    return looking
