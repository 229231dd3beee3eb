"""Scheduled work in the store: activities and durable timers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from host.durable import history, inbox
from host.durable.store import Store


@dataclass(frozen=True, slots=True)
class ActivityRun:
    """An activity that is scheduled and not known to have ended."""

    number: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str | None
    trace_id: str


@dataclass(frozen=True, slots=True)
class Timer:
    """A durable timer that hasn't fired."""

    instance_id: str
    execution_id: str
    task_id: int
    fire_at: str


_RUN = ", ".join(ActivityRun.__dataclass_fields__)


def schedule_activity(store: Store, run: ActivityRun, moment: datetime) -> ActivityRun:
    """Write down that an activity is to run; its number is the count over the file's whole life."""
    cursor = store.run(
        "INSERT INTO activities (instance_id, execution_id, task_id, name, input, trace_id, state, "
        "scheduled_at) VALUES (?, ?, ?, ?, ?, ?, 'scheduled', ?)",
        run.instance_id,
        run.execution_id,
        run.task_id,
        run.name,
        run.input,
        run.trace_id,
        history.timestamp(moment),
    )
    return ActivityRun(cursor.lastrowid or 0, *_fields(run)[1:])


def scheduled_activities(store: Store) -> list[ActivityRun]:
    """What has to run (again) after a restart, oldest first."""
    rows = store.run(
        f"SELECT {_RUN} FROM activities WHERE state = 'scheduled' ORDER BY number"  # noqa: S608
    )
    return [ActivityRun(*row) for row in rows]


def end_activity(store: Store, run: ActivityRun, event: dict[str, Any], moment: datetime) -> bool:
    """Write down how an activity ended and tell its instance; False where that has moved on."""
    failed = event["EventType"] == history.TASK_FAILED
    changed = store.run(
        "UPDATE activities SET state = ?, ended_at = ?, input = NULL "
        "WHERE number = ? AND state = 'scheduled'",
        "failed" if failed else "completed",
        history.timestamp(moment),
        run.number,
    ).rowcount
    instance = store.instance(run.instance_id)
    current = (
        changed == 1
        and instance is not None
        and instance.execution_id == run.execution_id
        and not instance.is_finished
    )
    if current:
        inbox.post(store, run.instance_id, event)
    return current


def drop_activities(store: Store, instance_id: str) -> None:
    """A terminated instance's activities that haven't begun don't begin any more."""
    store.run("DELETE FROM activities WHERE instance_id = ? AND state = 'scheduled'", instance_id)


def add_timer(store: Store, timer: Timer) -> None:
    """Write down a timer that will fire."""
    store.run("INSERT INTO timers VALUES (?, ?, ?, ?)", *_fields(timer))


def timers(store: Store) -> list[Timer]:
    """The timers to arm after a restart."""
    return [Timer(*row) for row in store.run("SELECT * FROM timers")]


def fire_timer(store: Store, timer: Timer) -> bool:
    """Tell the instance that its timer is due; False where the timer was cancelled meanwhile."""
    gone = store.run(
        "DELETE FROM timers WHERE instance_id = ? AND execution_id = ? AND task_id = ?",
        timer.instance_id,
        timer.execution_id,
        timer.task_id,
    ).rowcount
    if gone:
        fired = history.timer_fired(timer.task_id, timer.fire_at)
        inbox.post(store, timer.instance_id, fired, timer_id=timer.task_id)
    return bool(gone)


def cancel_timer(store: Store, instance_id: str, task_id: int) -> None:
    """Forget a timer, also where it has fired and no turn has seen it."""
    store.run("DELETE FROM timers WHERE instance_id = ? AND task_id = ?", instance_id, task_id)
    store.run("DELETE FROM inbox WHERE instance_id = ? AND timer_id = ?", instance_id, task_id)


def drop_timers(store: Store, instance_id: str) -> int:
    """A finished instance's timers don't fire; the number that were still running."""
    return store.run("DELETE FROM timers WHERE instance_id = ?", instance_id).rowcount


def _fields(row: ActivityRun | Timer) -> list[Any]:
    return [getattr(row, name) for name in type(row).__dataclass_fields__]


def is_scheduled(store: Store, run: ActivityRun) -> bool:
    """Whether the run is still wanted."""
    found = store.run(
        "SELECT 1 FROM activities WHERE number = ? AND state = 'scheduled'", run.number
    )
    return found.fetchone() is not None
