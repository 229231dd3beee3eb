"""What was seen while a world was played, as plain data: all that the oracle looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fuzz.loot import Deed
from fuzz.plants import Target
from fuzz.worlds import Json, World


@dataclass(frozen=True)
class Claim:
    """The moment in which the product's proof of containment held, and the state behind it."""

    at: datetime
    state: Json
    remaining: Sequence[str]


@dataclass(frozen=True)
class Reported:
    """A report as it was written, and what was so at that moment."""

    at: datetime
    state: Json
    working: Mapping[str, bool]  # workload -> reads its data
    report: Json

    @property
    def outcome(self) -> str:
        """What it says."""
        return str(self.report["outcome"])


@dataclass(frozen=True)
class Finding:
    """Something that may not be."""

    rule: str
    what: str
    weight: str = "wrong"  # "weak": a claim that is less than what is true

    def __str__(self) -> str:
        """As a person reads it."""
        return f"[{self.weight}] {self.rule}: {self.what}"


@dataclass(frozen=True, kw_only=True)
class Played:
    """The whole of it."""

    world: World
    victim: Target
    resource_id: str  # of a managed identity or the machine of a system-assigned one
    before: Json
    after_attack: Json
    after: Json
    claims: Sequence[Claim]
    deeds: Sequence[Deed]
    status: Json
    reports: Sequence[Reported]
    normal: Json  # the state after the attack, in the sandbox's normal form
    normal_after: Json
    answers: Sequence[tuple[str, Json]]
    outputs: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    able: Mapping[str, bool]  # workload -> could read before the attack
    working: Mapping[str, bool]  # workload -> can read at the end
    plans: Sequence[Json]  # each that somebody agreed to
    successors: Sequence[Target]
    resumed: bool
    restored: Json  # the plan of the restore; empty: nobody took it back
    restored_at: datetime | None  # when that was said
    half: Json  # the status when it waited for the first time, before anything was mended
    tried: int  # moves of the attacker
    most_alike: tuple[str, int]  # the call that the product made most often, and how often

    @property
    def outcome(self) -> str:
        """How the incident says that it ended."""
        return str(self.status.get("outcome"))

    @property
    def plan(self) -> Json:
        """The one that counted at last; empty where nobody was asked."""
        return self.plans[-1] if self.plans else {}

    @property
    def rotates_keys(self) -> bool:
        """Whether somebody agreed to rotate a cluster's signing keys, which nothing takes back."""
        return any(
            (one.get("refederation") or {}).get("method") == "rotate_keys" for one in self.plans
        )

    def planted_after(self, moment: datetime) -> list[Deed]:
        """What the attacker left behind since."""
        return [one for one in self.deeds if one.move == "plant" and one.at >= moment]
