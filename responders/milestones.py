"""Responder: how fast incidents went and which steps failed, as names in the evidence store that a list of them reads.

Stops    nothing
Leaves   a small file for each milestone of an incident, for each step of it that failed, and one when all is said
Undo     none needed
Needs    the evidence store
Source   https://prometheus.io/docs/concepts/metric_types/#counter (totals that outlive a process)

The app has several instances or none: what a process counts is gone with it, and two processes count twice. So each
fact is one file that is written once, whoever finds it first, and every instance reads the same total.
"""

from typing import NamedTuple

from responders.evidence import EvidenceStore

DISABLED, CONTAINED, RECOVERED = "disabled", "contained", "recovered"
_REACHED, _FAILED, _SAID = "index/milestones", "index/step-failures", "index/measured"
_BETWEEN = "~"
_EMPTY = b"{}\n"


class Reached(NamedTuple):
    """An incident got that far, so long after it was opened."""

    about: str  # incident
    milestone: str
    seconds: float


class Failed(NamedTuple):
    """A step of an incident or of a run that did not end well, so many times with different targets."""

    about: str
    step: str
    times: int


def reached(store: EvidenceStore, one: Reached) -> None:
    """Note a milestone. Safe to repeat."""
    name = _BETWEEN.join((one.about, one.milestone, f"{one.seconds:.0f}"))
    store.put(f"{_REACHED}/{name}.json", _EMPTY)


def failed(store: EvidenceStore, one: Failed) -> None:
    """Note that a step failed. Safe to repeat; once about each incident or run, when it is over."""
    name = _BETWEEN.join((one.about, one.step, str(one.times)))
    store.put(f"{_FAILED}/{name}.json", _EMPTY)


def say_all(store: EvidenceStore, about: str) -> None:
    """Note that nothing more is to be said about it."""
    store.put(f"{_SAID}/{about}.json", _EMPTY)


def all_said(store: EvidenceStore) -> set[str]:
    """What has been measured to its end."""
    return {path.rpartition("/")[2].removesuffix(".json") for path in store.list(_SAID)}


def all_reached(store: EvidenceStore) -> list[Reached]:
    """Each milestone of each incident once: the first moment counts where two were noted."""
    found: dict[tuple[str, str], Reached] = {}
    for parts in _names(store, _REACHED):
        one = Reached(parts[0], parts[1], float(parts[2]))
        known = found.get(one[:2])
        if known is None or one.seconds < known.seconds:
            found[one[:2]] = one
    return list(found.values())


def all_failed(store: EvidenceStore) -> list[Failed]:
    """Every step that failed."""
    return [Failed(parts[0], parts[1], int(parts[2])) for parts in _names(store, _FAILED)]


def _names(store: EvidenceStore, folder: str) -> list[list[str]]:
    paths = store.list(folder)
    return [path.rpartition("/")[2].removesuffix(".json").split(_BETWEEN) for path in paths]
