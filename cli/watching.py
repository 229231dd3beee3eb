"""An incident while it runs: on a terminal as one screen that redraws itself, elsewhere as a line for each news."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console, RenderableType
from rich.live import Live

from cli import showing
from cli.connection import App, Json, incident_path
from cli.errors import UnreachableError
from responders.untrusted import visible

_EVERY_S = 1.0
_SILENCE_S = 120.0  # how long an app that restarts is waited for
# Phases in which nothing goes on until a person does something, or hours have passed.
RESTING = frozenset(
    {"awaiting_consent", "held", "watching", "waiting_out", "awaiting_resume"}
    | {"closed", "refused", "failed", "cancelled"}
)
_NOT_WELL = frozenset({"not_contained", "failed", "refused", "restore_refused"})


@dataclass
class Watch:
    """One incident that is looked at again and again."""

    app: App
    incident_id: str
    console: Console
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _etag: str | None = None
    _shown: Json = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def until(self, phases: frozenset[str] = RESTING) -> Json:
        """Look until it is in one of these phases. Returns the incident as it then stands.

        Raises `UnreachableError` where the app stays silent for two minutes: the incident may go on without being seen.
        """
        if self.console.is_terminal:
            with Live(console=self.console, auto_refresh=False) as live:
                return self._follow(phases, lambda: live.update(self._screen(), refresh=True))
        return self._follow(phases, self._say_news)

    def _follow(self, phases: frozenset[str], show: Callable[[], None]) -> Json:
        heard = self.clock()
        while True:
            try:
                news, self._etag = self.app.changed(incident_path(self.incident_id), self._etag)
                heard = self.clock()
            except UnreachableError:
                if self.clock() - heard > _SILENCE_S:
                    raise
                news = None
            self._shown = news or self._shown
            if self._shown:
                show()
                if self._shown["phase"] in phases:
                    return self._shown
            self.pause(_EVERY_S)

    def _screen(self) -> RenderableType:
        return showing.incident(self._shown)

    def _say_news(self) -> None:
        """Each phase and each step once, as it comes: for logs and pipes."""
        phase = str(self._shown["phase"])
        self._say(f"phase {phase}", f"phase:{phase}:{len(self._shown['steps'])}")
        for step in self._shown["steps"]:
            name = f"{step['step']} {step.get('target') or ''}".strip()
            said = f"{name}: {step['status']} {step.get('detail') or ''}".rstrip()
            self._say(said, f"{name}:{step['status']}:{step.get('started')}")

    def _say(self, text: str, key: str) -> None:
        if key not in self._told:
            self._told.add(key)
            self.console.print(visible(text), soft_wrap=True)


def verdict(shown: Json) -> int:
    """Exit status of an incident at rest: 3 where it is not what was wanted, and a person is needed now."""
    words = {str(shown.get("phase")), str(shown.get("outcome"))}
    return 3 if words & _NOT_WELL or shown.get("phase") == "held" else 0


def next_steps(shown: Json) -> list[str]:
    """What a person does now, as commands."""
    incident_id, phase = shown["incident_id"], shown["phase"]
    asked = shown.get("consent") or {}
    if phase == "awaiting_consent":
        until = asked.get("expires_at", "it expires")
        return [f"firebreak consent {incident_id}    (until {until}; silence is a no)"]
    if shown.get("resumable"):
        anew = (shown.get("resume") or {}).get("asks_anew")
        why = "    (nobody agreed to the plan: this has people asked anew)" if anew else ""
        return [f"firebreak resume {incident_id} --reason '...'{why}"]
    if phase == "held":
        return [
            f"firebreak start --object-id {shown['principal']['object_id']} --mode contain --reason '...'"
        ]
    return []
