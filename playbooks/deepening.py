"""A running incident is asked for more than it was opened for: plan, contain, respond, and never back.

What it is asked for stands in the claim of its principal, written conditionally by whoever takes a signal in. The event
only wakes the incident up. It reads the claim where it decides how deep to go, and once more when it gives the
principal free: so a call is never lost, however the two meet.
"""

from collections.abc import Generator, Sequence
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.progress import DeepenedError, Progress
from playbooks.settling import again, begin, until_ended
from playbooks.steps import depths


def deepen_event(number: int) -> str:
    """The external event of one call for more: its number in the claim, so each is waited for once."""
    return f"deepen-{number}"


class Deepening:
    """How deep one incident goes by now. `call` is the task that the next call for more ends."""

    def __init__(
        self, context: df.DurableOrchestrationContext, order: Order, progress: Progress
    ) -> None:
        self._context, self._order, self._progress = context, order, progress
        self._seen = 0  # calls for more that were taken in
        self._call: Any = None

    @property
    def call(self) -> Any:
        """Waited for from the first time on that somebody asks."""
        if self._call is None:
            self._call = self._context.wait_for_external_event(deepen_event(self._seen + 1))
        return self._call

    def take_in(self, beside: Sequence[Any] = ()) -> Generator[Any, Any, bool]:
        """Read what is asked for, and go by it from here on. True: somebody asked for more.

        `beside` are waits that Durable is to know of in the same turn.
        """
        reading = [(depths.read_depth, self._order)]
        first = yield from until_ended(self._context, begin(self._context, reading), beside)
        (answer,) = yield from again(self._context, reading, first)
        if self._call is not None and self._call.is_completed:
            self._call = None
        if answer.get("raised"):
            self.follow(answer)
        return bool(answer.get("raised"))

    def follow(self, answer: Json) -> None:
        """Go by what a step has read. The read-only guard of plan mode goes by the order, and so ends here."""
        incident = self._order["incident"]
        self._seen, self._call = len(answer["raised"]), None
        signal = incident["signal"]
        if answer["source"] != signal["source"]:  # from here on it is a responder's own act
            signal = {**signal, "source": answer["source"]}
        self._order["incident"] = {**incident, "mode": answer["mode"], "signal": signal}
        self._progress.deepen(answer["mode"], answer["raised"])
        for one in answer["raised"]:
            self._progress.asked_by(one.get("by"))

    def close(self, outcome: str, detail: str) -> Generator[Any, Any, Json | None]:
        """End after a restore. None: a responder asks for more all the same, and it starts over."""
        try:
            return (yield from self._progress.close(outcome, detail, hears="responders"))
        except DeepenedError as more:
            self.begin_anew(more)
            return None

    def begin_anew(self, more: DeepenedError) -> None:
        """What was done so far stands; what comes is done by the new depth."""
        if more.answer is not None:
            self.follow(more.answer)
        self._progress.begin_anew()

    def unless_deeper(self, work: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Do the work, and leave it where it is once more is asked for. Raises `DeepenedError` then.

        Steps that are under way end by themselves, and nobody waits for them.
        """
        step = work.send
        given: Any = None
        while True:
            try:
                task = step(given)
            except StopIteration as ended:
                return ended.value
            while not task.is_completed:
                yield self._context.task_any([task, self.call])
                if self.call.is_completed and (yield from self.take_in()):
                    work.close()
                    raise DeepenedError
            given = task.result
            # As the SDK does: what a task failed with is raised where it was waited for.
            step = work.throw if isinstance(given, Exception) else work.send
