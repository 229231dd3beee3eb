"""How an incident reads in a terminal.

Names in it may be an attacker's: no markup and no control character of theirs counts.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.connection import Json
from responders.untrusted import visible

_STEPS = 12  # the latest ones; `firebreak steps` has all
_GOOD = frozenset({"contained", "recovered", "restored", "planned", "done", "nothing_to_do"})
_FATES = {"accepted": "green", "recorded": "", "poisoned": "red"}
_BAD = frozenset({"not_contained", "failed", "refused", "partly_restored", "restore_refused"})


def plain(text: object, style: str = "") -> Text:
    """Somebody's text as text."""
    return Text(visible(str(text)), style=style)


def mood(word: str) -> str:
    """The colour of a status, outcome or phase."""
    if word in _GOOD:
        return "green"
    return "red" if word in _BAD else "yellow"


def incident(shown: Json, *, now: datetime | None = None) -> RenderableType:
    """The whole state of an incident on one screen."""
    parts: list[RenderableType] = [_head(shown, now or datetime.now(UTC)), _steps(shown["steps"])]
    for title, key in (("Remains", "remaining"), ("Undone by somebody", "reversals")):
        if shown.get(key):
            parts.append(lines(title, shown[key]))
    if ordered := shown.get("restore_asked"):
        parts.append(lines("A restore was ordered, and waits for more people", _ordered(ordered)))
    if shown.get("clusters"):
        parts.append(_clusters(shown["clusters"]))
    if shown.get("by_hand"):
        parts.append(lines("By hand", shown["by_hand"]))
    return Group(*parts)


def _ordered(asked: Json) -> list[str]:
    return [
        f"ordered by {asked['so_far']}",
        f"reason: {asked['reason']}",
        f"plan {asked['plan_hash']}, before {asked['expires_at']}; silence is a no",
    ]


def _head(shown: Json, now: datetime) -> Panel:
    principal = shown["principal"]
    grid = Table.grid(padding=(0, 2))
    grid.add_row("Identity", plain(principal["display_name"], "bold"))
    grid.add_row("Client id", plain(principal["app_id"]))
    grid.add_row("Phase", plain(shown["phase"], mood(shown["phase"])))
    if shown.get("outcome"):
        grid.add_row("Outcome", plain(shown["outcome"], f"bold {mood(shown['outcome'])}"))
    grid.add_row("Mode", plain(shown["mode"]))
    for name in ("opened", "disabled", "contained", "recovered"):
        if moment := shown.get(f"{name}_at"):
            grid.add_row(name.capitalize(), plain(moment))
    if until := shown.get("residual_until"):
        grid.add_row("Residual until", plain(f"{until} ({countdown(until, now)})"))
    return Panel(grid, title=plain(shown["incident_id"]), title_align="left")


def countdown(until: str, now: datetime) -> str:
    """How long it is to a moment, in hours and minutes."""
    minutes = int((datetime.fromisoformat(until) - now).total_seconds() // 60)
    return "over" if minutes < 0 else f"{minutes // 60} h {minutes % 60:02} min to go"


def _steps(steps: Sequence[Json]) -> Table:
    hidden = len(steps) - _STEPS
    title = f"Steps (the last {_STEPS} of {len(steps)})" if hidden > 0 else "Steps"
    return steps_table(steps[-_STEPS:], title)


def steps_table(steps: Iterable[Json], title: str = "") -> Table:
    """Steps of the journal as rows."""
    table = Table(title=title or None, title_justify="left", expand=True)
    for name in ("started", "step", "target", "status", "detail"):
        table.add_column(name, overflow="fold")
    for step in steps:
        table.add_row(
            plain(str(step.get("started", ""))[11:19]),
            plain(step["step"]),
            plain(step.get("target") or ""),
            plain(step["status"], mood(step["status"])),
            plain(step.get("detail") or ""),
        )
    return table


def _clusters(clusters: Json) -> Table:
    table = Table(title="Clusters", title_justify="left", expand=True)
    for name in ("cluster", "status", "detail", "next"):
        table.add_column(name, overflow="fold")
    for name, state in clusters.items():
        table.add_row(
            plain(name),
            plain(state["status"], mood(state["status"])),
            plain(state.get("detail") or ""),
            plain(state.get("next") or ""),
        )
    return table


def lines(title: str, texts: Iterable[object]) -> RenderableType:
    """A titled list of sentences or commands."""
    return Group(Text(f"\n{title}", style="bold"), *(plain(f"  {one}") for one in texts))


def listing(found: Sequence[Json]) -> Table:
    """Incidents as rows, the newest first."""
    table = Table(expand=True)
    for name in ("incident", "opened", "identity", "mode", "phase", "outcome"):
        table.add_column(name, overflow="fold")
    for one in found:
        principal = one.get("principal") or {}
        table.add_row(
            plain(one["incident_id"]),
            plain(str(one.get("opened_at", ""))[:19]),
            plain(principal.get("display_name", "")),
            plain(one.get("mode", "")),
            plain(one.get("phase", ""), mood(str(one.get("phase", "")))),
            plain(one.get("outcome") or "", mood(str(one.get("outcome") or ""))),
        )
    return table


def signals_table(found: Sequence[Json]) -> Table:
    """Signals as rows, the newest first."""
    table = Table(expand=True)
    for name in ("received", "signal", "from", "state", "why", "incident"):
        table.add_column(name, overflow="fold")
    for one in found:
        signal, status = one["signal"], str(one["status"])
        table.add_row(
            plain(str(one["received_at"])[:19]),
            plain(signal["title"]),
            plain(f"{signal['source']} {signal['kind']}"),
            plain(status, _FATES.get(status, "yellow")),
            plain(one["why"]),
            plain(one["incident_id"] or ""),
        )
    return table


def console() -> Console:
    """Standard output; without colours where it is no terminal."""
    return Console(highlight=False, markup=False)
