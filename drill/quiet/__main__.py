"""`python -m drill.quiet NAME`: a quiet-day playbook in the sandbox, run as a person runs it, and judged.

Exit status: 0 every fact holds, 1 one does not, 2 it could not be carried out.
"""

import argparse
import asyncio
import importlib
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from drill import sandbox_options, verdict_panel
from drill.options import DrillError
from drill.quiet.day import Day, RunSeen
from drill.results import new_folder
from drill.training_ground import Layout, opened

_SHOWN = 12  # findings and changes on the screen; the report has all
_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow"}
_HERE = Path(__file__).parent


def names() -> list[str]:
    """The plays that there are."""
    own = {"__init__", "__main__", "day"}
    return sorted(one.stem for one in _HERE.glob("*.py") if one.stem not in own)


def main() -> int:
    """Read the command line, play, judge."""
    arguments = _parser().parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    wanted = names() if arguments.playbook == "all" else [arguments.playbook]
    try:
        held = [asyncio.run(_play(name, arguments, console)) for name in wanted]
    except DrillError as error:
        console.print(f"{arguments.playbook} could not be played. {error}", markup=False)
        return 2
    except KeyboardInterrupt:
        console.print("Stopped; sandbox and host are down.")
        return 130
    return 0 if all(held) else 1


async def _play(name: str, arguments: argparse.Namespace, console: Console) -> bool:
    play = importlib.import_module(f"drill.quiet.{name}")
    console.print(Text.assemble(("\n" + name, "bold"), f"  {play.SUMMARY}\n"))
    options = [*play.OPTIONS, *sandbox_options.of(arguments)]
    folder = arguments.folder or new_folder()
    policy = getattr(play, "POLICY", {})
    layout = Layout(folder=folder, host_environment={}, sandbox_options=options, policy=policy)
    async with opened(layout) as ground:
        day = Day(ground, lambda what, seen: _show(console, what, seen))
        await play.play(day)
    (folder / "verdict.json").write_text(json.dumps(day.facts, indent=2) + "\n")
    noun = ""
    console.print("")
    for fact in day.facts:
        for line in verdict_panel.fact_lines(fact, noun):
            console.print(line)
        noun = fact["noun"]
    console.print(verdict_panel.conclusion(day.facts))
    console.print(f"  evidence {folder}/evidence/runs", style="dim")
    return all(one["holds"] for one in day.facts) and bool(day.facts)


def _show(console: Console, what: str, seen: RunSeen) -> None:
    document = seen.document
    console.print(Text.assemble(("  " + what, "bold"), f"  {seen.outcome}: {document['summary']}"))
    rows = Table.grid(padding=(0, 2))
    for one in document["findings"][:_SHOWN]:
        severity = Text(f"    {one['severity']}", _COLOURS.get(one["severity"], "dim"))
        rows.add_row(severity, Text(one["rule"]), Text(one["detail"]))
    for one in document["changes"][:_SHOWN]:
        rows.add_row(
            Text("    change"), Text(one["object"]), Text(f"{one['before']} → {one['after']}")
        )
    hidden = max(len(document["findings"]) - _SHOWN, 0) + max(len(document["changes"]) - _SHOWN, 0)
    if rows.row_count:
        console.print(rows)
    if hidden:
        console.print(f"    … and {hidden} more", style="dim")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drill.quiet", description=__doc__)
    parser.add_argument("playbook", choices=[*names(), "all"])
    parser.add_argument("--folder", type=Path, help="state, logs and evidence")
    sandbox_options.add_to(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
