"""What became of a signal, as every trigger answers it."""

from dataclasses import dataclass, field

from responders.signal_records import Fate
from triggers.deciding import Depth


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a signal."""

    status: Fate
    why: str
    incident_id: str | None = None
    joined: bool = False
    mode: Depth = "record"
    code: str | None = None  # of a refusal
    run_id: str | None = (
        None  # of a quiet-day playbook that it started or joined, in place of an incident
    )
    candidates: list[str] = field(default_factory=list)
    again: bool = field(default=False, compare=False)  # said before, about the same signal
