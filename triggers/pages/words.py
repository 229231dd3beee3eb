"""Phases, outcomes and steps as a person reads them at night: a few words, and how bad it is."""

from typing import Literal, NamedTuple

Tone = Literal["good", "bad", "asking", "running", "quiet"]


class Said(NamedTuple):
    """Words and their tone."""

    text: str
    tone: Tone


_PHASES: dict[str, Said] = {
    "accepted": Said("Accepted", "running"),
    "guarding": Said("Checking guards", "running"),
    "planning": Said("Planning, touching nothing", "running"),
    "containing": Said("Containing", "running"),
    "held": Said("Held: a person is needed", "bad"),
    "verifying_containment": Said("Verifying containment", "running"),
    "collecting_evidence": Said("Collecting evidence", "running"),
    "awaiting_consent": Said("Waiting for consent", "asking"),
    "surveying_again": Said("Surveying again", "running"),
    "preflight": Said("Pre-flight checks", "running"),
    "evicting": Said("Evicting the old identity", "running"),
    "rebuilding": Said("Rebuilding", "running"),
    "rewiring": Said("Rewiring workloads", "running"),
    "rotating_keys": Said("Rotating signing keys", "running"),
    "waiting_out": Said("Waiting for stolen tokens to expire", "running"),
    "rechecking": Said("Checking again", "running"),
    "reporting": Said("Writing the report", "running"),
    "watching": Said("Watching", "good"),
    "restoring": Said("Restoring", "running"),
    "awaiting_resume": Said("Waiting to be resumed", "asking"),
    "cancelling": Said("Ending, as a person asked", "running"),
    "closed": Said("Closed", "quiet"),
    "refused": Said("Refused: nothing was touched", "asking"),
    "failed": Said("Failed: a person is needed", "bad"),
}
_OUTCOMES: dict[str, Said] = {
    "refused": Said("Refused", "asking"),
    "planned": Said("Planned", "quiet"),
    "contained": Said("Contained", "good"),
    "partly_contained": Said("Partly contained", "asking"),
    "not_contained": Said("Not contained", "bad"),
    "recovered": Said("Recovered", "good"),
    "partly_recovered": Said("Partly recovered", "asking"),
    "restored": Said("Restored", "good"),
    "partly_restored": Said("Partly restored", "asking"),
    "restore_refused": Said("Restore refused", "asking"),
    "cancelled": Said("Cancelled", "quiet"),
    "failed": Said("Failed", "bad"),
}
_STATUSES: dict[str, Said] = {
    "done": Said("done", "good"),
    "nothing_to_do": Said("nothing to do", "quiet"),
    "planned": Said("planned", "quiet"),
    "refused": Said("refused", "asking"),
    "failed": Said("failed", "bad"),
    "unknown": Said("running", "running"),
    "waiting": Said("waiting", "running"),
    "by_hand": Said("by hand", "asking"),
    "unproven": Said("unproven", "asking"),
    "reverted": Said("reverted", "bad"),
}
_FATES: dict[str, Said] = {
    "received": Said("received", "running"),
    "queued": Said("queued", "running"),
    "waiting": Said("waits for its entities", "running"),
    "accepted": Said("accepted", "good"),
    "recorded": Said("recorded, does nothing", "quiet"),
    "refused": Said("refused", "asking"),
    "poisoned": Said("given up: a person is needed", "bad"),
}
_RUNS: dict[str, Said] = {
    "done": Said("Done", "good"),
    "nothing_to_do": Said("Nothing to do", "good"),
    "partly": Said("Partly: look at what is missing", "asking"),
    "refused": Said("Refused", "asking"),
    "failed": Said("Failed", "bad"),
}
_SEVERITIES: dict[str, Tone] = {"critical": "bad", "high": "bad", "medium": "asking"}
# Which way an incident goes, by its mode, and which phases are which part of it.
_PARTS = {
    "Guard": ("accepted", "guarding"),
    "Plan": ("planning",),
    "Contain": ("containing", "held"),
    "Verify": ("verifying_containment",),
    "Evidence": ("collecting_evidence",),
    "Consent": ("awaiting_consent", "surveying_again"),
    "Rebuild": (
        *("preflight", "evicting", "rebuilding", "rewiring"),
        *("rotating_keys", "waiting_out", "rechecking"),
    ),
    "Report": ("reporting",),
    "Watch": ("watching", "awaiting_resume", "restoring", "cancelling"),
    "Closed": ("closed", "refused", "failed"),
}
_LEFT_OUT = {
    "plan": {"Contain", "Verify", "Evidence", "Consent", "Rebuild", "Watch"},
    "contain": {"Plan", "Consent", "Rebuild"},
    "respond": {"Plan"},
}
OVER = frozenset(_PARTS["Closed"])
PHASES, OUTCOMES, FATES = tuple(_PHASES), tuple(_OUTCOMES), tuple(_FATES)
SOURCES = (
    *("azure-monitor", "event-grid", "alertmanager", "sentinel", "defender"),
    *("responder", "firebreak"),
)


def phase(name: str) -> Said:
    """A phase; one that this version doesn't know is shown by its name."""
    return _PHASES.get(name) or Said(step(name), "running")


def outcome(name: str | None) -> Said:
    """An outcome."""
    return _OUTCOMES.get(name or "") or Said(step(name or "open"), "quiet")


def status(name: str) -> Said:
    """How a step or a cluster stands."""
    return _STATUSES.get(name) or Said(step(name), "quiet")


def run_state(name: str) -> Said:
    """How a run of a quiet-day playbook stands: its status once it has ended, its phase before."""
    return _RUNS.get(name) or Said(step(name), "running")


def severity(name: str) -> Said:
    """How grave a finding is."""
    return Said(name, _SEVERITIES.get(name, "quiet"))


def fate(name: str) -> Said:
    """What became of a signal."""
    return _FATES.get(name) or Said(step(name), "quiet")


def step(name: str) -> str:
    """`remove_role_assignments` as words."""
    return name.replace("_", " ").capitalize()


def way(mode: str, now: str) -> list[tuple[str, str]]:
    """The parts of the way and where the incident is on it: each is done, now or ahead."""
    parts = [one for one in _PARTS if one not in _LEFT_OUT.get(mode, set())]
    at = next((part for part in parts if now in _PARTS[part]), parts[0])
    here = parts.index(at)
    return [
        (part, "now" if number == here else "done" if number < here else "ahead")
        for number, part in enumerate(parts)
    ]
