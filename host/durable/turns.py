"""One turn of an orchestration: take in one event, replay, write what follows from it.

One completion per turn, because a retry takes task numbers while its event is processed: with several events in a
turn the SDK's answer wouldn't say which number a new action got. The real host may deliver several; one at a time
is one of the schedules that it can produce.
"""

import json
import uuid
from dataclasses import dataclass, replace
from typing import Any

from host import log
from host.clock import CLOCK
from host.durable import endings, history, inbox, ledgers, work
from host.durable.actions import (
    CONTINUE_AS_NEW,
    Action,
    Ledger,
    NonDeterminismError,
    RetryTimer,
    Scheduled,
)
from host.durable.effects import Aftermath, Effects, UnservedActionError, check, require
from host.durable.inbox import Message
from host.durable.instance_ids import InvalidInstanceIdError
from host.durable.store import Instance, Store
from host.durable.versions import Versions
from host.protos import TypedData
from host.worker import Outcome, Worker, new_traceparent

MOST_CUSTOM_STATUS_B = 16 * 1024
_DATA_LABEL = "\n\n$OutOfProcData$:"  # the SDK's, between an error's text and the state


@dataclass(frozen=True, slots=True)
class Answer:
    """What the orchestrator's code came to."""

    actions: list[Action]
    is_done: bool = False
    output: Any = None
    error: str | None = None
    custom_status: Any = None


@dataclass(slots=True)
class _Turn:
    """What one turn works on."""

    instance: Instance
    message: Message | None
    stored: list[str]
    ledger: Ledger
    effects: Effects


class Turns:
    """Runs turns over the store; the engine serialises them per instance."""

    def __init__(self, store: Store, worker: Worker, versions: Versions) -> None:
        self._store = store
        self._worker = worker
        self._versions = versions

    async def run(self, instance: Instance, message: Message | None) -> Aftermath:
        """Take in `message`, or begin where there is none."""
        turn = self._open(instance, message)
        known = len(turn.ledger.leaves)
        retry = _retry(turn.ledger, message)
        answer, new = self._judge(turn.ledger, await self._replay(turn))
        with self._store.transaction():
            current = self._store.instance(instance.instance_id)
            if current is None or current.execution_id != instance.execution_id:
                return Aftermath()  # purged or replaced while its code ran
            if message:
                inbox.take(self._store, message)
            if isinstance(retry, RetryTimer):
                turn.effects.pause(retry)
            elif retry:
                turn.effects.carry_out(retry)
            for scheduled in new:
                turn.effects.carry_out(scheduled)
            for timer_id in turn.ledger.cancelled_timers(answer.actions):
                work.cancel_timer(self._store, instance.instance_id, timer_id)
            ledgers.save(self._store, instance.instance_id, turn.ledger, known)
            self._close(turn, answer, new)
        return turn.effects.aftermath

    def _open(self, instance: Instance, message: Message | None) -> _Turn:
        moment = CLOCK.now()
        if message and "FireAt" in message.event:  # the SDK asks whether a long timer is over
            moment = max(moment, history.parse_timestamp(message.event["FireAt"]))
        effects = Effects(self._store, instance, moment, self._versions.default)
        effects.add(history.ORCHESTRATOR_STARTED)
        if message:
            effects.events.append(history.stamped(message.event, moment))
        else:
            effects.add(history.EXECUTION_STARTED, Name=instance.name, Version=instance.version)
        stored = self._store.history(instance.instance_id, replayed_only=True)
        return _Turn(
            instance, message, stored, ledgers.read(self._store, instance.instance_id), effects
        )

    async def _replay(self, turn: _Turn) -> Answer:
        instance = turn.instance
        try:
            require(self._worker, "orchestrationTrigger", instance.name)
        except UnservedActionError as missing:
            return Answer(actions=[], error=str(missing))
        function = self._worker.find("orchestrationTrigger", instance.name)
        assert function is not None  # noqa: S101 - `require` saw it
        body = history.context(
            instance.instance_id,
            instance.parent_instance_id,
            instance.input,
            turn.stored,
            turn.effects.events,
        )
        traceparent = new_traceparent(instance.trace_id)
        return _read(await self._worker.call(function, TypedData(string=body), traceparent))

    def _judge(self, ledger: Ledger, answer: Answer) -> tuple[Answer, list[Scheduled]]:
        """Hold the answer against the history; a refusal is the instance's failure."""
        if is_too_long(answer.custom_status):
            said = f"the custom status is longer than {MOST_CUSTOM_STATUS_B} bytes of UTF-16"
            return replace(answer, actions=[], is_done=False, error=said, custom_status=None), []
        try:
            new = ledger.accept(answer.actions)
            check(self._worker, new)
        except (NonDeterminismError, UnservedActionError, InvalidInstanceIdError) as refusal:
            return replace(answer, actions=[], is_done=False, error=str(refusal)), []
        return answer, new

    def _close(self, turn: _Turn, answer: Answer, new: list[Scheduled]) -> None:
        """The end of the turn's transaction: history, status, and whom it concerns."""
        instance, effects, store = turn.instance, turn.effects, self._store
        if answer.custom_status is not None:
            store.set_custom_status(instance.instance_id, json.dumps(answer.custom_status))
        again = next((s for s in new if s.action["actionType"] == CONTINUE_AS_NEW), None)
        if again and answer.error is None:
            new_input = json.dumps(again.action["input"])
            store.begin_anew(instance.instance_id, uuid.uuid4().hex, new_input)
            effects.aftermath.instances.add(instance.instance_id)
            return
        if answer.error is not None:
            endings.fail(store, instance, answer.error, effects)
        elif answer.is_done:
            endings.complete(store, instance, json.dumps(answer.output), effects)
        else:
            store.set_status(instance.instance_id, "Running", effects.moment)
        effects.add(history.ORCHESTRATOR_COMPLETED)
        store.append_history(instance.instance_id, effects.events)


def is_too_long(custom_status: Any) -> bool:
    """Whether Durable would fail the orchestration for it.

    https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-custom-orchestration-status
    """
    if custom_status is None:
        return False
    text = json.dumps(custom_status, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-16-le")) > MOST_CUSTOM_STATUS_B


def _retry(ledger: Ledger, message: Message | None) -> RetryTimer | Scheduled | None:
    """What the event means for a retry; the numbers it takes come before any new action's."""
    if message is None:
        return None
    task_id = message.event.get("TaskScheduledId", message.event.get("TimerId"))
    if task_id is None:
        return None
    failed = message.event["EventType"] in (history.TASK_FAILED, history.CHILD_FAILED)
    return ledger.completed(task_id, failed=failed)


def _read(outcome: Outcome) -> Answer:
    """The SDK's answer; of one that raised, the state is in the error's text."""
    if outcome.error is None:
        return _answer(outcome.value.json if outcome.value else "{}")
    text, label, state = outcome.error.partition(_DATA_LABEL)
    if not label:
        log.error("orchestrator call failed", error=text.partition(":")[0])
        return Answer(actions=[], error=text)
    answer = _answer(state)
    return replace(answer, error=answer.error or text)


def _answer(state: str) -> Answer:
    document = json.loads(state)
    return Answer(
        actions=document["actions"][0] if document["actions"] else [],
        is_done=document["isDone"],
        output=document.get("output"),
        error=document.get("error"),
        custom_status=document.get("customStatus"),
    )
