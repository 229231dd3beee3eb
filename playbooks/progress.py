"""What an incident says about itself while it runs: its phase, its clock, and how it ends."""

import json
from collections.abc import Generator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import cluster_states, telling_later
from playbooks.notices import NOTICES
from playbooks.orders import Json, Order
from playbooks.settling import perform_one
from playbooks.steps import containment as acts
from playbooks.steps import reporting
from responders.claims import Hears
from responders.model import Mode, NewIdentity

# Of an access token that continuous access evaluation watches, and until Entra's replicas refuse.
_LONGEST = timedelta(hours=28, minutes=5)
# Durable fails an orchestration whose custom status is longer than 16 KB of UTF-16.
# https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-custom-orchestration-status
MOST_SHOWN_B = 15_000
_CUTS = ((60, 400), (30, 200), (12, 150), (4, 100))  # items of a list, characters of a text
_FIRM = (
    "restoring",
    "phase",
    "clock",
    "consent",
    "requesters",
    "outcome",
    "manifest",
    "report",
    "sweeps",
    "identity",
    "resumable",
    "resume",
    "cancelled",
    "mode",
)


class DeepenedError(Exception):
    """The incident is asked for more than it did so far: it starts over, deeper. Carries what a step has read of it."""

    def __init__(self, answer: Json | None = None) -> None:
        super().__init__("deeper")
        self.answer = answer


class Progress:
    """The custom status of one orchestration, and the endings that every path shares."""

    def __init__(self, context: df.DurableOrchestrationContext, order: Order) -> None:
        self._context = context
        self._order = order
        self.pulls = 0  # containments that ended, the one that was held included
        self.open: list[str] = []  # what the last proof named as remaining, one id each
        self._status: Json = {
            "phase": "accepted",
            "clock": {},
            "clusters": {},
            "consent": None,
            "requesters": [],
            "remaining": [],
            "unasked": [],
            "by_hand": [],
            "exposures": [],
            "reversals": [],
            "sweeps": [],
            "outcome": None,
            "manifest": None,
            "resumable": False,
            "resume": None,
            "mode": order["incident"]["mode"],
            "deepened": [],
        }
        self._opened = False  # whether people were told that there is an incident
        self._turn = ""  # tells papers and cards of a deeper turn from those before it

    @property
    def clock(self) -> Json:
        """Moments and deadlines so far, by name."""
        return dict(self._status["clock"])

    @property
    def deadline(self) -> datetime | None:
        """When the last token issued before containment has expired; None where nothing was acted on."""
        moment = self._status["clock"].get("residual until")
        return datetime.fromisoformat(moment) if moment else None

    @property
    def state(self) -> Json:
        """Everything that status answers show, as it stands now."""
        return dict(self._status)

    @property
    def consent(self) -> Json:
        """What people are asked, or were asked last."""
        return dict(self._status["consent"] or {})

    @property
    def requesters(self) -> list[Json]:
        """Who had this done: whoever opened the incident, had it go deeper, or resumed it."""
        return list(self._status["requesters"])

    def asked_by(self, person: Mapping[str, Any] | None) -> None:
        """Remember a person who had this done; a machine is nobody."""
        known = {one["object_id"] for one in self.requesters}
        if person is not None and person["object_id"] not in known:
            said = {name: person[name] for name in ("object_id", "name")}
            self.note(requesters=[*self.requesters, said])

    @property
    def reversals(self) -> list[str]:
        """What was found undone while watching."""
        return list(self._status["reversals"])

    @property
    def remaining(self) -> list[str]:
        """What a person has to look at although containment holds."""
        return list(self._status["remaining"])

    @property
    def by_hand(self) -> list[str]:
        """Commands for what is left to a person."""
        return list(self._status["by_hand"])

    @property
    def identity(self) -> NewIdentity | None:
        """The new one, once it is made."""
        return self._status.get("identity")

    @property
    def sweeps(self) -> list[str]:
        """Sweeps of the logs after the first."""
        return list(self._status["sweeps"])

    def enter(self, phase: str) -> None:
        """The phase that begins now."""
        self.note(phase=phase)

    def note(self, **facts: Any) -> None:
        """Add facts to what status answers show."""
        self._status |= facts
        self._context.set_custom_status(shown(self._status))

    def deepen(self, mode: Mode, raised: Sequence[Json]) -> None:
        """It goes deeper from here on: who asked, and when."""
        shown = [{**one, "title": one["title"][:100]} for one in raised]
        self.note(mode=mode, deepened=shown)

    def begin_anew(self) -> None:
        """What is written and told from here on stands beside what was written and told before."""
        self._turn = f"-{len(self._status['deepened']) + 1}"

    def unplanned(self, plan: Json) -> None:
        """Say why nobody is asked: the principal has no successor, or the plan can't be carried out."""
        known = self._status["clusters"]
        said = {"status": plan["status"], "detail": f"nobody is asked: {plan['detail']}"}
        self.note(clusters=known or {"plan": said})

    def hand_over(self, answers: Sequence[Json]) -> None:
        """Add the commands that steps leave to a person, each once."""
        commands = [command for one in answers for command in one.get("by_hand", [])]
        if commands:
            self.note(by_hand=list(dict.fromkeys([*self._status["by_hand"], *commands])))

    def mark(self, moment: str) -> datetime:
        """Put the orchestration's present under a name on the incident's clock."""
        now: datetime = self._context.current_utc_datetime
        self.note(clock={**self._status["clock"], moment: now.isoformat(timespec="milliseconds")})
        return now

    def mark_once(self, moment: str) -> None:
        """`mark`, unless it was marked before: the first time is what counts."""
        if moment not in self._status["clock"]:
            self.mark(moment)

    def until(self, moment: str, deadline: datetime) -> None:
        """Put a deadline on the incident's clock."""
        shown = deadline.isoformat(timespec="seconds")
        self.note(clock={**self._status["clock"], moment: shown})

    def expose(
        self, contained_at: datetime, *, token_refused: bool = False
    ) -> Generator[Any, Any, None]:
        """State until when each kind of resource may still be opened with a token issued before."""
        moment = contained_at.isoformat(timespec="seconds")
        facts = {"contained_at": moment, "token_refused": token_refused}
        order: Order = {**self._order, "facts": facts}
        stated = yield from perform_one(self._context, acts.state_residual, order)
        if stated["status"] == "done":
            self.note(exposures=stated["exposures"])
            self.until("residual until", datetime.fromisoformat(stated["deadline"]))
        else:  # the snapshot is not there to tell: the longest that a token can live
            self.until("residual until", contained_at + _LONGEST)

    def opening(self) -> list[Any]:
        """The task that tells that there is an incident, to be begun beside what is done first; none the second time.

        Nothing waits for it. Its tries are its own.
        """
        if self._opened:
            return []
        self._opened = True
        incident = self._order["incident"]
        facts = {"Asked for": incident["mode"], "Opened": incident["opened_at"]}
        return [telling_later.beside(self._context, self._notice("opened", facts))]

    def tell(self, notice: str, facts: Json, *, key: str = "") -> Generator[Any, Any, Json]:
        """One notice on every channel. What was not taken is in the journal, and stops nothing.

        `key` tells notices of one kind apart, where there may be several.
        """
        order = self._notice(notice, facts, key)
        return (yield from telling_later.tell(self._context, order))

    def _notice(self, notice: str, facts: Json, key: str = "") -> Order:
        return {
            **self._order,
            "notice": notice,
            "notice_key": f"{key or notice}{self._turn}",
            "at": self._context.current_utc_datetime.isoformat(timespec="milliseconds"),
            "facts": facts,
        }

    def report(
        self, outcome: str, *, name: str = "report", key: str = ""
    ) -> Generator[Any, Any, None]:
        """Write the incident document and tell people how it stands."""
        name = f"{name}{self._turn}"
        self.enter("reporting")
        yield from self._write(name, outcome)
        facts = self._status
        lines = [
            *(f"{one['mode']}: asked for by {one['source']}" for one in facts["deepened"]),
            *cluster_states.summary(facts["clusters"]),
            *(f"Remains: {one}" for one in facts["remaining"]),
            *(f"By hand: {one}" for one in facts["by_hand"]),
            *(f"Until {one['until']}: {one['resource']}" for one in facts["exposures"]),
        ]
        if outcome in NOTICES:
            yield from self.tell(outcome, {**self.clock, "lines": lines}, key=key)
        yield from self.seal(name)

    def _write(self, name: str, outcome: str) -> Generator[Any, Any, None]:
        """The incident document as it stands now, under this name."""
        open_ = ("remaining", "unasked", "by_hand", "exposures")
        told = ("clock", "clusters", *open_, "reversals", "deepened")
        facts = {"name": name, "outcome": outcome, **{one: self._status[one] for one in told}}
        order: Order = {**self._order, "facts": facts}
        written = yield from perform_one(self._context, reporting.write_report, order)
        self.note(outcome=outcome, report=written["detail"])

    def seal(self, after: str) -> Generator[Any, Any, None]:
        """A manifest of all evidence so far; its hash in the status is what a bundle is checked against."""
        order: Order = {**self._order, "facts": {"after": after}}
        sealed = yield from perform_one(self._context, reporting.seal_evidence, order)
        self.note(manifest=sealed.get("manifest"))

    def close(
        self, outcome: str, detail: str, *, hears: Hears = "all"
    ) -> Generator[Any, Any, Json]:
        """Give the principal free and end. Raises `DeepenedError` where more is asked of the incident by now."""
        if self._status["sweeps"]:  # more is known now than when the first report was written
            yield from self._write(f"report-closed{self._turn}", outcome)
            lines = [*self._status["reversals"], *self._status["remaining"]]
            yield from self.tell("closed", {"Outcome": outcome, **self.clock, "lines": lines})
            yield from self.seal(f"closed{self._turn}")
        return (yield from self.release(outcome, detail, hears=hears))

    def release(
        self, outcome: str, detail: str, *, hears: Hears = "nobody"
    ) -> Generator[Any, Any, Json]:
        """Give the principal free and end, with nothing more to say."""
        facts = {"outcome": outcome, "hears": hears, "clock": self.clock}
        closing: Order = {**self._order, "facts": facts}
        released = yield from perform_one(self._context, reporting.release_principal, closing)
        if released.get("raised"):
            raise DeepenedError(released)
        self.note(phase="refused" if outcome == "refused" else "closed", outcome=outcome)
        return {"outcome": outcome, "detail": detail, **self._status}


def shown(status: Json) -> Json:
    """What fits into a custom status: long texts and lists are cut and say so. The report has all of it."""
    if _fits(status):
        return dict(status)
    firm = {name: value for name, value in status.items() if name in _FIRM}
    for items, characters in _CUTS:
        cut = {name: _cut(value, items, characters) for name, value in status.items()} | firm
        if _fits(cut):
            return cut
    return firm


def _fits(status: Json) -> bool:
    return len(json.dumps(status, ensure_ascii=False).encode("utf-16-le")) <= MOST_SHOWN_B


def _cut(value: Any, items: int, characters: int) -> Any:
    match value:
        case str() if len(value) > characters:
            return f"{value[:characters]}…"
        case dict():
            return {name: _cut(one, items, characters) for name, one in value.items()}
        case [str(), *_] if len(value) > items:
            more = f"… and {len(value) - items} more: see the report"
            return [*(_cut(one, items, characters) for one in value[:items]), more]
        case list():
            return [_cut(one, items, characters) for one in value]
        case _:
            return value
