"""History events in the extension's format, and the context that an orchestrator is replayed from.

Event types and fields as the out-of-process protocol has them:
https://github.com/Azure/azure-functions-durable-python/blob/dev/azure/durable_functions/models/history/HistoryEventType.py
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Event = dict[str, Any]

EXECUTION_STARTED = 0
EXECUTION_COMPLETED = 1
EXECUTION_FAILED = 2
EXECUTION_TERMINATED = 3
TASK_SCHEDULED = 4
TASK_COMPLETED = 5
TASK_FAILED = 6
CHILD_CREATED = 7
CHILD_COMPLETED = 8
CHILD_FAILED = 9
TIMER_CREATED = 10
TIMER_FIRED = 11
ORCHESTRATOR_STARTED = 12
ORCHESTRATOR_COMPLETED = 13
EVENT_SENT = 14
EVENT_RAISED = 15
CONTINUE_AS_NEW = 16
SUSPENDED = 19
RESUMED = 20

# What the SDK reads of a history: TaskOrchestrationExecutor.process_event passes over the rest. The extension sends
# that too; leaving it out halves a long replay, whose time goes into parsing each event's timestamp.
REPLAYED = (
    EXECUTION_STARTED,
    TASK_COMPLETED,
    TASK_FAILED,
    CHILD_COMPLETED,
    CHILD_FAILED,
    TIMER_FIRED,
    ORCHESTRATOR_STARTED,
    EVENT_SENT,
    EVENT_RAISED,
)

NAMES = {
    EXECUTION_STARTED: "ExecutionStarted",
    EXECUTION_COMPLETED: "ExecutionCompleted",
    EXECUTION_FAILED: "ExecutionFailed",
    EXECUTION_TERMINATED: "ExecutionTerminated",
    TASK_SCHEDULED: "TaskScheduled",
    TASK_COMPLETED: "TaskCompleted",
    TASK_FAILED: "TaskFailed",
    CHILD_CREATED: "SubOrchestrationInstanceCreated",
    CHILD_COMPLETED: "SubOrchestrationInstanceCompleted",
    CHILD_FAILED: "SubOrchestrationInstanceFailed",
    TIMER_CREATED: "TimerCreated",
    TIMER_FIRED: "TimerFired",
    ORCHESTRATOR_STARTED: "OrchestratorStarted",
    ORCHESTRATOR_COMPLETED: "OrchestratorCompleted",
    EVENT_SENT: "EventSent",
    EVENT_RAISED: "EventRaised",
    CONTINUE_AS_NEW: "ContinueAsNew",
    SUSPENDED: "ExecutionSuspended",
    RESUMED: "ExecutionResumed",
}


def timestamp(moment: datetime) -> str:
    """UTC in the form that the SDK parses and prints."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """The moment that `timestamp` or the SDK printed; both are in UTC and say so."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def event(kind: int, moment: datetime, event_id: int = -1, **fields: Any) -> Event:
    """A history event. `event_id` is the task's number for what is scheduled, -1 for the rest."""
    return {
        "EventType": kind,
        "EventId": event_id,
        "IsPlayed": False,
        "Timestamp": timestamp(moment),
        **fields,
    }


def task_completed(task_id: int, result: str) -> Event:
    """An activity's result, as JSON text. Stamped when a turn takes it in."""
    return {"EventType": TASK_COMPLETED, "TaskScheduledId": task_id, "Result": result}


def task_failed(task_id: int, reason: str, details: str) -> Event:
    """An activity's failure, which the SDK raises as an `Exception` of reason and details."""
    return {
        "EventType": TASK_FAILED,
        "TaskScheduledId": task_id,
        "Reason": reason,
        "Details": details,
    }


def child_completed(task_id: int, result: str) -> Event:
    """A sub-orchestration's output, as JSON text."""
    return {"EventType": CHILD_COMPLETED, "TaskScheduledId": task_id, "Result": result}


def child_failed(task_id: int, reason: str) -> Event:
    """A sub-orchestration that failed or was terminated."""
    return {
        "EventType": CHILD_FAILED,
        "TaskScheduledId": task_id,
        "Reason": reason,
        "Details": reason,
    }


def timer_fired(task_id: int, fire_at: str) -> Event:
    """A durable timer that is due."""
    return {"EventType": TIMER_FIRED, "TimerId": task_id, "FireAt": fire_at}


def event_raised(name: str, body: str) -> Event:
    """An external event; `body` is the request's JSON as it came."""
    return {"EventType": EVENT_RAISED, "Name": name, "Input": body}


def stamped(message: Mapping[str, Any], moment: datetime) -> Event:
    """A message from the inbox as it enters the history."""
    fields = {key: value for key, value in message.items() if key != "EventType"}
    return event(message["EventType"], moment, **fields)


def played(new: Event) -> str:
    """The JSON under which an event is stored: from the next turn on it has been played."""
    return json.dumps({**new, "IsPlayed": True})


def context(
    instance_id: str,
    parent_instance_id: str | None,
    raw_input: str | None,
    stored: Iterable[str],
    new: Iterable[Event],
) -> str:
    """The JSON that the SDK's `handle` takes.

    `raw_input` is the starter's JSON as it came; the Python client sends a JSON string of JSON, which the
    SDK decodes a second time. Timer limits are the extension's, so that long timers split as in Azure.
    """
    envelope = {
        "input": json.loads(raw_input) if raw_input else None,
        "instanceId": instance_id,
        "isReplaying": False,
        "parentInstanceId": parent_instance_id,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
        "longRunningTimerIntervalDuration": "3.00:00:00",
        "maximumShortTimerDuration": "6.00:00:00",
        "defaultHttpAsyncRequestSleepTimeMillseconds": 30_000,
    }
    events = ",".join([*stored, *(json.dumps(e) for e in new)])
    return f'{{"history":[{events}],{json.dumps(envelope)[1:]}'
