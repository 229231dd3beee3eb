"""When a playbook should have run last. Pure.

NCRONTAB wants both day and weekday to fit, where cron is content with one of them.
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from datetime import UTC, datetime, timedelta

# A timer that fires late, and a run that is under way, are no reason to worry anybody.
GRACE = timedelta(hours=1)


def due_before(schedule: str, now: datetime) -> datetime | None:
    """The last moment, an hour ago or earlier, at which it was to run; None where it never is."""
    if not schedule:
        return None
    from croniter import (  # type: ignore[import-untyped]  # noqa: PLC0415 - once a day
        CroniterBadDateError,
        croniter,
    )

    begun = (now - GRACE).astimezone(UTC)
    times = croniter(schedule, begun, second_at_beginning=True, day_or=False)
    try:
        found: datetime = times.get_prev(datetime)
    except CroniterBadDateError:  # the 31st of February
        return None
    return found
