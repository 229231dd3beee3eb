"""Drives a playbook through the real Durable executor, replaying it from the top at every turn.

Unlike a mocked context this catches non-determinism (the scheduled prefix is compared each turn), payloads that are no
JSON, and waits that nothing ends. Time is virtual: a timer fires when nothing else is left to happen.
"""

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import azure.functions as func

Json = dict[str, Any]
Answer = Json | Callable[[Json], Json]
_MARK = "$OutOfProcData$:"  # of the SDK
START = datetime(2026, 1, 1, tzinfo=UTC)

# A replay parses the time of every event again, which was most of the time of a long rehearsal.
_events: Any = importlib.import_module("azure.durable_functions.models.history.HistoryEvent")
_events.dt_parse = cache(_events.dt_parse)


@dataclass
class Rehearsal:
    """What a playbook did."""

    timeline: list[str] = field(default_factory=list)  # activities, as they were scheduled
    orders: list[tuple[str, Json]] = field(default_factory=list)
    answered: list[tuple[str, int]] = field(
        default_factory=list
    )  # and how many had been begun by then
    statuses: list[Json] = field(default_factory=list)  # custom statuses, in order
    consents: list[Json] = field(default_factory=list)  # as the API keeps them before it says so
    outcome: Any = None
    broke: str = ""  # what it raised
    ended_at: datetime = START
    alive: list[datetime] = field(default_factory=list)  # timers that still ran at its end


class Instance:
    """One orchestration: its history, and what it has scheduled so far."""

    def __init__(self, playbook: Any, payload: Json, now: datetime = START) -> None:
        self.now = now
        self.may_break = False  # whether what it raises is an end like any other
        self._handle = playbook._function._func
        self._payload = payload
        self._seen: list[Any] = []
        self._ids = 0
        self.history: list[Json] = [
            self.event(12),
            self.event(0, Name="playbook", Input=json.dumps(payload), Version=""),
        ]

    def event(self, kind: int, **more: Any) -> Json:
        at = self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": at, **more}

    @property
    def timer_ids(self) -> list[int]:
        """The ids of all timers that were ever set, in order."""
        numbers, next_id = [], 0
        for one in self._seen:
            if one["actionType"] == 6:
                continue
            if one["actionType"] == 5:
                numbers.append(next_id)
            next_id += 1
        return numbers

    def turn(self) -> tuple[list[tuple[int, Json]], Json]:
        """Run once; returns the newly scheduled (id, action) pairs and the whole state."""
        body = {
            "history": self.history,
            "input": json.dumps(self._payload),
            "instanceId": "rehearsal",
            "isReplaying": False,
            "parentInstanceId": None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 2,
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
        }
        state = self._state(json.dumps(body))
        actions = list(flat(state["actions"]))
        shape = [{k: v for k, v in one.items() if k != "isCanceled"} for one in actions]
        assert shape[: len(self._seen)] == self._seen, "non-deterministic replay"
        fresh = actions[len(self._seen) :]
        self._seen = shape
        numbered = []
        for action in fresh:
            takes_id = action["actionType"] != 6  # an external event is matched by its name
            numbered.append((self._ids if takes_id else -1, action))
            self._ids += takes_id
        return numbered, state

    def _state(self, body: str) -> Json:
        """What the executor answers. One that raised says so behind its error, as the host reads it."""
        try:
            said = self._handle(func.OrchestrationContext(body))
        except Exception as error:
            _, marked, said = str(error).partition(_MARK)
            if not (marked and self.may_break):
                raise
        state: Json = json.loads(said)
        return state

    def add(self, event: Json) -> None:
        """One more thing happened."""
        for one in self.history:
            one["IsPlayed"] = True
        self.history += [self.event(13), self.event(12), event]


def rehearse(
    playbook: Any,
    payload: Json,
    answers: dict[str, Answer],
    events: Callable[[Json], tuple[str, Any] | None] = lambda _status: None,
    *,
    may_break: bool = False,
) -> Rehearsal:
    """Run a playbook to its end. `answers` by activity or sub-orchestration name; unknown ones are "done".

    An answer with "lost" is an activity that the host lost, with that reason.

    `events` sees every new custom status and may answer it with an external event (name, payload).
    """
    run = Rehearsal()
    instance = Instance(playbook, payload)
    instance.may_break = may_break
    inbox: list[Json] = []
    timers: dict[int, datetime] = {}
    for _ in range(400):
        fresh, state = instance.turn()
        if state.get("customStatus") and state["customStatus"] not in run.statuses[-1:]:
            run.statuses.append(state["customStatus"])
            if (answer := events(state["customStatus"])) is not None:
                _keep_consent(run, instance, *answer)
                inbox.append({"kind": 15, "Name": answer[0], "Input": json.dumps(answer[1])})
        for number, action in fresh:
            _schedule(run, number, action, answers, inbox, timers)
        for number, action in zip(instance.timer_ids, timers_of(state), strict=False):
            if action.get("isCanceled"):
                timers.pop(number, None)
        if state["isDone"] or "error" in state:
            run.outcome, run.ended_at = state.get("output"), instance.now
            run.broke = state.get("error", "")
            run.alive = sorted(timers.values())
            return run
        if inbox:
            event = inbox.pop(0)
            if (name := event.pop("of", None)) is not None:
                run.answered.append((name, len(run.timeline)))
            instance.add(instance.event(event.pop("kind"), **event))
        else:
            assert timers, f"nothing can happen any more; last status {run.statuses[-1:]}"
            number, instance.now = min(timers.items(), key=lambda item: item[1])
            timers.pop(number)
            instance.add(instance.event(11, TimerId=number))
    raise AssertionError("the playbook does not end")


def _keep_consent(run: Rehearsal, instance: Instance, event: str, payload: Any) -> None:
    """What a person answers lies in the evidence before Durable hears that there is an answer."""
    if event.startswith("consent-"):
        said = {"approver": {"object_id": "ines", "name": "ines"}, "reason": "read", "chosen": []}
        run.consents.append({**said, "at": instance.now.isoformat(), **payload})


def _schedule(
    run: Rehearsal,
    number: int,
    action: Json,
    answers: dict[str, Answer],
    inbox: list[Json],
    timers: dict[int, datetime],
) -> None:
    match action["actionType"]:
        case 0 | 2:
            name, order = action["functionName"], json.loads(action["input"])
            run.timeline.append(name)
            run.orders.append((name, order))
            done: Json = {"status": "done", "detail": ""}
            if name == "read_answers":
                done["answers"] = list(run.consents)
            answer = answers.get(name, done)
            said = answer(order) if callable(answer) else answer
            if "lost" in said:
                lost = {"Reason": said["lost"], "Details": said["lost"]}
                inbox.append({"kind": 6, "of": name, "TaskScheduledId": number, **lost})
                return
            kind = 5 if action["actionType"] == 0 else 8
            ended = {"kind": kind, "of": name, "Result": json.dumps(said)}
            inbox.append({**ended, "TaskScheduledId": number})
        case 5:
            fires = datetime.fromisoformat(action["fireAt"].replace("Z", "+00:00"))
            timers[number] = fires
        case 6:
            pass
        case other:
            raise AssertionError(f"action {other} is not rehearsed")


def flat(actions: list[Any]) -> Any:
    """The actions that composite ones are made of."""
    for one in actions:
        if isinstance(one, list):
            yield from flat(one)
        elif one["actionType"] in {11, 12}:
            yield from flat(one["compoundActions"])
        else:
            yield one


def timers_of(state: Json) -> list[Json]:
    """Every timer of a turn's state, cancelled ones included."""
    return [one for one in flat(state["actions"]) if one["actionType"] == 5]


def hours(count: float) -> timedelta:
    """Readable spans in tests."""
    return timedelta(hours=count)
