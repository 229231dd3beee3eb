"""What an orchestrator asked for, and the numbers that its tasks get.

The SDK reports all actions since the start at every turn but not their ids: it counts them itself, in the order in
which tasks are yielded, and counts a retry's timer and next attempt too. The ledger counts the same way, and refuses
a replay that doesn't begin with what earlier turns reported.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Action = dict[str, Any]

CALL_ACTIVITY = 0
CALL_ACTIVITY_WITH_RETRY = 1
CALL_CHILD = 2
CALL_CHILD_WITH_RETRY = 3
CONTINUE_AS_NEW = 4
CREATE_TIMER = 5
WAIT_FOR_EVENT = 6
CALL_ENTITY = 7
CALL_HTTP = 8
SIGNAL_ENTITY = 9
WHEN_ANY = 11
WHEN_ALL = 12

_NAMES = {
    CALL_ACTIVITY: "call_activity",
    CALL_ACTIVITY_WITH_RETRY: "call_activity_with_retry",
    CALL_CHILD: "call_sub_orchestrator",
    CALL_CHILD_WITH_RETRY: "call_sub_orchestrator_with_retry",
    CONTINUE_AS_NEW: "continue_as_new",
    CREATE_TIMER: "create_timer",
    WAIT_FOR_EVENT: "wait_for_external_event",
    CALL_ENTITY: "call_entity",
    CALL_HTTP: "call_http",
    SIGNAL_ENTITY: "signal_entity",
    WHEN_ANY: "task_any",
    WHEN_ALL: "task_all",
}
_RETRIED = (CALL_ACTIVITY_WITH_RETRY, CALL_CHILD_WITH_RETRY)
_WITHOUT_NUMBER = (WAIT_FOR_EVENT, WHEN_ANY, WHEN_ALL)


class NonDeterminismError(Exception):
    """The replay asks for something else than the history holds."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One action, flattened and without what may change between turns (a timer's cancellation)."""

    kind: int
    name: str  # function, event or entity
    content: str  # a digest of the rest: inputs needn't be stored twice
    task_id: int | None

    def describe(self) -> str:
        """For an error message: never the input itself."""
        return (
            f"{_NAMES.get(self.kind, self.kind)} {self.name!r}" if self.name else _NAMES[self.kind]
        )


@dataclass(slots=True)
class Attempt:
    """A `…_with_retry` under way."""

    action: Action
    number: int  # of this attempt, from 1

    @property
    def interval_s(self) -> float:
        """Until the next attempt: constant, the Python SDK sends no backoff."""
        return float(self.action["retryOptions"]["firstRetryIntervalInMilliseconds"]) / 1000

    @property
    def is_last(self) -> bool:
        """No further attempt follows."""
        return self.number >= int(self.action["retryOptions"]["maxNumberOfAttempts"])


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An action to carry out, under the number that its completion will name."""

    task_id: int
    action: Action


@dataclass(frozen=True, slots=True)
class RetryTimer:
    """The pause after a failed attempt; the SDK waits one after the last attempt too."""

    task_id: int
    delay_s: float


@dataclass(slots=True)
class Ledger:
    """The numbering of one execution. Pure: the turn stores what it changes."""

    next_id: int = 0
    leaves: list[Leaf] = field(default_factory=list)
    attempts: dict[int, Attempt] = field(default_factory=dict)  # by the running task's number
    pauses: dict[int, Attempt] = field(default_factory=dict)  # by the retry timer's number

    def take_number(self) -> int:
        """The next task number, as the SDK counts."""
        number, self.next_id = self.next_id, self.next_id + 1
        return number

    def completed(self, task_id: int, *, failed: bool) -> RetryTimer | Scheduled | None:
        """Mirror what the SDK does about a retry before the orchestrator's code goes on.

        Source: azure.durable_functions.models.Task.RetryAbleTask.try_set_value
        """
        if attempt := self.attempts.pop(task_id, None):
            if not failed:
                return None
            timer_id = self.take_number()
            self.pauses[timer_id] = attempt
            return RetryTimer(timer_id, attempt.interval_s)
        pause = self.pauses.pop(task_id, None)
        if pause is None or pause.is_last:
            return None
        retried_id = self.take_number()
        self.attempts[retried_id] = Attempt(pause.action, pause.number + 1)
        return Scheduled(retried_id, pause.action)

    def accept(self, actions: Sequence[Action]) -> list[Scheduled]:
        """Compare with what earlier turns reported; number and return what is new.

        Raises:
            NonDeterminismError: the orchestrator's code isn't the code that wrote this history, or
                it depends on something that a replay doesn't see.
        """
        flat = list(_flatten(actions))
        new: list[Scheduled] = []
        for position, action in enumerate(flat):
            seen = _leaf(action, None)
            if position < len(self.leaves):
                _compare(position, self.leaves[position], seen)
                continue
            task_id = None if seen.kind in _WITHOUT_NUMBER else self.take_number()
            self.leaves.append(Leaf(seen.kind, seen.name, seen.content, task_id))
            if task_id is not None:
                new.append(Scheduled(task_id, action))
                if seen.kind in _RETRIED:
                    self.attempts[task_id] = Attempt(action, 1)
        if len(flat) < len(self.leaves):
            missing = self.leaves[len(flat)]
            raise NonDeterminismError(_refusal(len(flat), missing.describe(), "nothing"))
        return new

    def cancelled_timers(self, actions: Sequence[Action]) -> list[int]:
        """The numbers of the timers whose `cancel` was called so far."""
        return [
            leaf.task_id
            for leaf, action in zip(self.leaves, _flatten(actions), strict=False)
            if leaf.kind == CREATE_TIMER and leaf.task_id is not None and action.get("isCanceled")
        ]


def _flatten(actions: Sequence[Action]) -> Iterator[Action]:
    for action in actions:
        if action["actionType"] in (WHEN_ANY, WHEN_ALL):
            inner = action["compoundActions"]
            yield {"actionType": action["actionType"], "size": len(inner)}
            yield from _flatten(inner)
        else:
            yield action


def _leaf(action: Action, task_id: int | None) -> Leaf:
    name = action.get("functionName") or action.get("externalEventName") or ""
    if action["actionType"] in (CALL_ENTITY, SIGNAL_ENTITY):
        name = f"{action['instanceId']} {action['operation']}"
    rest = {key: value for key, value in action.items() if key != "isCanceled"}
    digest = hashlib.sha256(repr(sorted(rest.items())).encode()).hexdigest()[:16]
    return Leaf(int(action["actionType"]), name, digest, task_id)


def _compare(position: int, expected: Leaf, actual: Leaf) -> None:
    if (expected.kind, expected.name) != (actual.kind, actual.name):
        raise NonDeterminismError(_refusal(position, expected.describe(), actual.describe()))
    if expected.content != actual.content:
        raise NonDeterminismError(
            _refusal(position, expected.describe(), "the same with other arguments")
        )


def _refusal(position: int, expected: str, actual: str) -> str:
    return (
        f"Non-Deterministic workflow detected: action {position + 1} of this instance's history is {expected}, but "
        f"the replay asks for {actual}. Was the orchestrator changed after the instance started, or does it read "
        "a clock, a random number or the environment?"
    )
