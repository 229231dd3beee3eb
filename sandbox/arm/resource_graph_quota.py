"""How many questions a caller may put to Resource Graph: 15 in 5 seconds, unless `limits` says otherwise.

Source      https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.arm.errors import ArmError
from sandbox.world import World

_WINDOW = timedelta(seconds=5)


@dataclass
class _Window:
    """When this caller's window began, and what he asked in it."""

    since: datetime
    asked: int = 0


def take(world: World, object_id: str) -> dict[str, str]:
    """Count one question; returns the headers of its answer. Raises 429 where there were too many."""
    windows: dict[str, _Window] = world.caches.setdefault("resource graph quota", {})
    now, most = world.clock.now(), int(world.limits.resource_graph_queries)
    window = windows.setdefault(object_id, _Window(now))
    if now >= window.since + _WINDOW:
        window.since, window.asked = now, 0
    window.asked += 1
    left = math.ceil((window.since + _WINDOW - now).total_seconds())
    headers = {
        "x-ms-user-quota-remaining": str(max(0, most - window.asked)),
        "x-ms-user-quota-resets-after": f"00:00:{left:02d}",
    }
    if window.asked > most:
        raise ArmError(
            429,
            "RateLimiting",
            "Please provide below info when asking for support: the quota of this user is used up.",
            headers={**headers, "Retry-After": str(left)},
        )
    return headers
