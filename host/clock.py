"""The host's present: the machine's, plus what `--clock-ahead` says. A drill lets hours pass at once that way."""

from datetime import UTC, datetime, timedelta


class Clock:
    """One for the whole process: timers, history and schedules have the same present."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def set_ahead(self, seconds: float) -> None:
        """Before anything was asked for the time."""
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC) + self._ahead


CLOCK = Clock()
