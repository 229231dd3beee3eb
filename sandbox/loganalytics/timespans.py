"""The `timespan` of a query: ISO 8601 durations and intervals.

Source      https://learn.microsoft.com/azure/azure-monitor/logs/api/timeranges
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.loganalytics.errors import LogsError, bad_argument

_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>[\d.]+)W)?(?:(?P<days>[\d.]+)D)?"
    r"(?:T(?=.)(?:(?P<hours>[\d.]+)H)?(?:(?P<minutes>[\d.]+)M)?(?:(?P<seconds>[\d.]+)S)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a query looks, both ends included."""

    start: datetime
    end: datetime


def parse(text: str, now: datetime) -> Span:
    """`P1D`, `start/end`, `start/P1D` or `P1D/end`; 400 for anything else."""
    first, slash, second = text.partition("/")
    if not slash:
        return Span(now - _duration(first), now)
    if first.upper().startswith("P"):
        end = _moment(second)
        return Span(end - _duration(first), end)
    start = _moment(first)
    if second.upper().startswith("P"):
        return Span(start, start + _duration(second))
    return Span(start, _moment(second))


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise _invalid(text)
    try:
        return timedelta(**{name: float(value) for name, value in match.groupdict("0").items()})
    except (ValueError, OverflowError):
        raise _invalid(text) from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(text) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _invalid(text: str) -> LogsError:
    return bad_argument({"code": "InvalidTimespan", "message": f"Invalid time range: '{text}'"})
