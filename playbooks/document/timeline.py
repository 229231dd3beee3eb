"""An incident in the order of time: what the logs tell, what came in, what was done, who decided. Pure.

Every moment is UTC. What the evidence gives no time for is not in here: the other parts of the document have it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

from playbooks import channels
from playbooks.orders import Json
from playbooks.tracing.rows import NEVER, moment
from responders.model import Incident

Kind = Literal["seen", "signal", "done", "told", "person", "clock", "deadline"]
_MOST_SEEN = 100  # acts out of the logs; those beyond are counted in a line of their own
_DEADLINES = {"residual until", "trusted after", "risk until"}
_CLOCK = {
    "disabled": "The identity was disabled, or what lets it sign in taken away",
    "contained": "Containment was proven",
    "evicted": "The old identity was evicted from its clusters",
    "rebuilt": "The successor was made",
    "recovered": "Recovery was proven",
    "residual until": "Until here a token issued before containment may still open something",
}
_STATES = {"done": "", "open": ", which did not end well", "unknown": ", and nobody knows its end"}


class Moment(TypedDict):
    """One line. `who` is a person's or a sender's name, empty where it is Firebreak or a log."""

    at: str
    kind: Kind
    what: str
    who: str


@dataclass(frozen=True, slots=True)
class Papers:
    """What an incident has left in its folder, as far as it has a time."""

    incident: Incident
    clock: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Mapping[str, Any]] = ()
    undo: Sequence[Mapping[str, Any]] = ()
    footprint: Json = field(default_factory=dict)
    signals: Sequence[Json] = ()  # those that opened or joined it
    consents: Sequence[Json] = ()
    resumes: Sequence[Json] = ()
    restored: Sequence[Json] = ()
    cancelled: Json = field(default_factory=dict)
    deepened: Sequence[Json] = ()  # who asked it to do more than it was opened for


def timeline(papers: Papers) -> list[Moment]:
    """All of it, oldest first; of one moment in the order in which it is told here."""
    found = [
        *_seen(papers.footprint),
        *_signals(papers),
        *_done(papers),
        *_decided(papers),
        *_clock(papers),
    ]
    return sorted((one for one in found if one["at"]), key=lambda one: one["at"])


def utc(value: object) -> str:
    """The moment as 2026-01-31T23:59:59.123Z, which sorts as text; empty where it is none."""
    read = _read(value)
    if read is None:
        return ""
    return read.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(value: object) -> datetime | None:
    found = moment(value)
    return None if found == NEVER else found


def _moment(at: object, kind: Kind, what: str, who: str = "") -> Moment:
    return {"at": utc(at), "kind": kind, "what": what, "who": who}


def _seen(footprint: Json) -> Iterable[Moment]:
    """What the logs say was done in its name, or to it: the first of like acts, and how many there were."""
    sign_ins = [
        _moment(
            one["first"],
            "seen",
            f"Sign-in with {one['credential']['kind'].replace('_', ' ')} "
            f"{one['credential']['name'] or one['credential']['id'] or 'that no log names'} from "
            f"{', '.join(one['addresses']) or 'an unknown address'}: {one['succeeded']} succeeded, "
            f"{one['failed']} failed, the last at {utc(one['last'])}",
        )
        for one in footprint.get("credentials", [])
    ]
    acts = {
        (one["when"], one["operation"], one["target"]): one
        for part in ("secrets_read", "artefacts", "minted", "entered", "cluster_secrets_read")
        for one in footprint.get(part, [])
    }
    told = sorted(acts.values(), key=lambda one: moment(one["when"]))
    yield from sign_ins
    for one in told[:_MOST_SEEN]:
        yield _moment(one["when"], "seen", _act(one))
    if len(told) > _MOST_SEEN:
        more = f"{len(told) - _MOST_SEEN} more acts from here on: see the footprint"
        yield _moment(told[_MOST_SEEN]["when"], "seen", more)


def _act(one: Json) -> str:
    times = f", {one['count']} times" if one["count"] > 1 else ""
    ended = "" if one["ok"] else ", refused"
    where = one["address"] or "an unknown address"
    return f"{one['operation']} on {one['target'] or 'an unnamed resource'} from {where}{times}{ended} ({one['table']})"


def _signals(papers: Papers) -> Iterable[Moment]:
    for one in papers.signals or [dict(papers.incident["signal"])]:
        what = f"Signal ({one['severity']}): {one['title']}"
        yield _moment(one["fired_at"], "signal", what, one["source"])
    for one in papers.deepened:
        what = f"Asked to {one['mode']} as well: {one['title']}"
        yield _moment(one["at"], "signal", what, one["source"])
    mode = papers.incident["mode"]
    yield _moment(papers.incident["opened_at"], "clock", f"The incident was opened to {mode}")


def _done(papers: Papers) -> Iterable[Moment]:
    """Steps that changed something, or may have; and every card to the channel."""
    # Guards are checked in the undo book's order of steps, and change nothing.
    changing = [one for one in papers.undo if not one["step"].startswith("check_")]
    states = {(one["step"], one["target"]): one["state"] for one in changing}
    for step in papers.steps:
        name = str(step["step"]).replace("_", " ")
        if step["step"] == "tell_people":
            yield _moment(step["started"], "told", _told(step))
        elif (state := states.get((step["step"], step["target"]), "")) in _STATES:
            runs = f" (begun {step['runs']} times)" if step["runs"] > 1 else ""
            what = f"{name} of {step['target']}{_STATES[state]}{runs}"
            yield _moment(step["started"], "done", what[0].upper() + what[1:])


def _told(step: Mapping[str, Any]) -> str:
    """One notice on one channel; where it was not taken, what the channel answered last."""
    notice, channel = channels.notice_of(step["target"])
    taken = step["status"] in {"done", "nothing_to_do"}
    ended = "" if taken else f": {step['status']}, {step['detail']}".rstrip(", ")
    return f"Notice “{notice}” to {channel}{ended}"


def _decided(papers: Papers) -> Iterable[Moment]:
    """What people decided, each with the name that Entra gave."""
    stated = papers.incident["signal"].get("stated")
    if stated:
        yield _moment(
            stated["at"], "person", f"Stated how they got in: {stated['vector']}", stated["by"]
        )
    for one in papers.consents:
        yield from _answers(one)
    for one in papers.resumes:
        yield _moment(one["at"], "person", f"Resumed: {one['reason']}", one["by"]["name"])
    for one in papers.restored:
        for given in one.get("ordered", []):
            what = f"Ordered the restore {one['restore_id']}: {given['reason']}"
            yield _moment(given["at"], "person", what, given["approver"]["name"])
        yield _moment(one["ended_at"], "clock", f"Restore {one['outcome']}: {one['detail']}")
    if papers.cancelled:
        call = papers.cancelled
        what = f"Cancelled while it was {call['phase']}: {call['reason']}"
        yield _moment(call["at"], "person", what, call["by"]["name"])


def _answers(consent: Json) -> Iterable[Moment]:
    """Every yes of several people, and the answer that decided; a silence has no moment but its step's."""
    plan = f"plan {str(consent.get('plan_hash', ''))[:16]}…"
    decided = {"grant": "Consented to", "deny": "Refused"}.get(str(consent["decision"]))
    for one in consent.get("approvals", []):
        if one["at"] != consent.get("at"):
            said = f"Consented to {plan}: {one['reason']}"
            yield _moment(one["at"], "person", said, one["approver"]["name"])
    if decided:
        who = str(consent.get("approver", {}).get("name", "nobody"))
        said = f"{decided} {plan}: {consent['reason']}"
        yield _moment(consent.get("at"), "person", said, who)


def _clock(papers: Papers) -> Iterable[Moment]:
    for name, at in papers.clock.items():
        kind: Kind = "deadline" if name in _DEADLINES else "clock"
        yield _moment(at, kind, _CLOCK.get(name, name[:1].upper() + name[1:]))
