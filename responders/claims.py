"""Responder: who works on a principal. One incident at a time, by a conditional create that holds across instances.

Stops    a second incident about the same principal
Leaves   the signals that came meanwhile, beside the incident that they joined
Undo     `release`
Needs    the evidence store
Source   https://learn.microsoft.com/azure/event-grid/delivery-and-retry (every trigger is at-least-once)
"""

import json
from typing import TypedDict

from responders.evidence import EvidenceStore, digest
from responders.model import Incident, Signal

_PARTS = 3  # of an incident id: inc, the day, a hash


class Claim(TypedDict):
    """Who holds a principal."""

    incident_id: str


def _path(object_id: str) -> str:
    return f"claims/{object_id.lower()}.json"


def _content(incident_id: str) -> bytes:
    claim: Claim = {"incident_id": incident_id}
    return json.dumps(claim).encode()


def incident_id(signal: Signal) -> str:
    """The same signal always makes the same incident id, so a redelivery finds its incident."""
    key = digest(f"{signal['source']}\n{signal['signal_id']}".encode())[:12]
    return f"inc-{signal['fired_at'][:10].replace('-', '')}-{key}"


def take(store: EvidenceStore, object_id: str, incident_id: str) -> str:
    """Claim the principal; returns the id of the incident that holds it, ours or an earlier one's."""
    holder = store.claim(_path(object_id), _content(incident_id))
    if holder is None:
        return incident_id
    claim: Claim = json.loads(holder)
    return claim["incident_id"]


def take_over(store: EvidenceStore, object_id: str, dead: str, incident_id: str) -> bool:
    """Take a claim whose incident is over. False: somebody else was faster."""
    return store.replace_claim(_path(object_id), _content(dead), _content(incident_id))


def release(store: EvidenceStore, incident: Incident) -> None:
    """Give the principal free, if this incident still holds it."""
    path = _path(incident["principal"]["object_id"])
    store.release_claim(path, _content(incident["incident_id"]))


def let_go(store: EvidenceStore, object_id: str, holder: str) -> None:
    """Give the principal free, if this holder still has it."""
    store.release_claim(_path(object_id), _content(holder))


def incident_of(holder: str) -> str:
    """The incident that a holder of a principal works for."""
    return "-".join(holder.split("-")[:_PARTS])


def keep_signal(store: EvidenceStore, incident_id: str, signal: Signal) -> bool:
    """Keep a signal with its incident. False: it was there before, a redelivery."""
    key = digest(f"{signal['source']}\n{signal['signal_id']}".encode())[:12]
    path = f"incidents/{incident_id}/signals/{key}.json"
    if store.exists(path):
        return False
    store.put_json(path, signal)
    return True
