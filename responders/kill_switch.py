"""Responder: the switch that stops every act at once, kept where all instances of the app see it.

Stops    every step that acts, from its next beginning on, in every incident
Leaves   reading, evidence, plans and cards; a step that is under way sends no write after about five seconds
Undo     `turn` with acting true
Needs    the evidence store
Source   https://csrc.nist.gov/pubs/sp/800/61/r3/final (response must not do more harm than the incident)

Nobody having ever touched it means on. One that can't be read is off: whoever asks lets nothing act.
"""

import json
from typing import NotRequired, TypedDict

from responders.errors import ConflictError, ContractChangedError
from responders.evidence import EvidenceStore, digest

_PATH = "kill-switch.json"


class TurnedBy(TypedDict):
    """Who turned it, as Entra says it."""

    object_id: str
    name: str


class Switch(TypedDict):
    """How the switch stands, and who put it there."""

    number: int  # of the turn; 0 where nobody ever turned it
    acting: bool
    reason: NotRequired[str]
    by: NotRequired[TurnedBy]
    at: NotRequired[str]


class Turn(TypedDict):
    """What somebody wants."""

    acting: bool
    reason: str
    by: TurnedBy
    at: str


_UNTOUCHED: Switch = {"number": 0, "acting": True}


def read(store: EvidenceStore) -> Switch:
    """How it stands. Raises a `ResponderError` where nobody can say."""
    return _parsed(store.claimed(_PATH))


def turn(store: EvidenceStore, wanted: Turn, *, expected: int | None = None) -> Switch:
    """Turn it; every turn is kept for good. `ConflictError` where it is not the expected one any more.

    Without `expected` the newest is turned, whichever that is: nobody who stops everything has to look first.
    """
    while True:
        before = store.claimed(_PATH)
        now = _parsed(before)
        if expected is not None and now["number"] != expected:
            raise ConflictError(f"the switch was turned meanwhile: it is at turn {now['number']}")
        if before is not None:  # whoever wrote that may have died before it was kept
            store.put(_kept(now["number"]), before)
        switch: Switch = {"number": now["number"] + 1, **wanted}
        content = json.dumps(switch, indent=2, sort_keys=True, ensure_ascii=False).encode()
        won = (
            store.claim(_PATH, content) is None
            if before is None
            else store.replace_claim(_PATH, before, content)
        )
        if won:
            store.put(_kept(switch["number"]), content)
            return switch


def tag(switch: Switch) -> str:
    """A strong ETag of how it stands: the same for nothing else."""
    return f'"{digest(json.dumps(switch, sort_keys=True).encode())[:16]}"'


def history(store: EvidenceStore) -> list[Switch]:
    """Every turn that was kept, the newest first."""
    return [_parsed(store.get(one)) for one in reversed(store.list("kill-switch"))]


def _kept(number: int) -> str:
    return f"kill-switch/{number:08d}.json"


def _parsed(content: bytes | None) -> Switch:
    if content is None:
        return _UNTOUCHED.copy()
    try:
        match json.loads(content):
            case {"number": int(), "acting": bool()} as found:
                switch: Switch = found
                return switch
    except ValueError as odd:
        raise ContractChangedError(f"{_PATH} of the evidence store is no JSON") from odd
    raise ContractChangedError(f"{_PATH} of the evidence store holds no switch")
