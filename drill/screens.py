"""Showing a drill: live on a terminal, line by line where there is none, and as a picture afterwards."""

import io
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live

from drill import granted, panels, picture
from drill.options import Json
from drill.plan_panel import plan
from drill.results import Outcome, shown
from drill.scenario_panel import scenarios
from drill.verdict.judgement import Verdict
from drill.verdict_panel import verdict

PICTURE_WIDTH = 104  # columns; wider ones are too small to read in a README


class Screen:
    """Prints as it comes, remembers all of it for the picture."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._shown: list[RenderableType] = []
        self._last: RenderableType | None = None  # the incident as last seen, not yet kept
        self._live: Live | None = None
        self._lines: set[tuple[str, ...]] = set()  # printed where there is no terminal
        self._steps: list[Json] = []  # of the table that changes
        self._kept: set[tuple[str, str]] = set()  # in a table that stays: not shown again

    def begin(self) -> None:
        """Another incident: what looks like the last one's steps is not."""
        self._settle()
        self._lines, self._steps, self._kept = set(), [], set()

    def heading(self, title: str, detail: str) -> None:
        """A new part of the drill begins."""
        self._settle()
        self._print(panels.heading(title, detail))

    def move(self, what: str, outcome: str) -> None:
        """The attacker did something."""
        self._print(panels.move(what, outcome))

    def incident(self, status: Json, seen: Mapping[str, float]) -> None:
        """On a terminal one table that changes, elsewhere one line for each change."""
        self._steps = [each for each in status.get("steps", []) if _key(each) not in self._kept]
        self._last = panels.incident({**status, "steps": self._steps}, seen)
        if not self.console.is_terminal:
            self._print_changes(status)
            return
        if self._live is None:
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(self._last, refresh=True)

    def plan(self, consent: Json) -> None:
        """What a person is asked to agree to."""
        self._settle()
        self._print(panels.heading("Consent", "rosa, responder on call, reads the plan"))
        self._print(plan(consent))

    def verdict(self, found: Verdict) -> None:
        """All facts."""
        self._settle()
        self._print(verdict(found))

    def scenarios(self, verdicts: Mapping[str, Verdict]) -> None:
        """All of them, in a row each."""
        self._print(scenarios(verdicts))

    def found(self, panel: RenderableType) -> None:
        """What else came of it."""
        self._settle()
        self._print(panel)

    def results(self, outcome: Outcome) -> None:
        """Where everything lies."""
        report = next((each for each in outcome.reports if each.suffix == ".md"), outcome.folder)
        self.console.print(f"  verdict  {shown(outcome.folder / 'verdict.json')}")
        self.console.print(f"  report   {shown(report)}")
        self.console.print(f"  traffic  {shown(outcome.folder / 'traffic.jsonl')}")
        self.console.print(f"  rights   {granted.said(outcome.permissions)}")

    def unused(self, permissions: Json) -> None:
        """What none of several drills used, in a line each."""
        self.console.print(f"  {granted.said(permissions)}")
        for one in granted.unused(permissions):
            self.console.print(f"    {one}")

    def close(self) -> None:
        """Leave the terminal as it was, whatever happened."""
        self._settle()

    def save_picture(self, path: Path) -> None:
        """The whole drill, as a terminal of fixed width would have shown it, as SVG."""
        console = Console(
            record=True,
            width=PICTURE_WIDTH,
            file=io.StringIO(),
            force_terminal=True,
            highlight=False,
        )
        for each in self._shown:
            console.print(each)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(picture.svg(console, "make drill"))

    def _settle(self) -> None:
        """The table that changed stays on the screen as it is now."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._last is not None:
            self._shown.append(self._last)
            if self.console.is_terminal:
                self.console.print(self._last)
            self._last = None
            self._kept |= {_key(each) for each in self._steps if each["status"] != "unknown"}

    def _print(self, renderable: RenderableType) -> None:
        self._shown.append(renderable)
        self.console.print(renderable)

    def _print_changes(self, status: Json) -> None:
        phase = str(status["phase"])
        self._print_once(("phase", phase), f"phase {phase}")
        for step in status.get("steps", []):
            if step["status"] != "unknown":
                name, target, ended = str(step["step"]), str(step["target"]), str(step["status"])
                line = f"  {name} {panels.place(step)}".rstrip()
                line += f": {ended}, {panels.duration(step)}"
                self._print_once((name, target, ended), line)

    def _print_once(self, key: tuple[str, ...], line: str) -> None:
        if key not in self._lines:
            self._lines.add(key)
            self.console.print(line, highlight=False)


def _key(step: Json) -> tuple[str, str]:
    return str(step["step"]), str(step.get("target"))
