"""Cron schedules: five fields, and the macros that stand for some.

Faithful    lists, ranges, steps, names of months and days; day of month and day of week are either-or when both are set
Left out    seconds, `TZ=` in the schedule (the API server refuses it too), time zones: all times are UTC
Source      https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
"""

from datetime import datetime, timedelta

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_NAMES: tuple[dict[str, int], ...] = ({}, {}, {}, {name: at + 1 for at, name in enumerate(_MONTHS)},
          {name: at for at, name in enumerate(_DAYS)})  # fmt: skip
# The 29th of February on a Sunday comes every 28 years; a schedule that never comes is not looked for longer.
_HORIZON = timedelta(days=366 * 29)


def problem(schedule: str) -> str:
    """What is wrong with this schedule, "" where nothing is."""
    try:
        _parsed(schedule)
    except ValueError as wrong:
        return str(wrong)
    return ""


def next_after(schedule: str, moment: datetime) -> datetime | None:
    """The first minute after this moment that the schedule names; None where there is none."""
    minutes, hours, days, months, weekdays = _parsed(schedule)
    fields = _MACROS.get(schedule, schedule).split()
    either = fields[2] != "*" and fields[4] != "*"
    at = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    end = moment + _HORIZON
    while at < end:
        fits_day, fits_weekday = at.day in days, at.isoweekday() % 7 in weekdays
        is_day = (fits_day or fits_weekday) if either else (fits_day and fits_weekday)
        if at.month not in months or not is_day:
            at = at.replace(hour=0, minute=0) + timedelta(days=1)
        elif at.hour not in hours:
            at = at.replace(minute=0) + timedelta(hours=1)
        elif at.minute not in minutes:
            at += timedelta(minutes=1)
        else:
            return at
    return None


def _parsed(schedule: str) -> list[set[int]]:
    fields = _MACROS.get(schedule, schedule).split()
    if len(fields) != len(_BOUNDS):
        raise ValueError(f"Expected exactly 5 fields, found {len(fields)}: {schedule}")
    return [_field(text, number) for number, text in enumerate(fields)]


def _field(text: str, number: int) -> set[int]:
    low, high = _BOUNDS[number]
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span in ("*", "?"):
            start, end = low, high
        else:
            start = _number(first, number)
            end = _number(last, number) if dash else (high if step else start)
        every = _number(step, -1) if step else 1
        if not low <= start <= end <= high or every < 1:
            raise ValueError(f"{part} is outside of {low}-{high}")
        found |= set(range(start, end + 1, every))
    return {each % 7 for each in found} if number == len(_BOUNDS) - 1 else found


def _number(text: str, field: int) -> int:
    names = _NAMES[field] if field >= 0 else {}
    if text.lower() in names:
        return int(names[text.lower()])
    if not text.isdigit():
        raise ValueError(f"Failed to parse int from {text}")
    return int(text)
