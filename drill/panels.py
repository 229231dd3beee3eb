"""What a drill looks like: pure functions from data to things that rich can draw."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from drill.options import Json

PHASES = {
    "accepted": "accepted",
    "guarding": "is it safe to act?",
    "containing": "cutting it off",
    "verifying_containment": "proving that it is cut off",
    "collecting_evidence": "collecting evidence",
    "awaiting_consent": "waiting for a person",
    "preflight": "asking every cluster",
    "evicting": "stopping what runs with it",
    "surveying_again": "asking untouched clusters again",
    "waiting_out": "waiting until stolen tokens have expired",
    "rotating_keys": "new signing keys for the clusters, twice",
    "rebuilding": "building a new identity",
    "rewiring": "moving the workloads, cluster by cluster",
    "rechecking": "looking at them again",
    "reporting": "writing the report",
    "watching": "watching until the last token has expired",
    "awaiting_resume": "waiting for a person to have it go on",
    "closed": "closed",
    "refused": "refused",
    "failed": "failed",
}
_STYLES = {
    "done": "green",
    "nothing_to_do": "green",
    "planned": "cyan",
    "refused": "yellow",
    "failed": "red",
    "unknown": "cyan",
}
_MARKS = {
    "done": "✓",
    "nothing_to_do": "✓",
    "planned": "·",
    "refused": "!",
    "failed": "✗",
    "unknown": "…",
}
_GRAVITY = ("nothing_to_do", "done", "planned", "unknown", "refused", "failed")


def heading(title: str, detail: str) -> RenderableType:
    """The beginning of a part."""
    text = Text.assemble((f" {title} ", "bold"), (f" {detail} ", "dim"))
    return Group(Text(""), Rule(text, align="left", style="blue", characters="─"))


def move(what: str, outcome: str) -> RenderableType:
    """One thing that the attacker did."""
    text = Text.assemble(("  ✗ ", "red"), f"{what:<42}", (outcome, "dim"), overflow="ellipsis")
    text.no_wrap = True
    return text


def incident(status: Json, seen: Mapping[str, float]) -> RenderableType:
    """Phase, and one line for each step; `seen` are milestones, in seconds after the alert."""
    table = Table.grid(padding=(0, 2))
    table.add_column(width=3, justify="right")
    table.add_column(min_width=36)
    table.add_column(min_width=25)
    table.add_column(justify="right", min_width=9)
    grouped: dict[str, list[Json]] = {}
    for step in status.get("steps", []):
        grouped.setdefault(str(step["step"]), []).append(step)
    for name, steps in grouped.items():
        table.add_row(*_steps(name, steps))
    return Group(_phase(status, seen), table)


def _phase(status: Json, seen: Mapping[str, float]) -> Text:
    phase = str(status.get("phase", "accepted"))
    text = Text.assemble(("  ▸ ", "blue"), (PHASES.get(phase, phase), "bold"))
    for milestone, seconds in seen.items():
        text.append(f"   {milestone} {seconds:.1f} s", style="green")
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _steps(name: str, steps: Sequence[Json]) -> tuple[Text, str, Text, str]:
    """The same step in several places is one line: the worst outcome, the longest duration."""
    worst = max(steps, key=lambda step: _GRAVITY.index(_known(step)))
    slowest = max(steps, key=lambda step: step.get("duration_ms") or 0)
    places = " ".join(filter(None, (place(step) for step in steps)))
    mark = Text(_MARKS[_known(worst)], _STYLES[_known(worst)])
    spent = "" if _known(worst) == "unknown" else duration(slowest)
    return mark, name.replace("_", " "), Text(places, "dim"), spent


def _known(step: Json) -> str:
    status = str(step["status"])
    return status if status in _GRAVITY else "unknown"


def place(step: Json) -> str:
    """Where a step acted, for people: the principal's GUID is the same everywhere and tells nothing."""
    target = str(step.get("target") or "")
    is_guid = len(target) == 36 and target.count("-") == 4
    return "" if is_guid else target


def duration(step: Json) -> str:
    """How long a step took; nothing while it runs."""
    spent = step.get("duration_ms")
    return "" if spent is None else f"{spent} ms" if spent < 10_000 else f"{spent / 1000:.1f} s"
