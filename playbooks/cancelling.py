"""A person ends an incident in order, whatever it is doing: nothing new is begun, what was begun ends, people are told.

The identity stays as it is: what was taken away stays away, what runs without an identity stays down, and nobody
watches any more. Durable's own `terminate` would leave all of that unsaid.
"""

import json
from collections.abc import Generator, Iterator
from typing import Any

import azure.durable_functions as df
from azure.durable_functions.models.actions.CallActivityAction import CallActivityAction
from azure.durable_functions.models.actions.CallSubOrchestratorAction import (
    CallSubOrchestratorAction,
)
from azure.durable_functions.models.Task import TimerTask

from playbooks.deepening import Deepening
from playbooks.orders import CANCEL, Json, Order
from playbooks.progress import Progress
from playbooks.settling import perform_one
from playbooks.steps import cancelled
from playbooks.telling_later import TELL_LATER

# One only reads, for hours on end, and sees by itself that the incident is over. The other tells a channel that is down
# what was so, for half a day: that goes on, and nobody waits for it.
_GO_ON = frozenset({"hold_containment", TELL_LATER})


class Cancellable:
    """One incident's orchestration, and the ear for whoever ends it."""

    def __init__(
        self, context: df.DurableOrchestrationContext, progress: Progress, deepening: Deepening
    ) -> None:
        self._context, self._progress, self._deepening = context, progress, deepening
        self._call: Any = context.wait_for_external_event(CANCEL)
        self._begun: list[Any] = []  # whatever Durable was asked for that may not have ended
        self._known: list[
            Any
        ] = []  # waits that Durable knows: it hears of one once that is yielded

    @property
    def call(self) -> Json | None:
        """Who ended it and why; None while nobody has."""
        if not self._call.is_completed:
            return None
        said = self._call.result
        # The Python client encodes twice: https://github.com/Azure/azure-functions-durable-python/issues/295
        found: Json = json.loads(said) if isinstance(said, str) else said
        return found

    def run(self, playbook: Generator[Any, Any, Json]) -> Generator[Any, Any, Json | None]:
        """What the playbook returns; None where a person ended it, and then everything that it began has ended too.

        Whatever the playbook waits for passes through here, so no wait of it has to know of this.
        """
        answer: Any = None
        failure: Exception | None = None
        while True:
            try:
                task = playbook.send(answer) if failure is None else playbook.throw(failure)
            except StopIteration as ended:
                return ended.value  # type: ignore[no-any-return]
            if self._call.is_completed:
                break
            answer = failure = None
            try:
                answer = yield from self._ended(task)
            except Exception as error:  # noqa: BLE001 - a lost step is a bare Exception, and the playbook's to judge
                failure = error
            if self._call.is_completed and not task.is_completed:
                break
        playbook.close()
        self._progress.enter("cancelling")
        yield from self._settle()
        return None

    def _ended(self, task: Any) -> Generator[Any, Any, Any]:
        """The task's result. A mere wait is left as soon as somebody ends the incident; what acts is waited for."""
        leaves = list(_leaves(task))
        is_wait = not any(map(_acts, leaves))
        self._begun = [one for one in (*self._begun, *leaves) if not one.is_completed]
        # Whoever asks for more may do so at any moment as well, and is heard where the playbook decides.
        ears = [self._call, self._deepening.call]
        unknown = [one for one in ears if not any(one is each for each in (*self._known, *leaves))]
        self._known = ears
        if unknown:
            yield self._context.task_any([task, *unknown])
        while is_wait and not (task.is_completed or self._call.is_completed):
            yield self._context.task_any([task, self._call])
        if is_wait and not task.is_completed:
            return None
        return (yield task)

    def _settle(self) -> Generator[Any, Any, None]:
        """Durable completes no instance while a timer runs, and no step may end after the report is written."""
        for one in self._begun:
            if isinstance(one, TimerTask) and not one.is_completed:
                one.cancel()
        while acting := [one for one in self._begun if _acts(one) and not one.is_completed]:
            yield self._context.task_any(acting)


def end(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, call: Json
) -> Generator[Any, Any, Json]:
    """Write down who ended it and what is half done, tell people, give the principal free."""
    was = progress.state
    facts = {"call": call, "clusters": was["clusters"], "until": was["clock"].get("residual until")}
    ending: Order = {**order, "facts": facts}
    recorded = yield from perform_one(context, cancelled.record_cancel, ending)
    told = recorded.get("remaining") or [f"how far it came could not be read: {recorded['detail']}"]
    progress.note(
        cancelled={name: call.get(name) for name in ("by", "reason", "at", "phase")},
        remaining=[*told, *progress.remaining],
        resumable=False,
        resume=None,
    )
    progress.hand_over([recorded])
    yield from progress.report("cancelled", name="report-cancelled")
    return (yield from progress.release("cancelled", told[0]))


def _leaves(task: Any) -> Iterator[Any]:
    inner = getattr(task, "children", None)
    if inner is None:
        yield task
    else:
        for one in inner:
            yield from _leaves(one)


def _acts(leaf: Any) -> bool:
    """Whether something is under way that has to come to its end; timers and events are only waited for."""
    match leaf.action_repr:
        case CallActivityAction():
            return True
        case CallSubOrchestratorAction(function_name=name):
            return name not in _GO_ON
        case _:
            return False
