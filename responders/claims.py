"""Responder: who works on a principal. One incident at a time, by a conditional create that holds across instances.

Stops    a second incident about the same principal
Leaves   the signals that came meanwhile, beside the incident that they joined
Undo     `release`
Needs    the evidence store
Source   https://learn.microsoft.com/azure/event-grid/delivery-and-retry (every trigger is at-least-once)

A claim says how deep its incident is to go, too. Whoever asks for more writes it there, and the incident gives the
principal free only where nobody did: so no call for more is lost, however close to the end it comes.
"""

import json
from contextlib import suppress
from typing import Literal, NotRequired, TypedDict

from responders.errors import ConflictError
from responders.evidence import EvidenceStore, canonical, digest
from responders.model import Incident, Mode, Requester, Signal, Source

_PARTS = 3  # of an incident id: inc, the day, a hash
Hears = Literal["all", "responders", "nobody"]
_DEPTHS: tuple[Mode, ...] = ("plan", "contain", "respond")


class Raised(TypedDict):
    """Who asked for more than the incident was opened for."""

    mode: Mode
    at: str
    key: str  # of the signal
    source: Source
    title: str
    by: NotRequired[Requester]  # of a person


class Claim(TypedDict):
    """Who holds a principal. One that was written by an earlier version says the id alone."""

    incident_id: str
    at: NotRequired[str]
    opened: NotRequired[Incident]  # so that whoever finds it not started can start it
    raised: NotRequired[list[Raised]]


def _path(object_id: str) -> str:
    return f"claims/{object_id.lower()}.json"


def key(signal: Signal) -> str:
    """The same for every delivery of a signal."""
    return digest(f"{signal['source']}\n{signal['signal_id']}".encode())[:12]


def incident_id(signal: Signal) -> str:
    """The same signal always makes the same incident id, so a redelivery finds its incident."""
    return f"inc-{signal['fired_at'][:10].replace('-', '')}-{key(signal)}"


def current(store: EvidenceStore, object_id: str) -> Claim | None:
    """Who holds the principal now; None where nobody does."""
    content = store.claimed(_path(object_id))
    return None if content is None else _parsed(content)


def take(store: EvidenceStore, object_id: str, mine: Claim) -> Claim:
    """Claim the principal; returns the claim that holds, ours or an earlier one."""
    held = store.claim(_path(object_id), canonical(mine))
    return mine if held is None else _parsed(held)


def take_over(store: EvidenceStore, object_id: str, dead: Claim, mine: Claim) -> bool:
    """Take a claim whose incident is over. False: somebody else was faster."""
    return _swap(store, object_id, dead, mine)


def raise_to(store: EvidenceStore, object_id: str, held: Claim, wanted: Raised) -> bool:
    """Ask the incident that holds the principal for more. False: the claim is another one by now."""
    raised: Claim = {**held, "raised": [*held.get("raised", []), wanted]}
    return _swap(store, object_id, held, raised)


def asks_more(wanted: Raised, held: Claim) -> bool:
    """Whether somebody asks for more than the incident was asked for so far.

    A responder's call is more than an alert of the same depth: guards let it pass where an alert alone may not act.
    """
    opened = held.get("opened")
    if (
        opened is None
    ):  # a restore, or a claim of an earlier version: there is nothing to compare with
        return False
    mode, source = depth(held)
    if _DEPTHS.index(wanted["mode"]) > _DEPTHS.index(mode):
        return True
    return wanted["mode"] == mode != "plan" and wanted["source"] == "responder" != source


def depth(held: Claim) -> tuple[Mode, Source]:
    """How deep the incident is to go by now, and on whose word: a responder's stays a responder's."""
    incident = held["opened"]
    asked = [(one["mode"], one["source"]) for one in held.get("raised", [])]
    asked = [(incident["mode"], incident["signal"]["source"]), *asked]
    mode = max((one for one, _ in asked), key=_DEPTHS.index)
    by_person = any(source == "responder" and one != "plan" for one, source in asked)
    return mode, "responder" if by_person else incident["signal"]["source"]


def is_deeper(mode: Mode, than: Mode) -> bool:
    """Plan, contain, respond: whether the first goes further."""
    return _DEPTHS.index(mode) > _DEPTHS.index(than)


def release(store: EvidenceStore, incident: Incident, *, hears: Hears = "all") -> Claim | None:
    """Give the principal free, if this incident still holds it. It keeps it where it is asked for more: the claim then.

    After a restore only responders are heard: an alert of before is about what was restored since. Nobody is heard
    after a person ended the incident.
    """
    path = _path(incident["principal"]["object_id"])
    while (content := store.claimed(path)) is not None:
        held = _parsed(content)
        if held["incident_id"] != incident["incident_id"]:
            break
        raised = raised_beyond(held, incident)
        heard = [one for one in raised if hears == "all" or one["source"] == "responder"]
        if heard and hears != "nobody":
            return held
        store.release_claim(path, content)
    return None


def raised_beyond(held: Claim, incident: Incident) -> list[Raised]:
    """What the incident is asked for beyond what it does by now."""
    if held["incident_id"] != incident["incident_id"] or "opened" not in held:
        return []
    doing = (incident["mode"], incident["signal"]["source"])
    return held.get("raised", []) if depth(held) != doing else []


def let_go(store: EvidenceStore, object_id: str, holder: str) -> None:
    """Give the principal free, if this holder still has it."""
    path = _path(object_id)
    content = store.claimed(path)
    if content is not None and _parsed(content)["incident_id"] == holder:
        store.release_claim(path, content)


def incident_of(holder: str) -> str:
    """The incident that a holder of a principal works for."""
    return "-".join(holder.split("-")[:_PARTS])


def keep_signal(store: EvidenceStore, incident_id: str, signal: Signal) -> None:
    """Keep a signal with its incident. Safe to repeat: what came first stands."""
    with suppress(ConflictError):  # the same id with other words
        store.put_json(f"incidents/{incident_id}/signals/{key(signal)}.json", signal)


def _swap(store: EvidenceStore, object_id: str, held: Claim, new: Claim) -> bool:
    path = _path(object_id)
    content = store.claimed(path)
    if content is None or _parsed(content) != held:
        return False
    return store.replace_claim(path, content, canonical(new))


def _parsed(content: bytes) -> Claim:
    claim: Claim = json.loads(content)
    return claim
