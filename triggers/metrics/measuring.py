"""What the metrics count is noted as it happens: milestones of incidents, failed steps, refused sign-ins."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import azure.durable_functions as df
import structlog

from responders import incident_index, milestones, run_records, sign_in_totals
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.evidence import EvidenceStore
from responders.journal import Journal, Step
from responders.milestones import Failed, Reached
from responders.model import Json
from triggers import intake, status

_log = structlog.get_logger("firebreak.measuring")
_MOST = 200  # incidents, or runs, of one look: the next look takes up the rest
_AT_ONCE = 8
_MOMENTS = {
    milestones.DISABLED: "disabled_at",
    milestones.CONTAINED: "contained_at",
    milestones.RECOVERED: "recovered_at",
}
_BAD = frozenset({"failed", "refused"})


async def measure(client: df.DurableOrchestrationClient) -> None:
    """Note what is new. What can't be noted now is noted by a later look; nothing is noted twice."""
    store = intake.store()
    await _incidents(client, store)
    await asyncio.to_thread(_runs, store)
    if not intake.policy().metrics.count_sign_ins:
        return
    try:
        unread = await sign_in_totals.count(await Cloud.connect(), store, datetime.now(UTC))
    except ResponderError as problem:
        unread = [str(problem)]
    if unread:
        _log.warning("sign-ins not counted", why="; ".join(unread))


async def _incidents(client: df.DurableOrchestrationClient, store: EvidenceStore) -> None:
    said, opened, closed = await asyncio.gather(
        asyncio.to_thread(milestones.all_said, store),
        asyncio.to_thread(incident_index.all_opened, store),
        asyncio.to_thread(incident_index.all_closed, store),
    )
    todo = [one.incident_id for one in reversed(opened) if one.incident_id not in said]
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(incident_id: str) -> None:
        async with free:
            stands = await status.of(client, incident_id)
            await asyncio.to_thread(note, store, stands, incident_id, over=incident_id in closed)

    await asyncio.gather(*(one(incident_id) for incident_id in todo[:_MOST]))


def note(store: EvidenceStore, stands: Json | None, incident_id: str, *, over: bool) -> None:
    """The milestones that an incident has reached; once it is over, its failed steps, and that this was all."""
    if stands is not None:
        opened = datetime.fromisoformat(stands["opened_at"])
        for milestone, name in _MOMENTS.items():
            if at := stands[name]:
                seconds = (datetime.fromisoformat(at) - opened).total_seconds()
                milestones.reached(store, Reached(incident_id, milestone, max(seconds, 0.0)))
    if over:
        _failed_steps(store, incident_id, Journal(store, incident_id).steps())
        milestones.say_all(store, incident_id)


def _runs(store: EvidenceStore) -> None:
    said = milestones.all_said(store)
    todo = [one for one in reversed(run_records.names(store, None)) if one not in said]
    for run_id in todo[:_MOST]:
        if run_records.end_of(store, run_id) is not None:
            where = f"runs/{run_records.playbook_of(run_id)}/{run_id}"
            _failed_steps(store, run_id, Journal(store, run_id, folder=where).steps())
            milestones.say_all(store, run_id)


def _failed_steps(store: EvidenceStore, about: str, steps: list[Step]) -> None:
    for step, times in Counter(one["step"] for one in steps if one["status"] in _BAD).items():
        milestones.failed(store, Failed(about, step, times))
