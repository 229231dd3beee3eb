"""Why a step is not carried out, or goes on no further: the kill switch, and a person who ended the incident.

It runs inside activities, which are not replayed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager

from playbooks import policy
from playbooks.orders import Json, Order, cancelled_path
from responders import kill_switch
from responders.errors import ResponderError, TransientError
from responders.evidence import EvidenceStore
from responders.read_only import Halt, haltable
from responders.settings import Settings

# What is still carried out when a person has ended an incident.
CLOSING = frozenset(
    {
        "record_cancel",
        "write_report",
        "tell_people",
        "seal_evidence",
        "release_principal",
        "end_restore",
        "release_restore",
    }
)
LOOK_S = 5.0  # between two looks at the kill switch while a step acts


@asynccontextmanager
async def watched(store: EvidenceStore) -> AsyncIterator[None]:
    """Within this block nothing outside is changed any more, seconds after somebody pulls the kill switch."""
    halt = Halt()
    looking = asyncio.create_task(_look(store, halt))
    try:
        with haltable(halt):
            yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _look(store: EvidenceStore, halt: Halt) -> None:
    """A switch that can't be read at this moment is asked again; what was begun goes on meanwhile."""
    while not halt.why:
        await asyncio.sleep(LOOK_S)
        answer = await asyncio.to_thread(stopped_by, store)
        if answer is not None and not answer.get("retry"):
            halt.why = str(answer["detail"])


async def why(store: EvidenceStore, step: str, order: Order, *, acts: bool) -> Json | None:
    """Why this step is not to be carried out at all; None where it is."""
    if step in CLOSING:
        return None
    questions = [asyncio.to_thread(_over, store, order)]
    if acts and order["incident"]["mode"] != "plan":
        questions.append(asyncio.to_thread(stopped_by, store))
    return await first_of(questions)


async def first_of(questions: Sequence[Awaitable[Json | None]]) -> Json | None:
    """The first reason there is. All are asked side by side: each is a call to the store."""
    return next((one for one in await asyncio.gather(*questions) if one is not None), None)


def _over(store: EvidenceStore, order: Order) -> Json | None:
    """The refusal, once a person has ended the incident: what its parts had yet to begin stays undone."""
    try:
        if "holder" in order or not store.exists(cancelled_path(order["incident"]["incident_id"])):
            return None
    except TransientError as error:
        return {"status": "failed", "retry": True, "detail": f"is it cancelled? {error}"}
    except ResponderError as error:
        return {"status": "refused", "detail": f"nobody can say whether it is cancelled: {error}"}
    return {
        "status": "refused",
        "detail": "cancelled: a person ended the incident before this began",
    }


def stopped_by(store: EvidenceStore) -> Json | None:
    """Why nothing may be acted on: the switch, FIREBREAK_ACTING or policy.toml on disk says so. None where all allow.

    An incident keeps the policy it began with in everything but this. What can't be read stops as well.
    """
    try:
        settings = Settings.from_environ()
        allowed = settings.acting and policy.load(settings.policy).guards.acting
        switch = kill_switch.read(store)
    except TransientError as error:  # asked again, boundedly, and nothing acts meanwhile
        detail = f"kill switch: it can't be read now: {error}"
        return {"status": "failed", "retry": True, "detail": detail}
    except (policy.PolicyError, ResponderError) as error:
        return {"status": "refused", "detail": f"kill switch: it can't be read: {error}"}
    if not switch["acting"]:
        who = switch.get("by", {}).get("name", "somebody")
        said = f"pulled by {who}, {switch.get('at', '')}: {switch.get('reason', '')}"
        return {"status": "refused", "detail": f"kill switch: {said}"}
    if allowed:
        return None
    where = "policy.toml [guards] acting or FIREBREAK_ACTING"
    return {"status": "refused", "detail": f"kill switch: {where} is false"}
