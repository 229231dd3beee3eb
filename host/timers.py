"""Timer triggers: run on schedule, once at a time, and remember when.

A run that was missed while the host was down is made up for once at the start, with `past_due` set.
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
"""

import asyncio
import functools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from host import log
from host.alarms import Alarms
from host.clock import CLOCK
from host.durable import history
from host.durable.store import Store
from host.errors import AppError
from host.functions import Function
from host.ncrontab import Schedule, ScheduleError, parse
from host.protos import TypedData
from host.tasks import spawn
from host.worker import Worker

_MONITORED_FROM = timedelta(minutes=1)  # documented: shorter intervals aren't monitored


@dataclass(slots=True)
class _Timer:
    function: Function
    schedule: Schedule
    last: datetime
    next: datetime

    @property
    def is_monitored(self) -> bool:
        """Whether a missed run is made up for."""
        interval = self.schedule.after(self.next) - self.next
        return bool(self.function.trigger.get("useMonitor", True)) and interval >= _MONITORED_FROM


class Timers:
    """All timer functions of the app."""

    def __init__(self, store: Store, worker: Worker, alarms: Alarms) -> None:
        self._store = store
        self._worker = worker
        self._alarms = alarms
        self._timers = {f.name.lower(): self._load(f) for f in worker.of("timerTrigger")}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Arm every timer; run at once what is overdue or asks for it."""
        now = CLOCK.now()
        for timer in self._timers.values():
            past_due = timer.is_monitored and timer.next <= now
            if past_due or timer.function.trigger.get("runOnStartup"):
                self._begin(timer, past_due=past_due, scheduled=True)
            else:
                self._arm(timer)

    def run_now(self, name: str) -> bool:
        """Run a timer function out of turn, as the admin API does; False where there is none."""
        timer = self._timers.get(name.lower())
        if timer:
            self._begin(timer, past_due=False, scheduled=False)
        return timer is not None

    async def drain(self, grace_s: float) -> None:
        """Let runs under way end."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)

    def _load(self, function: Function) -> _Timer:
        try:
            schedule = parse(str(function.trigger["schedule"]))
            following = schedule.after(CLOCK.now())
        except ScheduleError as wrong:
            raise AppError(f"Function {function.name!r}: {wrong}") from wrong
        row = self._store.run(
            "SELECT last, next FROM schedules WHERE function_name = ?", function.name
        ).fetchone()
        if row is None:
            return _Timer(function, schedule, datetime.min.replace(tzinfo=UTC), following)
        last, due = (history.parse_timestamp(text) for text in row)
        return _Timer(function, schedule, last, min(due, following))

    def _arm(self, timer: _Timer) -> None:
        timer.next = timer.schedule.after(CLOCK.now())
        self._save(timer)
        begin = functools.partial(self._begin, timer, past_due=False, scheduled=True)
        self._alarms.at(timer.next, begin)

    def _save(self, timer: _Timer) -> None:
        with self._store.transaction():
            self._store.run(
                "INSERT OR REPLACE INTO schedules VALUES (?, ?, ?)",
                timer.function.name,
                history.timestamp(timer.last),
                history.timestamp(timer.next),
            )

    def _begin(self, timer: _Timer, *, past_due: bool, scheduled: bool) -> None:
        run = self._run(timer, past_due=past_due, scheduled=scheduled)
        task = spawn(run, "timer", function=timer.function.name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, timer: _Timer, *, past_due: bool, scheduled: bool) -> None:
        status = {
            "Last": history.timestamp(timer.last),
            "Next": history.timestamp(timer.next),
            "LastUpdated": history.timestamp(CLOCK.now()),
        }
        data = {"Schedule": {}, "ScheduleStatus": status, "IsPastDue": past_due}
        name = timer.function.name
        log.info("timer function started", function=name, past_due=past_due)
        outcome = await self._worker.call(timer.function, TypedData(json=json.dumps(data)))
        if outcome.error is not None:
            log.error("timer function failed", function=name, error=outcome.error)
        if scheduled:
            timer.last = CLOCK.now()
            self._arm(timer)
