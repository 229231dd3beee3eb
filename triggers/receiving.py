"""The one door that every trigger uses: a signal is kept, decided about by the policy, and started or joined.

Raises `TransientError` where time can fix it: nothing was started then, and the sender should send again.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import azure.durable_functions as df
import azure.functions as func
import structlog

from responders.errors import AmbiguousError, ConflictError, UnresolvedError
from responders.evidence import EvidenceStore, digest
from responders.model import Signal
from triggers import intake
from triggers.deciding import Depth, decide

_log = structlog.get_logger("firebreak.receiving")
_AHEAD = timedelta(minutes=5)  # what clocks differ by; more is forged or broken
Fate = Literal["accepted", "queued", "waiting", "recorded", "refused"]


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a signal."""

    status: Fate
    why: str
    incident_id: str | None = None
    joined: bool = False
    mode: Depth = "record"
    code: str | None = None  # of a refusal
    candidates: list[str] = field(default_factory=list)


async def receive(
    signal: Signal, client: df.DurableOrchestrationClient, later: func.Out[str] | None = None
) -> Received:
    """Keep it, decide, and start or join. Safe to repeat: the same signal finds the same incident."""
    received = await _receive(signal, client)
    await record(signal, received)
    return received


async def record(signal: Signal, received: Received | None = None) -> Received:
    """Keep what became of a signal. Without that: of one that is inert, and so starts nothing."""
    if received is None:
        received = _settled(signal) or Received("recorded", "it starts nothing")
    await asyncio.to_thread(keep, intake.store(), signal, received)
    level = _log.warning if received.status == "refused" else _log.info
    level(
        "signal",
        source=signal["source"],
        kind=signal["kind"],
        fate=received.status,
        why=received.why,
    )
    return received


def _settled(signal: Signal) -> Received | None:
    """What its format says already; None for a signal that may start something."""
    if "inert" not in signal:
        return None
    if "fault" in signal:
        candidates = signal.get("candidates", [])
        return Received("refused", signal["inert"], code=signal["fault"], candidates=candidates)
    return Received("recorded", signal["inert"])


async def _receive(signal: Signal, client: df.DurableOrchestrationClient) -> Received:
    if (settled := _settled(signal)) is not None:
        return settled
    decided = decide(signal, intake.policy())
    if decided.mode == "record":
        return Received("recorded", decided.why)
    if is_replay(signal):
        hours = intake.policy().windows.replay_hours
        return Received(
            "refused", f"fired more than {hours} hours ago, or in the future", code="TooOld"
        )
    try:
        accepted = await intake.accept(signal, decided.mode, client)
    except AmbiguousError as problem:
        return Received(
            "refused", str(problem), code="SeveralPrincipals", candidates=problem.candidates
        )
    except UnresolvedError as problem:
        return Received("refused", str(problem), code="UnknownPrincipal")
    return Received("accepted", decided.why, accepted.incident_id, accepted.joined, accepted.mode)


def is_replay(signal: Signal) -> bool:
    """Whether it is older than a live signal can be. A responder's call is always now."""
    age = datetime.now(UTC) - datetime.fromisoformat(signal["fired_at"])
    return not -_AHEAD <= age <= timedelta(hours=intake.policy().windows.replay_hours)


def keep(store: EvidenceStore, signal: Signal, received: Received) -> None:
    """Once for each (source, id): what came, and what became of it the first time."""
    key = digest(f"{signal['source']}\n{signal['signal_id']}".encode())[:16]
    about = {
        "signal": signal,
        "status": received.status,
        "why": received.why,
        "incident_id": received.incident_id,
        "received_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    path = f"signals/{signal['source']}/{key}.json"
    if store.exists(path):
        return
    try:
        store.put_json(path, about)
    except ConflictError:
        _log.info("signal was kept meanwhile", path=path)
