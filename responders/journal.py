"""Responder: the step log of an incident, hash-chained, intent before the call and outcome after it.

Stops    nothing
Leaves   one line per intent and per outcome; a crash leaves at most one step without its outcome
Undo     none needed
Needs    the evidence store
Source   https://csrc.nist.gov/pubs/sp/800/92/final (protecting log integrity by message digests)
"""

import json
from datetime import UTC, datetime
from typing import Literal, NotRequired, TypedDict

from responders.errors import NotFoundError
from responders.evidence import EvidenceStore, canonical, digest

GENESIS = "0" * 64


class Entry(TypedDict):
    """One line. `hash` is the SHA-256 of the canonical JSON of all the other fields."""

    seq: int
    at: str
    incident_id: str
    step: str
    target: str
    kind: Literal["intent", "outcome"]
    run: int  # how often this step has been begun: 2 and more after a retry or a crash
    status: NotRequired[str]
    detail: NotRequired[str]
    duration_ms: NotRequired[int]
    previous: str
    hash: NotRequired[str]


class Step(TypedDict):
    """An intent with its outcome, as status answers and reports show it."""

    step: str
    target: str
    status: str  # "unknown" while there is no outcome
    runs: int
    started: str
    duration_ms: int | None
    detail: str


class Journal:
    """The log of one incident."""

    def __init__(self, store: EvidenceStore, incident_id: str) -> None:
        self._store = store
        self._incident_id = incident_id
        self.path = f"incidents/{incident_id}/journal.jsonl"

    def intent(self, step: str, target: str) -> int:
        """Write down that a step is about to happen; returns how often it has been begun."""
        with self._store.locked(self.path):
            entries = self.entries()
            run = 1 + sum(
                entry["kind"] == "intent" and (entry["step"], entry["target"]) == (step, target)
                for entry in entries
            )
            self._append(entries, self._entry(step, target, "intent", run))
        return run

    def outcome(
        self, step: str, target: str, *, run: int, status: str, detail: str, duration_ms: int
    ) -> None:
        """Write down how it ended."""
        entry = self._entry(step, target, "outcome", run)
        entry |= {"status": status, "detail": detail, "duration_ms": duration_ms}
        with self._store.locked(self.path):
            self._append(self.entries(), entry)

    def entries(self) -> list[Entry]:
        """All lines, oldest first; none where the incident has not begun."""
        try:
            return [json.loads(line) for line in self._store.get(self.path).splitlines()]
        except NotFoundError:
            return []

    def steps(self) -> list[Step]:
        """The lines paired up: the newest run of every step and target, in order of first intent."""
        found: dict[tuple[str, str], Step] = {}
        for entry in self.entries():
            key = (entry["step"], entry["target"])
            if entry["kind"] == "intent":
                first = found.get(key)
                found[key] = {
                    "step": entry["step"],
                    "target": entry["target"],
                    "status": "unknown",
                    "runs": entry["run"],
                    "started": first["started"] if first else entry["at"],
                    "duration_ms": None,
                    "detail": "",
                }
            else:
                found[key]["status"] = entry.get("status", "unknown")
                found[key]["detail"] = entry.get("detail", "")
                found[key]["duration_ms"] = entry.get("duration_ms")
        return list(found.values())

    def _entry(self, step: str, target: str, kind: Literal["intent", "outcome"], run: int) -> Entry:
        return {
            "seq": 0,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "incident_id": self._incident_id,
            "step": step,
            "target": target,
            "kind": kind,
            "run": run,
            "previous": GENESIS,
        }

    def _append(self, entries: list[Entry], entry: Entry) -> None:
        if entries:
            entry |= {"seq": entries[-1]["seq"] + 1, "previous": entries[-1].get("hash", GENESIS)}
        entry["hash"] = digest(canonical(entry))
        self._store.append(self.path, canonical(entry) + b"\n")


def verify_chain(entries: list[Entry]) -> int | None:
    """The number of the first line that was changed, removed or moved; None where all stand."""
    previous = GENESIS
    for number, entry in enumerate(entries):
        unsigned = {key: value for key, value in entry.items() if key != "hash"}
        intact = entry.get("hash") == digest(canonical(unsigned))
        if not intact or entry["previous"] != previous or entry["seq"] != number:
            return number
        previous = entry.get("hash", GENESIS)
    return None
