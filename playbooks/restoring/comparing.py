"""What a restore is judged by, and one judged piece. Pure: no I/O, no clock."""

from dataclasses import dataclass
from datetime import datetime

from playbooks.footprint import Footprint
from playbooks.plan_model import Plan
from playbooks.restoring.model import Piece, Verdict
from playbooks.tracing.gifts import Gifts
from responders.model import Incident, Json
from responders.presences import Standing
from responders.snapshots import Snapshot

Judged = tuple[Verdict, str]
RESTORE: Judged = ("restore", "")
THERE: Judged = ("there", "")
NOT_READ = "it could not be read"
AGELESS = "nothing says when it was given: the audit log could not be read"
SINCE = "given inside the compromise window"


@dataclass(frozen=True, slots=True)
class Findings:
    """What the incident found out. `footprint` and `plan` are None where it never came so far."""

    footprint: Footprint | None
    plan: Plan | None
    gifts: Gifts
    confirmed: bool  # this incident told ID Protection that the identity is compromised


@dataclass(frozen=True, slots=True)
class Compared:
    """The identity before containment beside the identity now."""

    incident: Incident
    before: Snapshot
    standing: Standing
    found: Findings

    @property
    def now(self) -> Snapshot:
        """The same parts, as they are now."""
        return self.standing["snapshot"]

    def is_old(self, created: str | None) -> bool:
        """Whether it was there before the compromise window. What has no age is not old."""
        start = datetime.fromisoformat(self.incident["window_start"])
        return created is not None and datetime.fromisoformat(created) < start

    def aged(self, object_id: str, given: list[str]) -> Judged:
        """For what carries no age itself: by the audit log, where that was read."""
        if object_id.lower() in given:
            return "never", SINCE
        return RESTORE if self.found.gifts["known"] else ("choice", AGELESS)

    def reached(self, judged: Judged, part: str, ids: list[str | None]) -> Judged:
        """The verdict, unless its list can't be read now, or what it leads to is gone."""
        if judged[0] in {"never", "there"}:
            return judged
        if why := self.now["unread"].get(part):
            return "unread", f"{NOT_READ}: {why}"
        for one in ids:
            if one is not None and one.lower() in self.standing["missing"]:
                return "drifted", f"{one} does not exist any more"
            if one is not None and (why := self.standing["unsure"].get(one.lower())):
                return "unread", f"{NOT_READ}: {why}"
        return judged


def piece(kind: str, ident: str, name: str, judged: Judged, states: tuple[str, str]) -> Piece:
    """A piece that needs nothing to come back. `states` are how it stood before, and how it stands now."""
    verdict, reason = judged
    before, now = states
    return {
        "key": f"{kind}:{ident}",
        "kind": kind,
        "name": name,
        "verdict": verdict,
        "reason": reason,
        "before": before,
        "now": before if verdict == "there" else now,
        "restores": {},
        "by_hand": [],
    }


def restoring(found: Piece, item: Json, by_hand: list[str] | None = None) -> Piece:
    """The piece with what its step needs."""
    return {**found, "restores": item, "by_hand": by_hand or []}
