"""The one door that every trigger uses: a signal is kept, decided about by the policy, and started or joined.

It is written down before anything is done about it, so nothing that was answered is ever lost. What can't be handled at
once, because time has to pass or too much comes in, goes to a queue; a quiet day's alert never does.
"""

import asyncio
import json
from datetime import datetime, timedelta
from typing import List  # noqa: UP035 - an output's annotation must be an old-style generic for the worker

import azure.durable_functions as df
import azure.functions as func
import structlog

from playbooks.signal_rules import RUNS
from responders import known_principals, signal_records
from responders.cloud import Cloud
from responders.errors import AmbiguousError, ResponderError, TransientError, UnresolvedError
from responders.model import Hint, Signal
from responders.signal_records import Fate, Record
from triggers import alert_runs, intake, receipts
from triggers.alert_runs import TooManyRunsError
from triggers.deciding import Decision, Depth, decide
from triggers.received import Received

_log = structlog.get_logger("firebreak.receiving")
QUEUE, POISON = "firebreak-signals", "firebreak-signals-poison"
CONNECTION = "AzureWebJobsStorage"  # the storage that the app has for Durable anyway
Later = func.Out[List[str]]  # noqa: UP006 - see above
_AHEAD = timedelta(minutes=5)  # what clocks differ by; more is forged or broken
# An action group waits for ten seconds, and is answered long before: what takes longer goes on from the queue.
# https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups
_ANSWER_S = 5.0
_PERSON_WAITS_S = 20.0  # rather than to be told to look again later
_AT_ONCE = 8  # signals that are handled side by side while their senders wait; the rest is queued


_in_hand: dict[str, int] = {}  # paths of records that calls of this worker are at -> how many calls


async def receive(
    signal: Signal, client: df.DurableOrchestrationClient, later: Later | None = None
) -> Received:
    """Keep it, decide, and start or join; queue it where that can't be done now. Safe to repeat.

    A person's call stands in no crowd of alerts, and is handled beside another one of the same call.

    Raises `TransientError` where there is no queue to put it on: it is kept, and the sweep takes it up.
    """
    came = receipts.now()
    return await receipts.traced(signal, came, lambda: _kept_or_queued(signal, client, later, came))


async def _kept_or_queued(
    signal: Signal, client: df.DurableOrchestrationClient, later: Later | None, came: datetime
) -> Received:
    path, by_person = signal_records.path(signal), signal["source"] == "responder"
    if path in _in_hand and later is not None and not by_person:
        # Its record may not be written yet, so this delivery is kept by the queue.
        later.set([*(later.get() or []), message(signal)])
        return Received("queued", "the same signal is being handled")
    crowded = len(_in_hand) >= _AT_ONCE and later is not None and not by_person
    waits_s = _PERSON_WAITS_S if by_person else _ANSWER_S
    _in_hand[path] = _in_hand.get(path, 0) + 1
    try:
        async with asyncio.timeout(waits_s):
            return await _received(signal, client, came, crowded=crowded)
    except (TransientError, TimeoutError) as problem:
        if later is None:
            kept = "the signal is kept, and tried again by itself"
            raise TransientError(f"{problem or 'no answer in time'}; {kept}") from problem
        why = str(problem) or f"not done within {waits_s:.0f} seconds"
    finally:
        _in_hand[path] -= 1
        if not _in_hand[path]:
            del _in_hand[path]
    later.set([*(later.get() or []), message(signal)])
    _log.warning("signal queued", source=signal["source"], kind=signal["kind"], why=why)
    return Received("queued", f"it waits in the queue: {why}")


async def _received(
    signal: Signal, client: df.DurableOrchestrationClient, came: datetime, *, crowded: bool
) -> Received:
    if not crowded:
        _ask_early(signal)
    status: Fate = "queued" if crowded else "received"
    record = await asyncio.to_thread(signal_records.opened, intake.store(), signal, status, came)
    if signal_records.is_ended(record):
        return _said_before(record)
    if crowded:
        raise TransientError("many signals at once")
    return await handle(record, client)


async def take_up(record: Record, client: df.DurableOrchestrationClient) -> Received:
    """`handle`, of one that waited in the queue."""
    return await receipts.traced(record["signal"], receipts.now(), lambda: handle(record, client))


async def handle(record: Record, client: df.DurableOrchestrationClient) -> Received:
    """Carry a kept signal to its end, and write that down. Raises `TransientError` where time can fix it."""
    signal = record["signal"]
    try:
        received = await _decided(record, client)
    except ResponderError as problem:
        await asyncio.to_thread(_failed, signal, f"{type(problem).__name__}: {problem}")
        raise
    return await _ended(signal, received)


async def record(signal: Signal, received: Received | None = None) -> Received:
    """Keep what became of a signal. Without that: of one that is inert, and so starts nothing."""
    if received is None:
        received = _settled(signal) or Received("recorded", "it starts nothing")
    kept = await asyncio.to_thread(signal_records.opened, intake.store(), signal)
    if signal_records.is_ended(kept):
        return _said_before(kept)
    return await _ended(signal, received)


def message(signal: Signal) -> str:
    """What the queue carries."""
    return json.dumps({"signal": signal}, ensure_ascii=False)


async def _decided(kept: Record, client: df.DurableOrchestrationClient) -> Received:
    signal = kept["signal"]
    if (settled := _settled(signal)) is not None:
        return settled
    decided = decide(signal, intake.policy())
    if decided.mode == "record":
        return Received("recorded", decided.why)
    # As old as it was when it came: what waits in the queue is not refused for that.
    if is_replay(signal, datetime.fromisoformat(kept["received_at"])):
        hours = intake.policy().windows.replay_hours
        why = f"fired more than {hours} hours before it came, or in the future"
        return Received("refused", why, code="TooOld")
    try:
        return await _started(kept, decided, client)
    except AmbiguousError as problem:
        candidates = problem.candidates
        return Received("refused", str(problem), code="SeveralPrincipals", candidates=candidates)
    except UnresolvedError as problem:
        return Received("refused", str(problem), code="UnknownPrincipal")


async def _started(
    kept: Record, decided: Decision, client: df.DurableOrchestrationClient
) -> Received:
    """The incident or the run that it opened or joined."""
    if decided.playbook in RUNS:
        return await _begun(kept, decided, client)
    accepted = await intake.accept(kept["signal"], decided.mode, client)  # type: ignore[arg-type]
    return Received("accepted", decided.why, accepted.incident_id, accepted.joined, accepted.mode)


async def _begun(
    kept: Record, decided: Decision, client: df.DurableOrchestrationClient
) -> Received:
    """A run in place of an incident."""
    try:
        came = kept["received_at"]
        begun = await alert_runs.begin(kept["signal"], decided, client, came=came)
    except TooManyRunsError as problem:
        return Received("refused", str(problem), code="TooManyRuns")
    return Received(
        "accepted", decided.why, joined=begun.joined, mode=begun.mode, run_id=begun.run_id
    )


def is_replay(signal: Signal, came: datetime) -> bool:
    """Whether it was older than a live signal can be. A responder's call is always now."""
    age = came - datetime.fromisoformat(signal["fired_at"])
    return not -_AHEAD <= age <= timedelta(hours=intake.policy().windows.replay_hours)


def _settled(signal: Signal) -> Received | None:
    """What its format says already; None for a signal that may start something."""
    if "inert" not in signal:
        return None
    if "fault" in signal:
        candidates = signal.get("candidates", [])
        return Received("refused", signal["inert"], code=signal["fault"], candidates=candidates)
    return Received("recorded", signal["inert"])


def _ask_early(signal: Signal) -> None:
    """Ask the directory while the record is written: what it answers is waiting when it is needed."""
    if "inert" not in signal and decide(signal, intake.policy()).mode != "record":
        asking = asyncio.ensure_future(_resolve(signal["hint"]))
        _asking.add(asking)
        asking.add_done_callback(_asking.discard)


_asking: set[asyncio.Future[None]] = set()


async def _resolve(hint: Hint) -> None:
    try:
        await known_principals.lately(await Cloud.connect(), hint)
    except ResponderError:
        return  # whoever needs it asks again, and hears it


async def _ended(signal: Signal, received: Received) -> Received:
    def end(record: Record) -> Record:
        return {
            **record,
            "status": received.status,
            "why": received.why,
            "incident_id": received.incident_id,
            "joined": received.joined,
            "mode": received.mode,
            "code": received.code,
            "candidates": received.candidates,
            "run_id": received.run_id,
        }

    kept = await asyncio.to_thread(signal_records.change, intake.store(), signal, end)
    level = _log.warning if received.status == "refused" else _log.info
    level(
        "signal",
        source=signal["source"],
        kind=signal["kind"],
        fate=kept["status"],
        why=kept["why"],
        incident_id=kept["incident_id"],
        run_id=kept.get("run_id"),
    )
    return received


def _failed(signal: Signal, why: str) -> None:
    """An attempt that came to nothing."""

    def fail(record: Record) -> Record:
        return {**record, "why": why[:500], "attempts": record["attempts"] + 1}

    signal_records.change(intake.store(), signal, fail)


def _said_before(record: Record) -> Received:
    """The answer that the same signal got when it came first."""
    mode: Depth = record["mode"]  # type: ignore[assignment]  # one of them was written
    return Received(
        record["status"],
        record["why"],
        record["incident_id"],
        joined=record["incident_id"] is not None or record.get("run_id") is not None,
        mode=mode,
        run_id=record.get("run_id"),
        again=True,
    )
