"""What must hold of each report at the moment when it was written: its claims are what the sandbox's state says."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from fuzz.played import Finding, Played, Reported
from fuzz.states import leftovers, standing_id

_CONTAINED = {"contained", "partly_contained", "recovered", "partly_recovered"}


def _claims(played: Played) -> Iterator[Finding]:
    """Contained is contained, what remains is named, and a cluster has one state."""
    for one in played.reports:
        victim = played.victim
        object_id = standing_id(one.state, victim.object_id, victim.client_id)
        left = leftovers(one.state, object_id, victim.application_id, victim.resource_id)
        if one.outcome not in _CONTAINED or _is_disturbed(played, one):
            continue
        for noun, ids in left.must.items():
            if ids:
                yield Finding("the report is true", f"{one.outcome}, {noun}: {', '.join(ids)}")
        text = " ".join(one.report["remaining"]).lower()
        for noun, ids in left.may.items():
            unnamed = [each for each in ids if each.lower() not in text]
            if unnamed:
                what = f"{one.outcome}, not named: {noun} {', '.join(unnamed)}"
                yield Finding("the report names what remains", what)


def _is_disturbed(played: Played, one: Reported) -> bool:
    """Whether something was planted since the last proof before it, which only the next one can notice."""
    last = max((claim.at for claim in played.claims if claim.at <= one.at), default=one.at)
    return any(deed.at <= one.at for deed in played.planted_after(last))


def _changes(played: Played) -> Iterator[Finding]:
    """What a report says was taken away from the identity is not there."""
    for one in played.reports:
        if one.outcome not in _CONTAINED or _is_disturbed(played, one):
            continue
        there = {each["id"] for each in one.state["roleAssignments"]}
        there |= {each["id"] for each in one.state["appRoleAssignments"]}
        for change in one.report["changes"]:
            gone = change.get("after") is None and str(change.get("id", "")) in there
            if gone:
                yield Finding("what was taken away is gone", json.dumps(change)[:200])


def _last_word(played: Played) -> Iterator[Finding]:
    """Who reads the newest report reads what the status says, unless something happened after it."""
    if not played.reports or played.restored_at is not None:
        return
    last = played.reports[-1]
    later = {"not_contained", "partly_recovered", "partly_contained"}
    for name in ("outcome", "clusters"):
        told, said = played.status.get(name), last.report[name]
        if not says_the_same(told, said) and not (name == "outcome" and told in later):
            yield Finding("report and status agree", f"{name}: {said} and {told}"[:300])


def says_the_same(told: Any, said: Any) -> bool:
    """Whether a status is what the report says, or as much of it as fits: a text that is cut ends in "…"."""
    if isinstance(told, dict) and isinstance(said, dict):
        return told.keys() == said.keys() and all(
            says_the_same(told[one], said[one]) for one in told
        )
    if isinstance(told, str) and isinstance(said, str) and told.endswith("…"):
        return said.startswith(told[:-1])
    return bool(told == said)


RULES: tuple[Callable[[Played], Iterator[Finding]], ...] = (_claims, _changes, _last_word)
