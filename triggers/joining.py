"""A signal about a principal whose incident is open joins it: kept with it, and heard where it asks for more."""

import asyncio
import json
from datetime import UTC, datetime
from typing import NamedTuple

import azure.durable_functions as df
import structlog

from playbooks.containment import CALLED
from playbooks.deepening import deepen_event
from playbooks.watching import JOINED
from responders import claims
from responders.claims import Claim, Raised
from responders.evidence import EvidenceStore
from responders.model import Json, Mode, Signal
from triggers import instances

_log = structlog.get_logger("firebreak.intake")


class Joined(NamedTuple):
    """The incident that was joined, and how deep it goes by now."""

    incident_id: str
    mode: Mode


async def join(
    client: df.DurableOrchestrationClient,
    evidence: EvidenceStore,
    held: Claim,
    signal: Signal,
    mode: Mode,
) -> Joined | None:
    """Keep the signal with the incident, and ask it for more where it asks for more. None: the claim has changed."""
    holder = held["incident_id"]
    joined = claims.incident_of(holder)
    wanted = _wanted(signal, mode)
    if claims.asks_more(wanted, held):
        object_id = held["opened"]["principal"]["object_id"]
        if not await asyncio.to_thread(claims.raise_to, evidence, object_id, held, wanted):
            return None
        held = {**held, "raised": [*held.get("raised", []), wanted]}
    await asyncio.to_thread(claims.keep_signal, evidence, joined, signal)
    # Said again where the same signal comes again: its worker may have died before it was said.
    if any(one["key"] == wanted["key"] for one in held.get("raised", [])):
        event, said = deepen_event(len(held["raised"])), {"at": wanted["at"]}
        if not await instances.tell(client, holder, event, said):
            return None
    if signal["source"] == "responder" and mode != "plan":
        await _take_up(client, holder, signal, mode)
    elif instances.phase_of(holder) == "refused" and mode != "plan":
        await instances.tell_now_and_then(client, holder, JOINED)
    _log.info("signal joined", incident_id=joined, source=signal["source"])
    return Joined(joined, claims.depth(held)[0] if "opened" in held else mode)


def _wanted(signal: Signal, mode: Mode) -> Raised:
    wanted: Raised = {
        "mode": mode,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "key": claims.key(signal),
        "source": signal["source"],
        "title": signal["title"],
    }
    if "asked_by" in signal:
        wanted["by"] = signal["asked_by"]
    return wanted


async def _take_up(
    client: df.DurableOrchestrationClient, holder: str, signal: Signal, mode: Mode
) -> None:
    """A responder's call makes an incident go on that an alert alone was not allowed to carry further.

    One that comes while an identity is restored says that it is an attack after all: the restore stops. One for a
    rebuild that people were asked about, and nobody agreed to, has them asked anew.
    """
    found = await instances.status(client, holder)
    told = None if found is None else found.custom_status
    told = json.loads(told) if isinstance(told, str) else told
    if not isinstance(told, dict):
        return
    phase = str(told.get("phase"))
    if phase == "refused":
        await instances.tell(client, holder, JOINED, {})
    resume = told.get("resume") or {}
    if mode == "respond" and told.get("resumable") and resume.get("asks_anew"):
        await instances.tell(client, holder, resume["event"], _asks_anew(signal))
        _log.info("asks for consent anew", incident_id=holder)
    target = {"held": holder, "restoring": told.get("restoring") or holder}.get(phase)
    if target is not None:
        by = {"by": signal["asked_by"]} if "asked_by" in signal else {}
        said = {"at": datetime.now(UTC).isoformat(), **by}
        await instances.tell(client, target, CALLED, said)
        _log.info("taken up", incident_id=target)


def _asks_anew(signal: Signal) -> Json:
    """As a call to resume says it."""
    by = {"by": signal["asked_by"]} if "asked_by" in signal else {"by": None}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return {**by, "reason": signal["title"], "owners_go_on": False, "at": at}
