"""Several scenarios on one screen: which held, how long it took, and what did not hold."""

from collections.abc import Mapping

from rich.table import Table

from drill.verdict.judgement import Verdict

_SHOWN = 3  # red facts of a scenario; the rest is in its verdict.json


def scenarios(verdicts: Mapping[str, Verdict]) -> Table:
    """One row a scenario."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("", "scenario", "facts", "disabled", "contained", "not so"):
        table.add_column(name, no_wrap=name != "not so")
    for name, verdict in verdicts.items():
        red = [fact["fact"] for fact in verdict["facts"] if not fact["holds"]]
        held, times = len(verdict["facts"]) - len(red), verdict["times"]
        more = [f"and {len(red) - _SHOWN} more"] if len(red) > _SHOWN else []
        table.add_row(
            "[green]✓[/]" if verdict["passed"] else "[bold red]✗[/]",
            name,
            f"{held}/{len(verdict['facts'])}",
            _seconds(times["disabled_s"]),
            _seconds(times["contained_s"]),
            "; ".join([*red[:_SHOWN], *more]),
        )
    return table


def _seconds(measured: float | None) -> str:
    """A managed identity can't be disabled; that is no failure."""
    return "-" if measured is None else f"{measured:.1f} s"
