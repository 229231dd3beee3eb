"""Ends the host with SIGKILL at a chosen point, so that a test can prove that nothing is lost there."""

import os
import re
import signal
from dataclasses import dataclass

from host import log
from host.errors import ConfigurationError

POINTS = ("before", "ran", "after")


@dataclass(frozen=True, slots=True)
class CrashAt:
    """`before:3`: before the third activity runs; `ran:3`: it ran, nothing is persisted; `after:3`: its end is.

    Activities count since the start of the history file, over restarts. `ran:3+` is the third or any
    later one: side by side, the third may long be done when the host comes back.
    """

    point: str = ""
    number: int = 0
    or_later: bool = False

    def reached(self, point: str, number: int) -> None:
        """Die, if this is the place."""
        here = number >= self.number if self.or_later else number == self.number
        if point == self.point and here:
            log.warning("crashing on request", at=f"{point}:{number}")
            os.kill(os.getpid(), signal.SIGKILL)


def parse(text: str) -> CrashAt:
    """Read `--crash-at`."""
    match = re.fullmatch(r"(before|ran|after):([1-9]\d*)(\+?)", text)
    if not match:
        raise ConfigurationError(
            f"--crash-at {text!r}: use before:N, ran:N or after:N, or N+, N from 1"
        )
    return CrashAt(match[1], int(match[2]), or_later=bool(match[3]))
