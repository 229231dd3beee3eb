"""Trouble on demand: latency per service, and answers that a cloud gives on a bad day.

A fault applies to the first matching calls, `times` of them, before the service sees the call: so nothing has happened
when the client learns of it, except that `after` lets the service act first and spoils only its answer.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.web import Call
from sandbox.world import Json

_KINDS = ("status", "reset", "timeout")


class FaultError(ValueError):
    """The description of a fault is wrong; says how."""


@dataclass
class Fault:
    """One thing that goes wrong, for as many calls as `times` says."""

    kind: Literal["status", "reset", "timeout"]
    service: str  # a service name or "*"
    method: str  # an HTTP method or "*"
    path: re.Pattern[str]  # searched in the decoded path
    times: int
    status: int
    retry_after: str | None
    body: Any
    seconds: float  # how long a timeout keeps the client waiting before the connection is cut
    after: bool

    def matches(self, call: Call) -> bool:
        """Whether this call is to go wrong."""
        return (
            self.times > 0
            and self.service in ("*", call.service)
            and self.method in ("*", call.method)
            and self.path.search(call.path) is not None
        )


class Faults:
    """The faults and latencies in force."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._latency_ms: dict[str, float] = {}

    def add(self, described: object) -> None:
        """Put one more in force. Raises `FaultError` where the description is wrong."""
        self._faults.append(parse(described))

    def clear(self) -> None:
        """No more faults; latencies stay."""
        self._faults.clear()

    def set_latency(self, service: str, milliseconds: float) -> None:
        """Every call to the service ("*": to each one) waits this long first."""
        self._latency_ms[service] = milliseconds

    async def wait(self, call: Call) -> None:
        """Let the latency of the service pass."""
        wait_ms = self._latency_ms.get(call.service, self._latency_ms.get("*", 0.0))
        if wait_ms > 0:
            await asyncio.sleep(wait_ms / 1000)

    def take(self, call: Call, *, kinds: Sequence[str] = _KINDS) -> Fault | None:
        """The fault of these kinds that strikes this call, used up by one, or None."""
        for fault in self._faults:
            if fault.kind in kinds and fault.matches(call):
                fault.times -= 1
                return fault
        return None

    def left(self) -> list[Json]:
        """The faults that can still strike, as JSON."""
        return [
            {"kind": each.kind, "service": each.service, "method": each.method}
            | {"path": each.path.pattern, "times": each.times}
            for each in self._faults
            if each.times > 0
        ]


def parse(described: object) -> Fault:
    """A fault from its JSON: {"service", "method", "path", "times", "kind", "status", …}."""
    if not isinstance(described, dict):
        raise FaultError("a fault is a JSON object")
    known = set(Fault.__dataclass_fields__)
    if unknown := sorted(set(described) - known):
        raise FaultError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    kind = described.get("kind", "status")
    if kind not in _KINDS:
        raise FaultError(f"kind is one of {', '.join(_KINDS)}")
    try:
        path = re.compile(str(described.get("path", "")))
        return Fault(
            kind=kind,
            service=str(described.get("service", "*")),
            method=str(described.get("method", "*")).upper(),
            path=path,
            times=int(described.get("times", 1)),
            status=int(described.get("status", 503)),
            retry_after=_text_or_none(described.get("retry_after")),
            body=described.get("body"),
            seconds=float(described.get("seconds", 3600)),
            after=bool(described.get("after", False)),
        )
    except (re.error, TypeError, ValueError) as wrong:
        raise FaultError(str(wrong)) from wrong


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
