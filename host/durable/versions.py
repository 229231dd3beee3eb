"""Which orchestrations a deployment may go on with: those of its own version, and, by default, older ones.

https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-orchestration-versioning#version-matching
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

Match = Literal["None", "Strict", "CurrentOrOlder"]
Failure = Literal["Reject", "Fail"]
MATCHES, FAILURES = get_args(Match), get_args(Failure)
_SYSTEM_VERSION = re.compile(
    r"\d+(\.\d+){1,3}"
)  # "1" alone is none, so "10" would be older than "9"
_PARTS = 4


@dataclass(frozen=True, slots=True)
class Versions:
    """What host.json says of versions, with the extension's own defaults."""

    default: str | None = None
    match: Match = "CurrentOrOlder"
    failure: Failure = "Reject"

    def may_run(self, version: str | None) -> bool:
        """Whether this deployment goes on with an instance of that version."""
        if self.match == "None":
            return True
        order = _compared(version, self.default)
        return order == 0 if self.match == "Strict" else order <= 0


def _compared(one: str | None, other: str | None) -> int:
    """Below 0 where the first is older: none is older than any; numbers by their parts; else as text."""
    if not one or not other:
        return bool(one) - bool(other)
    if _SYSTEM_VERSION.fullmatch(one) and _SYSTEM_VERSION.fullmatch(other):
        # A part that isn't there is -1 in .NET: 1.0 is older than 1.0.0.
        parts = [[int(part) for part in text.split(".")] for text in (one, other)]
        left, right = ([*part, *[-1] * (_PARTS - len(part))] for part in parts)
        return (left > right) - (left < right)
    return (one.casefold() > other.casefold()) - (one.casefold() < other.casefold())
