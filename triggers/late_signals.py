"""Signals whose identity is not known yet: kept as waiting, asked about again, handed in or given up on loudly."""

from datetime import UTC, datetime

import azure.durable_functions as df
import structlog

from playbooks.late_entities import ASKED_AFTER_MINUTES, LOOK
from responders import claims, known_principals, late_entities
from responders.cloud import Cloud
from responders.errors import AmbiguousError, ResponderError, UnresolvedError
from responders.evidence import digest
from responders.model import Hint, Json, Signal
from triggers import announcements, instances, intake, receiving
from triggers.deciding import decide
from triggers.formats import entities
from triggers.received import Received
from triggers.receiving import Later

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.late_signals")
_PLAYBOOK = "late_entities"


async def receive(
    signal: Signal, client: df.DurableOrchestrationClient, later: Later | None = None
) -> Received:
    """`receiving.receive`, or a wait for the entities where they are all that is missing."""
    if not await _has_to_wait(signal):
        return await receiving.receive(signal, client, later)
    key = digest("\n".join((signal["source"], signal["signal_id"])).encode())[:24]
    instance = f"late-{key}"
    if not await intake.is_known(client, instance):
        came = datetime.now(UTC).isoformat()
        order = {"signal": signal, "came": came, "policy": intake.policy().frozen()}
        about = claims.incident_id(signal)
        await instances.start(client, _PLAYBOOK, instance, order, about=about)
    minutes = ", ".join(str(one) for one in ASKED_AFTER_MINUTES)
    why = f"it names no identity yet: its entities are asked for after {minutes} minutes"
    _log.info("signal waits", source=signal["source"], instance=instance)
    # One that was named meanwhile is answered with what became of it.
    return await receiving.record(signal, Received("waiting", why))


async def _has_to_wait(signal: Signal) -> bool:
    """Whether it may start something and names nobody yet, or nobody but people: their entities are there first."""
    if "late" not in signal or "inert" in signal or receiving.is_replay(signal, datetime.now(UTC)):
        return False
    if decide(signal, intake.policy()).mode == "record":
        return False
    return not signal["hint"] or await _nobody(signal["hint"]) is not None


async def _nobody(hint: Hint) -> str | None:
    """Why the hint is no workload identity's; None where it is one's, or several's, or nobody can say now."""
    try:
        await known_principals.lately(await Cloud.connect(), hint)
    except AmbiguousError:
        return None
    except UnresolvedError as problem:
        return str(problem)
    except ResponderError:
        return None
    return None


@bp.activity_trigger(input_name="signal")
@bp.durable_client_input(client_name="client")
async def look_for_entities(signal: dict, client: df.DurableOrchestrationClient) -> Json:  # type: ignore[type-arg]  # the worker wants it bare
    """Look: what the workspace says about it by now; whoever it names is handed in as the signal's identity.

    A workspace that does not answer is no reason to give up: it is asked again at the next moment.
    """
    structlog.contextvars.clear_contextvars()
    came: Signal = signal  # type: ignore[assignment]  # plain JSON from Durable
    try:
        found = await _found(came)
        if not found["hint"]:
            return {"found": False, "why": "the workspace has no entity that is an identity"}
        if (why := await _nobody(found["hint"])) is not None:
            return {"found": False, "why": why[:500]}
        received = await receiving.receive(found, client)
    except ResponderError as problem:
        _log.warning("entities could not be read", step=LOOK, reason=str(problem))
        return {"found": False, "why": str(problem)[:500]}
    return {"found": True, "why": received.why, "incident_id": received.incident_id}


@bp.activity_trigger(input_name="order")
@bp.durable_client_input(client_name="client")
async def give_up_on_entities(order: dict, client: df.DurableOrchestrationClient) -> Json:  # type: ignore[type-arg]  # the worker wants it bare
    """Tell: an alert named nobody to the end; a person has to say who it is about."""
    structlog.contextvars.clear_contextvars()
    signal: Signal = order["signal"]
    _log.error("alert names nobody", source=signal["source"], signal_id=signal["signal_id"])
    await receiving.record(signal, Received("refused", order["why"], code="NoPrincipal"))
    title = "An alert that names no identity: a person is needed"
    said = await announcements.about_signal(client, signal, title, order["why"])
    return {"status": "done", "detail": said}


async def _found(signal: Signal) -> Signal:
    """The signal with the identity that its entities name by now."""
    fired = datetime.fromisoformat(signal["fired_at"])
    rows = await late_entities.of(await Cloud.connect(), signal["late"], fired, datetime.now(UTC))
    named = entities.hint(rows)
    known: Signal = {**signal, "hint": named}
    del known["late"]
    return known
