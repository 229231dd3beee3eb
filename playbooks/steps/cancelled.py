"""How an incident that a person ended is written down: who, why, and what is left half done."""

import asyncio

import azure.durable_functions as df

from playbooks.journaled import Work, perform
from playbooks.orders import Json, Order, cancelled_path
from playbooks.steps import undo_books
from responders.evidence import EvidenceStore
from responders.model import Incident

bp = df.Blueprint()
_HALF_DONE = {"unknown", "open", "not begun"}
_MOST_COMMANDS = 50  # through Durable's history; the undo book of the report has them all
_DONE = {"done", "by_hand", "unproven"}


@bp.activity_trigger(input_name="order")
async def record_cancel(order: Order) -> Json:
    """Record: who ended the incident and why, and which of its steps are half done or were never begun."""
    incident, facts = order["incident"], order["facts"]

    async def act(work: Work) -> Json:
        return await asyncio.to_thread(_recorded, work.store, incident, facts)

    return await perform("record_cancel", order, act)


def _recorded(store: EvidenceStore, incident: Incident, facts: Json) -> Json:
    path, call = cancelled_path(incident["incident_id"]), facts["call"]
    if not store.exists(path):
        store.put_json(path, call)
    open_steps = [one for one in undo_books.read(store, incident) if one["state"] in _HALF_DONE]
    commands = [command for one in open_steps for command in one["finish"]]
    lines = [f"ended by {call['by']['name']} while it was {call['phase']}: {call['reason']}"]
    if facts["until"]:
        lines.append(
            f"nobody watches any more: until {facts['until']} tokens of before may be good, "
            "and whoever undoes containment is not noticed"
        )
    lines += [
        f"{one['step'].replace('_', ' ')} of {one['target']}: {_STATES[one['state']]}"
        for one in open_steps
    ]
    lines += [
        f"cluster {name}: {state['status']}, and nothing goes on by itself: resume is over, a restore takes it back"
        for name, state in facts["clusters"].items()
        if state["status"] not in _DONE
    ]
    return {
        "status": "done",
        "detail": path,
        "remaining": lines,
        "by_hand": list(dict.fromkeys(commands))[:_MOST_COMMANDS],
    }


_STATES = {
    "unknown": "begun, and nobody knows how it ended",
    "open": "not done",
    "not begun": "never begun",
}
