"""How a signal becomes an incident: resolved, claimed, started, once.

Nothing is started for what can't be resolved to one principal by an immutable id.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import azure.durable_functions as df
import structlog

from playbooks import policy as policies
from playbooks.orders import Order
from responders import claims, incident_index, known_principals, restorations
from responders.claims import Claim
from responders.cloud import Cloud
from responders.errors import TransientError
from responders.evidence import EvidenceStore, open_evidence
from responders.model import Incident, Mode, Principal, Signal
from responders.settings import Settings
from triggers import instances, joining

_log = structlog.get_logger("firebreak.intake")
_ECHO = timedelta(hours=1)  # rows take minutes to arrive, and a rule looks at most that far back
PLAYBOOK = "compromised_identity"
_TRIES = 20  # claims that change hands between our reading and our writing
# Whoever claimed a principal starts the incident at once. The host ends an invocation after ten minutes, so what is
# not started by then will not be by its first owner.
_STARTED_WITHIN = timedelta(minutes=15)


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
    """Resolve, claim and start, or join and deepen. Safe to repeat: the same signal finds the same incident.

    Where the policy says observe only, every mode is "plan".

    Raises `UnresolvedError` where no such principal exists, `TransientError` where the directory can't be asked.
    """
    if policy().guards.observe_only:
        mode = "plan"
    cloud = await Cloud.connect()
    principal = await known_principals.lately(cloud, signal["hint"])
    object_id, evidence = principal["object_id"], store()
    old, held = await asyncio.gather(
        _old_news(cloud, evidence, principal, signal),
        asyncio.to_thread(claims.current, evidence, object_id),
    )
    if old:
        await asyncio.to_thread(claims.keep_signal, evidence, old, signal)
        _log.info("signal about what was restored since", incident_id=old, source=signal["source"])
        return Accepted(old, joined=True, mode=mode)
    mine = claims.incident_id(signal)
    for _ in range(_TRIES):
        if held is None:
            claim = await _own_claim(cloud, signal, mode, object_id)
            taken: Claim = await asyncio.to_thread(claims.take, evidence, object_id, claim)
            held = taken
        if held["incident_id"] == mine:
            return await _begin(client, evidence, held, signal)
        if await _is_held(client, evidence, held):
            joined = await joining.join(client, evidence, held, signal, mode)
            if joined is not None:
                return Accepted(joined.incident_id, joined=True, mode=joined.mode)
        else:
            claim = await _own_claim(cloud, signal, mode, object_id)
            await asyncio.to_thread(claims.take_over, evidence, object_id, held, claim)
        held = await asyncio.to_thread(claims.current, evidence, object_id)
    raise TransientError(f"the claim of {object_id} comes and goes")


async def _own_claim(cloud: Cloud, signal: Signal, mode: Mode, object_id: str) -> Claim:
    """For an incident of this signal's own, about the principal as it is now."""
    principal = await known_principals.now(cloud, signal["hint"])
    if principal["object_id"] != object_id:
        raise TransientError(f"{object_id} was deleted and made again meanwhile")
    incident = _incident(claims.incident_id(signal), mode, principal, signal)
    return {"incident_id": incident["incident_id"], "at": incident["opened_at"], "opened": incident}


async def _begin(
    client: df.DurableOrchestrationClient, evidence: EvidenceStore, held: Claim, signal: Signal
) -> Accepted:
    """The claim is this signal's own: start its incident, unless it was started before."""
    incident = held["opened"]
    incident_id, mode = incident["incident_id"], incident["mode"]
    known = await instances.status(client, incident_id)
    if known is None:
        await _start(client, evidence, incident)
        return Accepted(incident_id, joined=False, mode=mode)
    if known.runtime_status.name in instances.OVER:  # and so is the claim's time
        await asyncio.to_thread(
            claims.let_go, evidence, incident["principal"]["object_id"], incident_id
        )
    _log.info("signal seen before", incident_id=incident_id, source=signal["source"])
    return Accepted(incident_id, joined=True, mode=mode)


async def _start(
    client: df.DurableOrchestrationClient, evidence: EvidenceStore, incident: Incident
) -> None:
    """Safe to repeat, and for whoever finds a claim whose owner died before this."""
    incident_id = incident["incident_id"]
    # Before the start: a start that nobody hears of is still on the list.
    await asyncio.gather(
        asyncio.to_thread(claims.keep_signal, evidence, incident_id, incident["signal"]),
        asyncio.to_thread(incident_index.opened, evidence, incident),
    )
    order: Order = {"incident": incident, "policy": policy().frozen()}
    await instances.start(client, PLAYBOOK, incident_id, order)
    depth = incident["mode"]
    _log.info("incident started", incident_id=incident_id, playbook=PLAYBOOK, depth=depth)


async def _is_held(
    client: df.DurableOrchestrationClient, evidence: EvidenceStore, held: Claim
) -> bool:
    """Whether the claim's incident runs. One whose owner died before it was started is started here."""
    runs = await instances.was_open(client, held["incident_id"])
    if runs is not None:
        return runs
    if datetime.now(UTC) - _claimed_at(held) > _STARTED_WITHIN:
        return False
    if "opened" not in held:
        raise TransientError(f"{held['incident_id']} is about to be started")
    _log.warning("incident was claimed and not started", incident_id=held["incident_id"])
    await _start(client, evidence, held["opened"])
    return True


def _claimed_at(held: Claim) -> datetime:
    return datetime.fromisoformat(held["at"]) if "at" in held else datetime.min.replace(tzinfo=UTC)


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
    if actor is not None and actor in await cloud.own_object_ids():
        moment -= _ECHO
    return await asyncio.to_thread(
        restorations.covering, evidence, principal["object_id"], moment.isoformat()
    )


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
    mine: Claim = {
        "incident_id": holder,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    for _ in range(_TRIES):
        held = await asyncio.to_thread(claims.take, evidence, object_id, mine)
        if held["incident_id"] == holder:
            return None
        if await _is_held(client, evidence, held):
            return claims.incident_of(held["incident_id"])
        await asyncio.to_thread(claims.take_over, evidence, object_id, held, mine)
    raise TransientError(f"the claim of {object_id} comes and goes")


async def is_known(client: df.DurableOrchestrationClient, incident_id: str) -> bool:
    """Whether Durable has ever heard of it: a finished instance would be replaced by a new start."""
    return await instances.is_known(client, incident_id)


async def is_open(client: df.DurableOrchestrationClient, incident_id: str) -> bool:
    """Whether it still runs."""
    return await instances.is_open(client, incident_id)
