"""What a browser is told where the evidence, Durable or the directory can't be asked: a page that says so."""

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec

import azure.functions as func
import structlog

from responders.errors import ResponderError, TransientError
from triggers.answers import AGAIN
from triggers.pages import rendering

_log = structlog.get_logger("firebreak.pages")
P = ParamSpec("P")
_LOOK = "Load the incident again before you do anything twice: what you sent may have been heard."


def said(
    page: Callable[P, Awaitable[func.HttpResponse]],
) -> Callable[P, Awaitable[func.HttpResponse]]:
    """503 where time can fix it, 500 where somebody has to: with the reason, and never a bare error of the host's."""

    @functools.wraps(page)
    async def answered(*args: P.args, **kwargs: P.kwargs) -> func.HttpResponse:
        try:
            return await page(*args, **kwargs)
        except ResponderError as problem:
            _log.error("page failed", page=page.__name__, reason=str(problem))
            return _failed(_request(args, kwargs), problem)

    return answered


def _request(args: tuple[object, ...], kwargs: dict[str, object]) -> func.HttpRequest:
    """The worker passes arguments by their names."""
    found = kwargs["req"] if "req" in kwargs else args[0]
    if not isinstance(found, func.HttpRequest):
        raise TypeError("a page's first argument is its request")
    return found


def _failed(req: func.HttpRequest, problem: ResponderError) -> func.HttpResponse:
    passes = isinstance(problem, TransientError)
    todo = "Try again in a minute." if passes else "Somebody has to look: see the log."
    if req.method != "GET":
        todo = f"{todo} {_LOOK}"
    title = "This can't be shown now" if req.method == "GET" else "This can't be answered now"
    answer = rendering.problem(req, 503 if passes else 500, title, str(problem), todo)
    if passes:
        answer.headers.add_header("Retry-After", AGAIN)
    return answer
