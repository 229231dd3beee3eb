"""Writes to the directory: one object's go one after the other, those that wait meanwhile go together in a batch.

Entra answers overlapping writes to one object with conflicts, and a round trip each would make twenty federated
credentials take twenty times as long as one. A batch runs its requests in order where each depends on the one before.

Source   https://learn.microsoft.com/graph/json-batching
         https://learn.microsoft.com/graph/errors (Directory_ConcurrencyViolation)
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog

from responders.answers import Answer, error_for, parse_body
from responders.errors import ConflictError, ContractChangedError, ResponderError, TransientError
from responders.model import Json
from responders.read_only import refuse_write_in_plan

MOST = 20  # requests of one batch
_FAILED_DEPENDENCY = 424
_OBJECT = re.compile(r"/v1\.0/(?:applications|servicePrincipals|groups)/[^/]+(?=/|$)")
_log = structlog.get_logger()

Send = Callable[[str, str, Json | None], Awaitable[Any]]  # method, URL, body -> the answer's body


@dataclass(frozen=True, slots=True)
class _Write:
    method: str
    url: str
    body: Json | None
    answer: "asyncio.Future[Any]"
    context: Context  # whose write it is, for its lines in the log

    @property
    def target(self) -> str:
        return f"{self.method} {self.url.partition('?')[0]}"

    def say(self, event: str, **facts: object) -> None:
        parts = urlsplit(self.url)
        where = {"host": parts.netloc, "path": parts.path, "batched": True}
        self.context.run(lambda: _log.info(event, method=self.method, **where, **facts))


class Writes:
    """The writes of one event loop that are under way or wait."""

    def __init__(self, origin: str, send: Send) -> None:
        self._origin = origin
        self._send = send
        self._waiting: dict[str, list[_Write]] = {}
        self._draining: dict[str, asyncio.Task[None]] = {}

    async def write(self, method: str, url: str, body: Json | None = None) -> Any:
        """Send it, after the writes to the same object that came before. Raises as a single request would.

        A write that was not tried because one before it in its batch failed raises `ConflictError`.
        """
        refuse_write_in_plan(method, url)
        target = _OBJECT.match(urlsplit(url).path)
        if target is None:
            return await self._send(method, url, body)
        key = target.group().lower()
        answer = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(_Write(method, url, body, answer, copy_context()))
        if key not in self._draining:
            self._draining[key] = asyncio.create_task(self._drain(key))
        return await answer

    async def _drain(self, key: str) -> None:
        """Until nobody waits for this object any more."""
        try:
            await asyncio.sleep(0)  # siblings that start in this moment come along
            while waiting := [one for one in self._waiting.pop(key, []) if not one.answer.done()]:
                now, later = waiting[:MOST], waiting[MOST:]
                self._waiting.setdefault(key, [])[:0] = later
                await self._flush(now)
        except BaseException as error:
            for one in self._waiting.pop(key, []):  # nobody may wait for an answer that never comes
                _fail(one, TransientError(f"{one.target}: {type(error).__name__}"))
            raise
        finally:
            del self._draining[key]

    async def _flush(self, writes: list[_Write]) -> None:
        try:
            if len(writes) == 1:
                (one,) = writes
                _settle(one, await self._send(one.method, one.url, one.body))
            else:
                await self._together(writes)
        except ResponderError as error:
            for one in writes:
                _fail(one, error)
        except BaseException as error:
            for one in writes:  # nobody may wait for an answer that never comes
                _fail(one, TransientError(f"{one.target}: {type(error).__name__}"))
            raise

    async def _together(self, writes: list[_Write]) -> None:
        for one in writes:
            one.say("request.intent")
        requests = [self._item(number, one) for number, one in enumerate(writes)]
        found = await self._send("POST", f"{self._origin}/v1.0/$batch", {"requests": requests})
        match found:
            case {"responses": [*responses]}:
                by_id = {str(one.get("id")): one for one in responses if isinstance(one, dict)}
            case _:
                raise ContractChangedError("POST /v1.0/$batch: no list under 'responses'")
        for number, one in enumerate(writes):
            _judge(one, by_id.get(str(number)))

    def _item(self, number: int, one: _Write) -> Json:
        prefix = f"{self._origin}/v1.0"
        item: Json = {
            "id": str(number),
            "method": one.method,
            "url": one.url.removeprefix(prefix),
        }
        if one.body is not None:
            item |= {"body": one.body, "headers": {"Content-Type": "application/json"}}
        return item if number == 0 else {**item, "dependsOn": [str(number - 1)]}


def _judge(one: _Write, response: Json | None) -> None:
    """What became of one request of a batch."""
    said = response or {}
    match said.get("status"):
        case int(status) if 200 <= status < 300:
            one.say("request.outcome", status=status)
            _settle(one, said.get("body"))
        case int(status):
            one.say("request.outcome", status=status)
            code, message = parse_body(said.get("body"))
            if status == _FAILED_DEPENDENCY:
                _fail(one, ConflictError(f"{one.target} waited for a write that failed"))
            else:
                _fail(one, error_for(Answer(one.target, status, code, message)))
        case _:
            _fail(one, ContractChangedError(f"{one.target}: the batch has no answer to it"))


def _settle(one: _Write, body: Any) -> None:
    if not one.answer.done():
        one.answer.set_result(body)


def _fail(one: _Write, error: ResponderError) -> None:
    if not one.answer.done():
        one.answer.set_exception(error)
