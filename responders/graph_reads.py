"""Reads of many directory objects in one call. What is throttled inside of a batch is asked for again.

Source   https://learn.microsoft.com/graph/json-batching
         https://learn.microsoft.com/graph/throttling#throttling-and-batching
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from responders.answers import Answer, error_for, parse_body
from responders.errors import ContractChangedError, ResponderError, TransientError
from responders.model import Json

Answers = list[Json | ResponderError]
MOST = 20  # requests of one batch
_TRIES = 4
_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_THROTTLED = 429
_UNAVAILABLE = frozenset({_THROTTLED, 503, 504})


async def get_many(send: Callable[[Json], Awaitable[Any]], urls: Sequence[str]) -> Answers:
    """The answers in the order of the URLs, which are relative to the version."""
    if len(urls) > MOST:
        raise ValueError(f"{len(urls)} requests in a batch of at most {MOST}")
    answers: dict[int, Json | ResponderError] = {}
    left = list(range(len(urls)))
    for attempt in range(_TRIES):
        found = await _ask(send, urls, left)
        answers |= {number: _judged(urls[number], found.get(str(number))) for number in left}
        left = [number for number in left if _is_busy(found.get(str(number)))]
        if not left or attempt == _TRIES - 1:
            break
        waits = [_wait_s(found[str(number)]) for number in left]
        await asyncio.sleep(min(max(waits), _LONGEST_WAIT_S))
    return [answers[number] for number in range(len(urls))]


async def _ask(
    send: Callable[[Json], Awaitable[Any]], urls: Sequence[str], numbers: Sequence[int]
) -> dict[str, Json]:
    requests = [{"id": str(one), "method": "GET", "url": urls[one]} for one in numbers]
    match await send({"requests": requests}):
        case {"responses": [*responses]}:
            return {str(one.get("id")): one for one in responses if isinstance(one, dict)}
        case _:
            raise ContractChangedError("POST /v1.0/$batch: no list under 'responses'")


def _judged(url: str, response: Json | None) -> Json | ResponderError:
    target = f"GET {url.partition('?')[0]}"
    match response:
        case {"status": int(status), "body": dict(body)} if 200 <= status < 300:
            return body
        case {"status": int(status)} if status in _UNAVAILABLE:
            return TransientError(f"{target} was throttled in its batch ({status})")
        case {"status": int(status), **rest}:
            return error_for(Answer(target, status, *parse_body(rest.get("body"))))
        case _:
            return ContractChangedError(f"{target}: the batch has no answer to it")


def _is_busy(response: Json | None) -> bool:
    return response is not None and response.get("status") in _UNAVAILABLE


def _wait_s(response: Json) -> float:
    headers = response.get("headers")
    said = str(headers.get("Retry-After")) if isinstance(headers, dict) else ""
    return float(said) if said.isdecimal() else _WAIT_S
