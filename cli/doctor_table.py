"""How a check of the deployment reads: a table, then what to do, each command on a line that can be copied."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import showing
from cli.connection import Json

_MARKS = {
    "ok": ("✓", "green"),
    "note": ("·", "cyan"),
    "failed": ("✗", "red"),
    "unknown": ("?", "yellow"),
}
_TO_DO = frozenset({"failed", "unknown"})


def show(rows: Sequence[Json], console: Console) -> None:
    """The grave ones first among what is to be done."""
    todo = sorted(
        (one for one in rows if one["fix"] and one["status"] != "ok"),
        key=lambda one: (not one["grave"], one["status"] not in _TO_DO),
    )
    numbers = {id(one): number for number, one in enumerate(todo, start=1)}
    console.print(_table(rows, numbers))
    if todo:
        console.print(Text("\nWhat to do", style="bold"))
    for number, one in enumerate(todo, start=1):
        colour = _MARKS[one["status"]][1]
        console.print(showing.plain(f"{number:>3}  {_named(one)}", colour), soft_wrap=True)
        # A line that is broken to fit a screen is no command any more.
        console.print(showing.plain(f"     {one['fix']}"), soft_wrap=True)
    console.print()
    console.print(_verdict(rows))


def _table(rows: Sequence[Json], numbers: dict[int, int]) -> Table:
    table = Table(expand=True)
    table.add_column("", width=1)
    table.add_column("check", overflow="fold", ratio=1)
    table.add_column("about", overflow="fold", ratio=1)
    table.add_column("found", overflow="fold", ratio=3)
    table.add_column("fix", justify="right", width=3)
    for one in rows:
        mark, colour = _MARKS[one["status"]]
        colour = f"bold {colour}" if one["grave"] else colour
        number = numbers.get(id(one))
        table.add_row(
            Text(mark, style=colour),
            showing.plain(one["name"], colour),
            showing.plain(one["about"]),
            showing.plain(one["detail"]),
            showing.plain(number or ""),
        )
    return table


def _named(one: Json) -> str:
    about = f", {one['about']}" if one["about"] else ""
    return f"{one['name']}{about}{': grave' if one['grave'] else ''}"


def _verdict(rows: Sequence[Json]) -> Text:
    failed = [one for one in rows if one["status"] == "failed"]
    unknown = [one for one in rows if one["status"] == "unknown"]
    grave = sum(1 for one in failed if one["grave"])
    if not failed and not unknown:
        return showing.plain(f"Nothing is wrong: {len(rows)} rows.", "bold green")
    parts = [f"{len(failed)} wrong{f', {grave} of them grave' if grave else ''}"] if failed else []
    parts += [f"{len(unknown)} could not be asked"] if unknown else []
    well = len(rows) - len(failed) - len(unknown)
    return showing.plain(
        f"{'; '.join(parts)}; {well} well.", "bold red" if failed else "bold yellow"
    )
