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
from responders import claims, incident_index, principals, restorations
from responders.cloud import Cloud
from responders.evidence import EvidenceStore, open_evidence
from responders.model import Incident, Mode, Principal, Signal
from responders.settings import Settings

_log = structlog.get_logger("firebreak.intake")
_ECHO = timedelta(hours=1)  # rows take minutes to arrive, and a rule looks at most that far back
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
    if old := await _old_news(cloud, evidence, principal, signal):
        await asyncio.to_thread(claims.keep_signal, evidence, old, signal)
        _log.info("signal about what was restored since", incident_id=old, source=signal["source"])
        return Accepted(old, joined=True, mode=mode)
    holder = await asyncio.to_thread(claims.take, evidence, principal["object_id"], incident_id)
    if holder != incident_id and not await is_open(client, holder):
        await asyncio.to_thread(
            claims.take_over, evidence, principal["object_id"], holder, incident_id
        )
        holder = await asyncio.to_thread(claims.take, evidence, principal["object_id"], incident_id)
    joined = claims.incident_of(holder)
    fresh = await asyncio.to_thread(claims.keep_signal, evidence, joined, signal)
    if holder != incident_id:
        _log.info("signal joined", incident_id=joined, source=signal["source"], fresh=fresh)
        if signal["source"] == "responder" and mode != "plan":
            await _take_up(client, holder)
        return Accepted(joined, joined=True, mode=mode)
    if not await is_known(client, incident_id):
        incident = _incident(incident_id, mode, principal, signal)
        order: Order = {"incident": incident, "policy": policy().frozen()}
        # Before the start: a start that nobody hears of is still on the list.
        await asyncio.to_thread(incident_index.opened, evidence, incident)
        await client.start_new(PLAYBOOK, instance_id=incident_id, client_input=order)
        _log.info("incident started", incident_id=incident_id, playbook=PLAYBOOK, depth=mode)
        return Accepted(incident_id, joined=False, mode=mode)
    _log.info("signal seen before", incident_id=incident_id, source=signal["source"])
    return Accepted(incident_id, joined=True, mode=mode)


async def _old_news(
    cloud: Cloud, evidence: EvidenceStore, principal: Principal, signal: Signal
) -> str | None:
    """The incident whose restore this signal is older than, or is an echo of. A responder's call is always news.

    An alert about our own writes of the restore fires when their rows have arrived, which is after its end.
    """
    if signal["source"] == "responder":
        return None
    moment = datetime.fromisoformat(signal["fired_at"])
    actor = signal.get("actor")
    if actor is not None and actor == (await cloud.own_object_id()).lower():
        moment -= _ECHO
    return await asyncio.to_thread(
        restorations.covering, evidence, principal["object_id"], moment.isoformat()
    )


async def _take_up(client: df.DurableOrchestrationClient, holder: str) -> None:
    """A responder's call makes an incident go on that an alert alone was not allowed to carry further.

    One that comes while an identity is restored says that it is an attack after all: the restore stops.
    """
    told = (await client.get_status(holder)).custom_status
    told = json.loads(told) if isinstance(told, str) else told
    if not isinstance(told, dict):
        return
    target = {"held": holder, "restoring": told.get("restoring") or holder}.get(
        str(told.get("phase"))
    )
    if target is not None:
        await client.raise_event(target, CALLED, {"at": datetime.now(UTC).isoformat()})
        _log.info("taken up", incident_id=target)


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


async def hold(client: df.DurableOrchestrationClient, object_id: str, holder: str) -> str | None:
    """Take the principal for this holder; None where it has it now, else the open incident that has it."""
    evidence = store()
    has = await asyncio.to_thread(claims.take, evidence, object_id, holder)
    if has != holder and not await is_open(client, has):
        await asyncio.to_thread(claims.take_over, evidence, object_id, has, holder)
        has = await asyncio.to_thread(claims.take, evidence, object_id, holder)
    return None if has == holder else claims.incident_of(has)


async def is_known(client: df.DurableOrchestrationClient, incident_id: str) -> bool:
    """Whether Durable has ever heard of it: a finished instance would be replaced by a new start."""
    status = await client.get_status(incident_id)
    return bool(status) and status.runtime_status is not None


async def is_open(client: df.DurableOrchestrationClient, incident_id: str) -> bool:
    """Whether it still runs."""
    status = await client.get_status(incident_id)
    if not status or status.runtime_status is None:
        return False
    over = {"Completed", "Failed", "Terminated", "Canceled"}
    return status.runtime_status.name not in over
