"""What happens by itself some time from now: the second half of an operation that was only accepted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.world import Clock


@dataclass
class Agenda:
    """Acts by their due time, which is the sandbox's: a jump of its clock brings them on as waiting does.

    Nobody sees the world but through an exchange, and each exchange catches up first.
    """

    clock: "Clock"
    _entries: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do this as soon as so many seconds have passed."""
        self._entries.append((self.clock.now() + timedelta(seconds=seconds), act))

    def catch_up(self) -> None:
        """Do everything that is due, the oldest first."""
        now = self.clock.now()
        due = sorted((entry for entry in self._entries if entry[0] <= now), key=lambda it: it[0])
        self._entries = [entry for entry in self._entries if entry[0] > now]
        for _, act in due:
            act()
