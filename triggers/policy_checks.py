"""What a policy.toml that somebody means to deploy would do: is it taken, what does it change, what of signals."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from playbooks import policy as policies
from playbooks.policy import Policy, PolicyError
from responders.model import Authenticated, Confidence, Json, Signal, Source
from triggers.deciding import decide

_SHOWN: tuple[
    Literal["source", "kind", "severity", "confidence", "authenticated", "title"], ...
] = (
    "source",
    "kind",
    "severity",
    "confidence",
    "authenticated",
    "title",
)
_Text = Annotated[str, Field(min_length=1, max_length=200)]


class SampleSignal(BaseModel):
    """A signal as far as rules look at it."""

    model_config = ConfigDict(extra="forbid")

    source: Source
    kind: _Text
    severity: Annotated[str, Field(max_length=200)] = ""
    confidence: Confidence = "medium"
    authenticated: Authenticated = "token"

    def signal(self) -> Signal:
        """One that names nobody: nothing can be started by it."""
        return {
            "source": self.source,
            "kind": self.kind,
            "signal_id": "sample",
            "fired_at": "2000-01-01T00:00:00+00:00",
            "title": "sample",
            "severity": self.severity,
            "confidence": self.confidence,
            "authenticated": self.authenticated,
            "hint": {},
        }


class PolicyText(BaseModel):
    """A policy.toml, and signals to try it on."""

    model_config = ConfigDict(extra="forbid")

    policy: Annotated[str, Field(max_length=200_000)]
    signals: list[SampleSignal] = Field(default=[], max_length=100)


def check(wanted: PolicyText, now: Policy, recent: list[Signal]) -> Json:
    """Nothing of it is kept, and nothing changes.

    It is tried on the signals that were sent with it: all of them are answered. Where none were, on those that came in
    last: of them, those are answered that would fare otherwise.
    """
    none: Json = {"errors": [], "changes": [], "signals": [], "looked_at": 0}
    try:
        then = policies.parse(wanted.policy)
    except PolicyError as problem:
        return {**none, "valid": False, "errors": problem.problems}
    samples = [one.signal() for one in wanted.signals]
    moved = [_moved(one, now, then) for one in samples or recent]
    return {
        "valid": True,
        "errors": [],
        "changes": _changes(now, then),
        "signals": [one for one in moved if samples or one["changes"]],
        "looked_at": len(moved),
    }


def _moved(signal: Signal, now: Policy, then: Policy) -> Json:
    """What becomes of such a signal by each of the two policies."""
    before, after = _decided(signal, now), _decided(signal, then)
    return {
        "signal": {name: signal[name] for name in _SHOWN},
        "now": before,
        "then": after,
        "changes": before != after,
    }


def _decided(signal: Signal, policy: Policy) -> Json:
    decision = decide(signal, policy)
    rule = None if decision.rule_index is None else decision.rule_index + 1
    return {
        "rule": rule,
        "playbook": decision.playbook,
        "mode": decision.mode,
        "capped": decision.capped,
        "why": decision.why,
    }


def _changes(now: Policy, then: Policy) -> list[Json]:
    """Key by key. Rules are one key: their order is what counts."""
    before, after = _flat(now.model_dump(mode="json")), _flat(then.model_dump(mode="json"))
    return [
        {"object": key, "before": _said(before.get(key)), "after": _said(after.get(key))}
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]


def _flat(value: Json, above: str = "") -> Json:
    found: Json = {}
    for name, one in value.items():
        key = f"{above}{name}"
        found |= _flat(one, f"{key}.") if isinstance(one, dict) else {key: one}
    return found


def _said(value: Any) -> str:
    return "none" if value is None else str(value)
