"""Whether the app can work: for whoever pings it in a word, for who may read in full, never with a secret."""

import time
from collections.abc import Collection
from datetime import UTC, datetime

import azure.durable_functions as df

from responders import own_checks
from responders.model import Json
from responders.own_checks import WELL, Answered, Row
from responders.version import VERSION
from triggers import health_checks

_KEPT_S = 15.0  # a load balancer asks every few seconds on every instance, and anybody may
_last: tuple[float, bool] | None = None


async def is_well() -> bool:
    """Whether settings, policy and evidence store are there: without one of them nothing can act."""
    global _last  # noqa: PLW0603 - one answer for all who ask within seconds
    if _last is None or time.monotonic() - _last[0] > _KEPT_S:
        said = [await own_checks.answered(one) for one in health_checks.needed()]
        _last = (time.monotonic(), _status(said) == "ok")
    return _last[1]


async def deep(client: df.DurableOrchestrationClient, only: Collection[str] = ()) -> Json:
    """Everything that the app depends on, each with how long it took and what a person does about it."""
    asked = [one for one in health_checks.every(client) if not only or one.name in only]
    said = await own_checks.all_answered(asked)
    return {
        "status": _status(said),
        "version": VERSION,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "checks": [_row(one, row) for one in said for row in one.rows],
    }


def _status(said: Collection[Answered]) -> str:
    """One that failed is worse than one that could not be asked."""
    states = {row.state for one in said for row in one.rows}
    if states <= WELL:
        return "ok"
    return "unhealthy" if "failed" in states else "unknown"


def _row(check: Answered, row: Row) -> Json:
    return {
        "name": check.name,
        "about": row.about,
        "status": row.state,
        "grave": row.grave,
        "duration_ms": check.spent_ms,
        "detail": row.said,
        "fix": row.fix,
    }
