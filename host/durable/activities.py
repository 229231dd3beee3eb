"""Runs scheduled activities: at once, side by side, at least once."""

import asyncio
from typing import Any, Protocol

from host import log
from host.clock import CLOCK
from host.crash import CrashAt
from host.durable import history, work
from host.durable.store import Store
from host.durable.work import ActivityRun
from host.host_json import DurableOptions
from host.protos import TypedData
from host.tasks import spawn
from host.worker import Outcome, Worker, new_traceparent


class Wakes(Protocol):
    """The engine, as far as an activity's end needs it."""

    def wake(self, instance_id: str) -> None:
        """There is news for an instance."""


class Activities:
    """Starts each run as soon as a slot is free; nothing polls."""

    def __init__(
        self,
        store: Store,
        worker: Worker,
        options: DurableOptions,
        crash: CrashAt,
        engine: Wakes,
    ) -> None:
        self._store = store
        self._worker = worker
        self._slots = asyncio.Semaphore(options.max_activities)
        self._traces = options.trace_inputs_and_outputs
        self._crash = crash
        self._engine = engine
        self._waiting: set[asyncio.Task[None]] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False

    def start(self, run: ActivityRun) -> None:
        """Queue one run; it begins within this turn of the event loop where a slot is free."""
        if not self._stopping:
            task = spawn(self._run(run), "activity", function=run.name, instance_id=run.instance_id)
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def drain(self, grace_s: float) -> None:
        """Begin nothing more; let what runs end and be written down, for so long."""
        self._stopping = True
        for task in self._waiting - self._running:
            task.cancel()
        if self._running:
            log.info("waiting for running activities", count=len(self._running))
            _, late = await asyncio.wait(self._running, timeout=grace_s)
            if late:
                log.warning("activities cut off; they run again at the next start", count=len(late))

    async def _run(self, run: ActivityRun) -> None:
        async with self._slots:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - we are in one
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            if not work.is_scheduled(self._store, run):
                return  # its instance was terminated or purged meanwhile
            self._crash.reached("before", run.number)
            began = asyncio.get_running_loop().time()
            event = await self._call(run)
            self._crash.reached("ran", run.number)
            with self._store.transaction():
                current = work.end_activity(self._store, run, event, CLOCK.now())
            self._crash.reached("after", run.number)
            self._say(run, event, asyncio.get_running_loop().time() - began)
        if current:
            self._engine.wake(run.instance_id)

    def _say(self, run: ActivityRun, event: dict[str, Any], duration_s: float) -> None:
        failed = event["EventType"] == history.TASK_FAILED
        fields = {
            "function": run.name,
            "instance_id": run.instance_id,
            "task_id": run.task_id,
            "status": "failed" if failed else "completed",
            "duration_ms": round(duration_s * 1000, 1),
        }
        if failed:  # only the type: the text may quote the input
            fields["error"] = event["Details"].partition(":")[0]
        if self._traces:
            fields |= {"input": run.input, "result": event.get("Result", event.get("Reason"))}
        log.info("activity ended", **fields)

    async def _call(self, run: ActivityRun) -> dict[str, Any]:
        function = self._worker.find("activityTrigger", run.name)
        if function is None:  # the app changed between schedule and run
            outcome = Outcome(error=f"The function '{run.name}' doesn't exist or is disabled.")
        else:
            data = TypedData(json=run.input if run.input is not None else "null")
            outcome = await self._worker.call(function, data, new_traceparent(run.trace_id))
        if outcome.error is None:
            return history.task_completed(run.task_id, _text(outcome))
        # The extension's own words: TaskActivityShim.cs
        reason = f"Activity function '{run.name}' failed: {outcome.error}"
        return history.task_failed(run.task_id, reason, outcome.error)


def _text(outcome: Outcome) -> str:
    return str(outcome.value.json) if outcome.value else "null"
