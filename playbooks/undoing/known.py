"""What the undo book is written from, and its nouns. Pure: no I/O, no clock."""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from playbooks.plan_model import ClusterPlan, Plan
from responders.journal import Step
from responders.model import Change, Incident, Json
from responders.snapshots import Snapshot

GRAPH = "https://graph.microsoft.com/v1.0"
State = Literal["not begun", "unknown", "done", "nothing to do", "open"]


class UndoEntry(TypedDict):
    """One mutating step, as a person needs it who takes over from here."""

    step: str
    target: str
    state: State  # open: it ended refused or failed, so a part of it may be done
    detail: str  # how it ended, in its own words
    changed: list[Change]  # before -> after, of what it says that it changed
    undone_by: str  # the step of `restore_identity` that takes it back; empty where none does
    why_not: str  # why nothing takes it back, or why nothing needs to
    finish: list[str]  # commands that do what it was to do
    take_back: list[str]  # commands that put it back as it was


@dataclass(frozen=True, slots=True)
class Known:
    """The evidence of one incident. None where it never came so far."""

    incident: Incident
    steps: Sequence[Step] = ()  # the journal
    kept: Mapping[str, Sequence[Json]] = field(default_factory=dict)  # step -> its kept answers
    snapshot: Snapshot | None = None
    plan: Plan | None = None
    consented: bool = False
    successor: Json | None = None  # the identity that recovery made

    def cluster(self, name: str) -> ClusterPlan | None:
        """The plan's part of this cluster."""
        clusters = self.plan["clusters"] if self.plan else []
        return next((one for one in clusters if one["survey"]["cluster"]["name"] == name), None)


Commands = Callable[[Known, str], list[str]]  # what is known, and the step's target


def nothing(_known: Known, _target: str) -> list[str]:
    """No command."""
    return []


@dataclass(frozen=True, slots=True)
class Undoing:
    """What takes a step back, and what a person runs in either direction."""

    by: str = ""
    why_not: str = ""
    take_back: Commands = nothing
    finish: Commands = nothing


def quoted(*words: object) -> str:
    """Words of a command line. Names were chosen by whoever made the object, possibly the attacker."""
    return " ".join(shlex.quote(str(word)) for word in words)


def rest(method: str, path: str, body: Json | None = None) -> str:
    """A call of Graph, as az makes it."""
    words = ["az", "rest", "--method", method, "--url", f"{GRAPH}{path}"]
    return quoted(*words, *([] if body is None else ["--body", json.dumps(body, sort_keys=True)]))
