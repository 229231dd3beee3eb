"""What is traced of a signal: each time it comes in or is taken up, as part of the incident that it would open.

The same signal always makes the same incident id, so its receipt, its wait in the queue and the incident that it opens
are one trace. One that opens none has a trace of its own, which points to the incident that it joined.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from responders import claims, tracing
from responders.model import Signal
from responders.signal_records import Fate
from responders.tracing import Traced
from triggers.received import Received

_OVER = frozenset[Fate]({"accepted", "recorded", "refused", "poisoned"})
_BAD = frozenset[Fate]({"refused", "poisoned"})


def now() -> datetime:
    """As exact as the times that are written down."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)


async def traced(
    signal: Signal, came: datetime, work: Callable[[], Awaitable[Received]]
) -> Received:
    """What becomes of the signal, within a span. `came`: when this delivery of it began to be handled."""
    about = claims.incident_id(signal)
    with tracing.span(f"receive {signal['source']}", about, _said(signal), came=came) as span:
        received = await work()
        ended: tracing.Attributes = {
            "firebreak.fate": received.status,
            "firebreak.incident_id": received.incident_id,
            "firebreak.run_id": received.run_id,
            "firebreak.joined": received.joined,
        }
        span.says(ended, bad=received.status in _BAD, why=received.why)
        other = _other(about, received)
        if other is not None:
            span.concerns(other)
    if not received.again:
        _beside(signal, received, came, span)
    await tracing.handed_over()
    return received


def over(signal: Signal, fate: Fate, came: datetime, why: str) -> None:
    """Write the root of a signal that opened no incident."""
    times, said = (came, datetime.now(UTC)), {**_said(signal), "firebreak.fate": fate}
    bad = (why or fate) if fate in _BAD else ""
    tracing.write_root(
        f"signal {signal['source']}", claims.incident_id(signal), times, said, bad=bad
    )


def _beside(signal: Signal, received: Received, came: datetime, span: Traced) -> None:
    """The end of the signal's own trace, where no incident of its own goes on with it; and a mark in the other one."""
    about = claims.incident_id(signal)
    if received.status not in _OVER or received.incident_id == about:
        return
    over(signal, received.status, came, received.why)
    other = _other(about, received)
    if other is not None:
        verb = "join" if received.joined else "start"
        tracing.write_beside(f"{verb} {signal['source']}", other, came, _said(signal), span)


def _other(about: str, received: Received) -> str | None:
    """The incident or the run that it joined or started, where that is not its own."""
    found = received.incident_id or received.run_id
    return None if found == about else found


def _said(signal: Signal) -> tracing.Attributes:
    return {
        "firebreak.source": signal["source"],
        "firebreak.kind": signal["kind"][:100],
        "firebreak.fired_at": signal["fired_at"],
        "firebreak.authenticated": signal["authenticated"],
    }
