"""What can be chosen about a drill."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent


class DrillError(Exception):
    """The drill could not be carried out: says why, and where to look. Not the same as a red verdict."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The defaults are `make drill`; the last six are for tests that make things go wrong."""

    folder: Path | None = None  # default: .drill/<time of day>, with .drill/latest pointing at it
    interactive: bool = False  # ask at the keyboard before consenting
    timeout_s: float = 300  # from the alert to the last word of the incident
    keep: bool = False  # leave sandbox and host up until Ctrl-C
    picture: Path | None = None  # where the terminal goes as SVG
    sandbox_options: Sequence[str] = ()  # of `python -m sandbox`
    trigger: str = "azure-monitor"  # who sends the signal: one of `drill.sending.TRIGGERS`
    app: Path = ROOT  # the folder with function_app.py
    host_module: str = "host"  # what runs it
    host_environment: Mapping[str, str] = field(default_factory=dict)
    planted: Callable[[Json], Json] | None = None  # sandbox.json -> what was there all along
    faults: Sequence[Json] = ()  # put into force between the attack and the alert
    latency: Mapping[str, float] = field(default_factory=dict)  # service -> milliseconds
