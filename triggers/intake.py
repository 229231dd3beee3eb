"""How a signal becomes an incident: resolved, claimed, started, once.

Nothing is started for what can't be resolved to one principal by an immutable id.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import azure.durable_functions as df
import structlog

from playbooks import policy as policies
from playbooks.containment import CALLED
from playbooks.orders import Order
from responders import claims, principals
from responders.cloud import Cloud
from responders.evidence import EvidenceStore, open_evidence
from responders.model import Incident, Mode, Principal, Signal
from responders.settings import Settings

_log = structlog.get_logger("firebreak.intake")
PLAYBOOK = "compromised_identity"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a signal."""

    incident_id: str
    joined: bool  # an incident about this principal was open: the signal is kept with it
    mode: Mode


@cache
def policy() -> policies.Policy:
    """policy.toml, read once. Raises `PolicyError`, which keeps the function app from loading."""
    return policies.load(Settings.from_environ().policy)


def store() -> EvidenceStore:
    """The evidence store that the settings name."""
    return open_evidence(Settings.from_environ())


async def accept(signal: Signal, mode: Mode, client: df.DurableOrchestrationClient) -> Accepted:
    """Resolve, claim and start. Safe to repeat: the same signal finds the same incident.

    Where the policy says observe only, every mode is "plan".

    Raises `UnresolvedError` where no such principal exists, `TransientError` where the directory can't be asked.
    """
    if policy().guards.observe_only:
        mode = "plan"
    cloud = await Cloud.connect()
    principal = await principals.resolve(cloud, signal["hint"])
    incident_id = claims.incident_id(signal)
    evidence = store()
    holder = await asyncio.to_thread(claims.take, evidence, principal["object_id"], incident_id)
    if holder != incident_id and not await _is_open(client, holder):
        await asyncio.to_thread(
            claims.take_over, evidence, principal["object_id"], holder, incident_id
        )
        holder = await asyncio.to_thread(claims.take, evidence, principal["object_id"], incident_id)
    fresh = await asyncio.to_thread(claims.keep_signal, evidence, holder, signal)
    if holder != incident_id:
        _log.info("signal joined", incident_id=holder, source=signal["source"], fresh=fresh)
        if signal["source"] == "responder" and mode != "plan":
            await _take_up(client, holder)
        return Accepted(holder, joined=True, mode=mode)
    if not await _is_known(client, incident_id):
        incident = _incident(incident_id, mode, principal, signal)
        order: Order = {"incident": incident, "policy": policy().frozen()}
        await client.start_new(PLAYBOOK, instance_id=incident_id, client_input=order)
        _log.info("incident started", incident_id=incident_id, playbook=PLAYBOOK, depth=mode)
        return Accepted(incident_id, joined=False, mode=mode)
    _log.info("signal seen before", incident_id=incident_id, source=signal["source"])
    return Accepted(incident_id, joined=True, mode=mode)


async def _take_up(client: df.DurableOrchestrationClient, incident_id: str) -> None:
    """A responder's call makes an incident go on that an alert alone was not allowed to carry further."""
    told = (await client.get_status(incident_id)).custom_status
    told = json.loads(told) if isinstance(told, str) else told
    if isinstance(told, dict) and told.get("phase") == "held":
        await client.raise_event(incident_id, CALLED, {"at": datetime.now(UTC).isoformat()})
        _log.info("held incident taken up", incident_id=incident_id)


def _incident(incident_id: str, mode: Mode, principal: Principal, signal: Signal) -> Incident:
    fired = datetime.fromisoformat(signal["fired_at"])
    window = timedelta(hours=policy().windows.compromise_hours)
    return {
        "incident_id": incident_id,
        "mode": mode,
        "principal": principal,
        "signal": signal,
        "opened_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "window_start": (fired - window).isoformat(timespec="seconds"),
    }


async def _is_known(client: df.DurableOrchestrationClient, incident_id: str) -> bool:
    """Whether Durable has ever heard of it: a finished instance would be replaced by a new start."""
    status = await client.get_status(incident_id)
    return bool(status) and status.runtime_status is not None


async def _is_open(client: df.DurableOrchestrationClient, incident_id: str) -> bool:
    status = await client.get_status(incident_id)
    if not status or status.runtime_status is None:
        return False
    over = {"Completed", "Failed", "Terminated", "Canceled"}
    return status.runtime_status.name not in over
