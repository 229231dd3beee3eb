"""Carries out what a turn asked for, inside that turn's transaction."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from host.durable import actions as act
from host.durable import history, inbox, instance_ids, work
from host.durable.actions import RetryTimer, Scheduled
from host.durable.history import Event
from host.durable.store import Instance, Store
from host.durable.work import ActivityRun, Timer
from host.worker import Worker


@dataclass(slots=True)
class Aftermath:
    """What the engine starts once the transaction is in."""

    runs: list[ActivityRun] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    instances: set[str] = field(default_factory=set)  # with news for them
    entities: set[str] = field(default_factory=set)


class UnservedActionError(Exception):
    """The orchestrator asked for something that doesn't exist here; its instance fails."""


def check(worker: Worker, new: Sequence[Scheduled]) -> None:
    """Refuse, before anything is written, what can't be carried out.

    Raises:
        UnservedActionError: with the extension's wording where it has one.
    """
    for scheduled in new:
        action = scheduled.action
        match action["actionType"]:
            case act.CALL_ACTIVITY | act.CALL_ACTIVITY_WITH_RETRY:
                require(worker, "activityTrigger", action["functionName"])
            case act.CALL_CHILD | act.CALL_CHILD_WITH_RETRY:
                require(worker, "orchestrationTrigger", action["functionName"])
                instance_ids.check(action.get("instanceId") or "child")
            case act.CALL_ENTITY | act.SIGNAL_ENTITY:
                require(worker, "entityTrigger", action["instanceId"].split("@")[1])
            case act.CREATE_TIMER | act.CONTINUE_AS_NEW:
                pass
            case act.CALL_HTTP:
                raise UnservedActionError(
                    "call_http isn't offered by this host: make the request in an activity"
                )
            case unknown:
                raise UnservedActionError(f"action type {unknown} is unknown to this host")


_KINDS = {
    "activityTrigger": "activity",
    "orchestrationTrigger": "orchestrator",
    "entityTrigger": "entity",
}


def require(worker: Worker, kind: str, name: str) -> None:
    """Raise `UnservedActionError` where the app has no such function."""
    if worker.find(kind, name) is None:
        known = ", ".join(f"'{f.name}'" for f in worker.of(kind))
        raise UnservedActionError(
            f"The function '{name}' doesn't exist, is disabled, or is not an {_KINDS[kind]} function. "
            f"Additional info: The following are the known {_KINDS[kind]} functions: {known}."
        )


class Effects:
    """One turn's writes: history events, and work for the engine."""

    def __init__(
        self, store: Store, instance: Instance, moment: datetime, version: str | None
    ) -> None:
        """`version`: what a sub-orchestration is that asks for none."""
        self._store = store
        self._version = version
        self._instance = instance
        self.moment = moment
        self.events: list[Event] = []
        self.aftermath = Aftermath()

    def add(self, kind: int, event_id: int = -1, **fields: object) -> None:
        """Note a history event."""
        self.events.append(history.event(kind, self.moment, event_id, **fields))

    def carry_out(self, scheduled: Scheduled) -> None:
        """Write down one new action. `continue_as_new` is the turn's own business."""
        match scheduled.action["actionType"]:
            case act.CALL_ACTIVITY | act.CALL_ACTIVITY_WITH_RETRY:
                self._activity(scheduled)
            case act.CALL_CHILD | act.CALL_CHILD_WITH_RETRY:
                self._child(scheduled)
            case act.CREATE_TIMER:
                cancelled = bool(scheduled.action.get("isCanceled"))
                self._timer(scheduled.task_id, scheduled.action["fireAt"], cancelled=cancelled)
            case act.CALL_ENTITY | act.SIGNAL_ENTITY:
                self._operation(scheduled)

    def pause(self, pause: RetryTimer) -> None:
        """The timer between two attempts."""
        due = self.moment + timedelta(seconds=pause.delay_s)
        self._timer(pause.task_id, history.timestamp(due), cancelled=False)

    def _activity(self, scheduled: Scheduled) -> None:
        name = scheduled.action["functionName"]
        self.add(history.TASK_SCHEDULED, scheduled.task_id, Name=name)
        run = ActivityRun(
            number=0,
            instance_id=self._instance.instance_id,
            execution_id=self._instance.execution_id,
            task_id=scheduled.task_id,
            name=name,
            input=scheduled.action.get("input"),
            trace_id=self._instance.trace_id,
        )
        self.aftermath.runs.append(work.schedule_activity(self._store, run, self.moment))

    def _timer(self, task_id: int, fire_at: str, *, cancelled: bool) -> None:
        self.add(history.TIMER_CREATED, task_id, FireAt=fire_at)
        if not cancelled:
            parent = self._instance
            timer = Timer(parent.instance_id, parent.execution_id, task_id, fire_at)
            work.add_timer(self._store, timer)
            self.aftermath.timers.append(timer)

    def _child(self, scheduled: Scheduled) -> None:
        parent, action = self._instance, scheduled.action
        # The framework's own form for a child that nobody named.
        child_id = action.get("instanceId") or f"{parent.execution_id}:{scheduled.task_id:X}"
        name = action["functionName"]
        self.add(history.CHILD_CREATED, scheduled.task_id, Name=name, InstanceId=child_id)
        existing = self._store.instance(child_id)
        if existing is not None and not existing.is_finished:
            reason = instance_ids.conflict(existing.status)
            inbox.post(
                self._store, parent.instance_id, history.child_failed(scheduled.task_id, reason)
            )
            self.aftermath.instances.add(parent.instance_id)
            return
        stamp = history.timestamp(self.moment)
        child = Instance(
            instance_id=child_id,
            execution_id=uuid.uuid4().hex,
            name=name,
            version=action.get("version") or self._version,  # as one that a client starts
            input=json.dumps(action["input"]) if action.get("input") is not None else None,
            status="Pending",
            custom_status=None,
            output=None,
            created_at=stamp,
            updated_at=stamp,
            parent_instance_id=parent.instance_id,
            parent_execution_id=parent.execution_id,
            parent_task_id=scheduled.task_id,
            trace_id=parent.trace_id,
        )
        self._store.create(child)
        self.aftermath.instances.add(child_id)

    def _operation(self, scheduled: Scheduled) -> None:
        action, request_id = scheduled.action, uuid.uuid4().hex
        entity_id = action["instanceId"]
        waits = action["actionType"] == act.CALL_ENTITY
        self.add(
            history.EVENT_SENT,
            scheduled.task_id,
            Name="op",
            InstanceId=entity_id,
            Input=json.dumps({"id": request_id}),
        )
        self._store.run(
            "INSERT INTO operations (entity_id, operation, input, request_id, instance_id, "
            "execution_id) VALUES (?, ?, ?, ?, ?, ?)",
            entity_id,
            action["operation"],
            json.dumps(action.get("input")),  # the SDK decodes an operation's input twice
            request_id if waits else None,
            self._instance.instance_id,
            self._instance.execution_id,
        )
        self.aftermath.entities.add(entity_id)
