"""NCRONTAB: cron with seconds in front, as timer triggers write it.

`{second} {minute} {hour} {day} {month} {day-of-week}`, in UTC; five fields mean second 0. Day and day-of-week must
both fit (crontab(5) takes either; NCrontab doesn't).
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_YEARS_AHEAD = 8  # further than any 29 February


class ScheduleError(ValueError):
    """The expression isn't NCRONTAB."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The values that each field allows."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday

    def after(self, moment: datetime) -> datetime:
        """The first occurrence later than `moment`, in UTC."""
        start = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        day = start.replace(hour=0, minute=0, second=0)
        for _ in range(366 * _YEARS_AHEAD):
            if self._allows(day) and (found := self._within(day, max(start, day))):
                return found
            day += timedelta(days=1)
        raise ScheduleError("the schedule never occurs")

    def _allows(self, day: datetime) -> bool:
        return (
            day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 in self.weekdays
        )

    def _within(self, day: datetime, earliest: datetime) -> datetime | None:
        for hour in sorted(self.hours):
            if hour < earliest.hour and earliest.date() == day.date():
                continue
            for minute in sorted(self.minutes):
                for second in sorted(self.seconds):
                    found = day.replace(hour=hour, minute=minute, second=second)
                    if found >= earliest:
                        return found
        return None


def parse(expression: str) -> Schedule:
    """Read an expression. Raises `ScheduleError`, naming the field, where it is wrong."""
    fields = expression.split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise ScheduleError(f"{expression!r} has {len(fields)} fields, not 6 (or 5)")
    return Schedule(
        seconds=_field(fields[0], 0, 59),
        minutes=_field(fields[1], 0, 59),
        hours=_field(fields[2], 0, 23),
        days=_field(fields[3], 1, 31),
        months=_field(fields[4], 1, 12, _MONTHS, 1),
        weekdays=_field(fields[5], 0, 6, _DAYS, 0),
    )


def _field(
    text: str, low: int, high: int, names: list[str] | None = None, first: int = 0
) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?", part)
        if match is None:
            raise ScheduleError(f"{part!r} isn't understood")
        step = int(match[3] or 1)
        if match[1] == "*":
            begin, end = low, high
        else:
            begin = _number(match[1], names, first)
            end = _number(match[2], names, first) if match[2] else (high if match[3] else begin)
        if not (low <= begin <= end <= high and step > 0):
            raise ScheduleError(f"{part!r} isn't within {low}-{high}")
        values.update(range(begin, end + 1, step))
    return frozenset(values)


def _number(text: str, names: list[str] | None, first: int) -> int:
    if text.isdecimal():
        return int(text)
    if names and text[:3].lower() in names:
        return names.index(text[:3].lower()) + first
    raise ScheduleError(f"{text!r} isn't a number{' or a name' if names else ''}")
