"""The longest chain of calls that waited for each other, read out of recorded traffic.

A call can depend on another only if that one had ended before it began. The longest such chain, each call weighed with
the latency that its service was given, is what no amount of running side by side can undercut.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from drill.options import Json

_CLOCK_MS = 1.0  # two stamps of one moment may differ by so much


@dataclass(frozen=True)
class Call:
    """One exchange: when it was on its way, in milliseconds of the same clock, and what it cost at least."""

    name: str
    began_ms: float
    ended_ms: float
    latency_ms: float


def calls_of(traffic: Sequence[Json], latencies: Mapping[str, float]) -> list[Call]:
    """The exchanges with services that were given a latency; token requests and control have none."""
    found = []
    for one in traffic:
        service = service_of(one)
        if service not in latencies:
            continue
        began = datetime.fromisoformat(one["at"][:26] + "+00:00").timestamp() * 1000
        name = f"{one['method']} {service} {urlsplit(one['url']).path}"
        found.append(Call(name, began, began + one["took_ms"], latencies[service]))
    return sorted(found, key=lambda call: call.ended_ms)


def service_of(exchange: Json) -> str:
    """The service as latencies are given: all clusters are one."""
    return str(exchange["service"])


def longest(calls: Sequence[Call]) -> list[Call]:
    """The chain with the greatest sum of latencies, first call first. O(n²), which is nothing for a few hundred."""
    best: list[
        tuple[float, int]
    ] = []  # (sum up to and including this call, index of the one before)
    for index, call in enumerate(calls):
        before = (0.0, -1)
        for other in range(index):
            if calls[other].ended_ms <= call.began_ms + _CLOCK_MS:
                before = max(before, (best[other][0], other))
        best.append((before[0] + call.latency_ms, before[1]))
    if not best:
        return []
    at = max(range(len(best)), key=lambda index: best[index][0])
    chain = []
    while at >= 0:
        chain.append(calls[at])
        at = best[at][1]
    return chain[::-1]
