"""Responder: whether what Firebreak itself hangs on works: its store, its directory, its workspace, its queue.

Stops    nothing
Leaves   one file that is the same each time, and a claim that comes and goes
Undo     none needed
Needs    NEEDS below; the evidence store
Source   https://learn.microsoft.com/azure/architecture/patterns/health-endpoint-monitoring

Each check says in a sentence what it saw, or raises: nothing here turns "could not ask" into "well".
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from responders import kill_switch, log_service, signal_records
from responders.cloud import Cloud
from responders.errors import ContractChangedError, TransientError
from responders.evidence import EvidenceStore
from responders.log_service import Question
from responders.needs import GraphNeed, Needs
from responders.settings import Settings

ACTING = "acting"  # what the switch says while nobody has pulled it
LATE = timedelta(minutes=15)  # a signal that waits longer is looked for by the sweep as well
SIGNALS_FIX = "look at the queues firebreak-signals and -poison, and the host's log"
_LOOKED_BACK = timedelta(days=1)
_PROBE = b"a probe of the evidence store: it may be written"
NEEDS: Final = Needs(
    graph=(GraphNeed("Application.Read.All", "whether Graph answers", ("directory",)),),
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Signals that have come to no end yet."""

    waiting: int
    oldest_at: str | None  # when the first of them arrived


def evidence(store: EvidenceStore) -> str:
    """Write and read. A claim that comes and goes, and evidence that is the same each time: nothing piles up."""
    path, content = f"health/{uuid.uuid4().hex}.json", _PROBE
    if store.claim(path, content) is not None:
        raise ContractChangedError(f"{path} was there before it was made")
    store.release_claim(path, content)
    store.put("health/probe.txt", _PROBE)
    if store.get("health/probe.txt") != _PROBE:
        raise ContractChangedError("the evidence store gives back other bytes than were put there")
    return "evidence and claims can be written and read"


def switch(store: EvidenceStore, settings: Settings) -> str:
    """Whether anything acts. Raises `TransientError` where that can't be read."""
    found = kill_switch.read(store)
    stands = ACTING if found["acting"] else f"pulled by {found['by']['name']}, {found['at']}"
    return stands if settings.acting else f"{stands}; FIREBREAK_ACTING is false"


def backlog(store: EvidenceStore, now: datetime, since: timedelta = _LOOKED_BACK) -> Backlog:
    """What is on its way, of the signals that arrived within that time."""
    arrived = [one["received_at"] for one in signal_records.unfinished(store, now, since)]
    return Backlog(len(arrived), min(arrived, default=None))


def signals(store: EvidenceStore, now: datetime) -> str:
    """Whether the queue moves: what is received comes to an end within minutes."""
    late = [
        one["received_at"]
        for one in signal_records.unfinished(store, now, _LOOKED_BACK)
        if now - datetime.fromisoformat(one["received_at"]) > LATE
    ]
    if late:
        raise TransientError(
            f"{len(late)} signals have come to no end, the first since {min(late)}"
        )
    return "no signal waits for long"


async def directory(cloud: Cloud) -> str:
    """Microsoft Graph knows us."""
    own = await cloud.own_object_id()
    await cloud.graph.get(f"/servicePrincipals/{own}", {"$select": "id"})
    return f"acts as {own}"


async def subscriptions(cloud: Cloud) -> str:
    """Resource Manager shows us what we guard. Raises `RefusedError` where that is nothing."""
    return f"{len(await cloud.subscription_ids())} subscriptions are seen"


async def workspace(cloud: Cloud, now: datetime) -> str:
    """The log tables can be asked."""
    span = log_service.timespan(now - timedelta(minutes=1), now)
    await log_service.ask(cloud, Question("health", "print answered = 1", span))
    return "it answers queries"
