"""The time between containment and the moment when the last token issued before it has expired.

Every lever is read back again and again (`holding.py`); logs are swept twice more.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.deepening import Deepening
from playbooks.holding import BELIEVED_WITHIN, Ear, Wait, hold
from playbooks.orders import Json, Order
from playbooks.progress import DeepenedError, Progress
from playbooks.recovery import Recovery
from playbooks.responding import respond
from playbooks.resuming import Resumable
from playbooks.settling import perform_one, settle, until_done
from playbooks.steps import containment as acts
from playbooks.steps import evidence, rejudging
from playbooks.taking_back import Restorable

# A signal's word to an incident that was refused: look whether it may be acted on by now.
JOINED = "signal-joined"


@dataclass(slots=True)
class Ears:
    """Who may call while an incident waits, and what it goes by then."""

    restorable: Restorable
    deepening: Deepening
    plan: Json | None = None  # the answer of the step that drew it
    _again: Any = None

    def again(self, context: df.DurableOrchestrationContext) -> Any:
        """The task that a signal ends which joined what was refused. One wait, until it was heard."""
        if self._again is None:
            self._again = context.wait_for_external_event(JOINED)
        return self._again

    def heard_again(self) -> None:
        """The next one is waited for anew."""
        self._again = None


class _Deeper:
    """The ear for whoever asks a contained incident to respond: its plan is asked for, and carried out."""

    def __init__(
        self, context: df.DurableOrchestrationContext, order: Order, progress: Progress, ears: Ears
    ) -> None:
        self._context, self._order, self._progress, self._ears = context, order, progress, ears
        self.resumable: Resumable | None = None
        # Everybody who is heard. Whoever has a recovery go on is, once there is one.
        self.heard: list[Ear] = [ears.restorable, self]

    @property
    def call(self) -> Any:
        """The task that the next call for more ends."""
        return self._ears.deepening.call

    def answer(self, outcome: str) -> Generator[Any, Any, str]:
        """Ask for consent and rebuild. Starts over, by `DeepenedError`, where the identity is not contained."""
        was = self._order["incident"]["mode"]
        if not (yield from self._ears.deepening.take_in()):
            return outcome
        if outcome in {"held", "not_contained"} or self._ears.plan is None:
            raise DeepenedError
        if self._order["incident"]["mode"] in {was, "contain"}:  # a responder stands behind it now
            return outcome
        self._progress.begin_anew()
        outcome, recovery = yield from respond(
            self._context, self._order, self._progress, outcome, self._ears.plan
        )
        yield from self.listen(recovery)
        return outcome

    def listen(self, recovery: Recovery | None) -> Generator[Any, Any, None]:
        """Wait for whoever has a recovery go on."""
        if recovery is not None:
            self.resumable = Resumable(self._context, self._order, self._progress, recovery)
            self.heard.append(self.resumable)
            yield from self.resumable.listen()


def stay_refused(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, ears: Ears
) -> Generator[Any, Any, None]:
    """Take in further signals for a while. Each has the guards asked again; where they allow it, it starts over.

    So a storm about an identity that is protected, or beyond the hour's limit, is one incident and one card.
    """
    progress.note(phase="refused", outcome="refused")
    span = timedelta(minutes=order["policy"]["windows"]["refused_minutes"])
    over = context.create_timer(context.current_utc_datetime + span)
    try:
        while not over.is_completed:
            again = ears.again(context)
            yield context.task_any([over, ears.deepening.call, again])
            if ears.deepening.call.is_completed and (yield from ears.deepening.take_in()):
                raise DeepenedError
            if again.is_completed:
                ears.heard_again()
                guard = yield from perform_one(context, acts.check_guards, order)
                if guard["status"] == "done":
                    raise DeepenedError
    finally:
        if not over.is_completed:
            over.cancel()


def watch(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    outcome: str,
    ears: Ears,
    recovery: Recovery | None = None,
) -> Generator[Any, Any, Json]:
    """Stay until the last token issued before containment has expired; sweep, check, then close.

    A recovery that is half done is gone on with whenever a person calls, and waited for after that.
    """
    if progress.deadline is None:
        return (yield from progress.close(outcome, ""))
    deeper = _Deeper(context, order, progress, ears)
    yield from deeper.listen(recovery)
    second = timedelta(minutes=order["policy"]["watch"]["second_sweep_minutes"])
    sweeps = (("sweep-2", context.current_utc_datetime + second), ("sweep-3", None))
    for sweep, moment in sweeps:
        wait = Wait("watching", moment)
        outcome = yield from hold(context, order, progress, outcome, wait, deeper.heard)
        if (yield from _sweep(context, order, progress, sweep)) and outcome == "recovered":
            outcome = "partly_recovered"
    # Once more at the very end, whatever the rhythm of the checks was.
    proof = yield from until_done(context, acts.verify_containment, order, BELIEVED_WITHIN)
    if proof["status"] != "done" and outcome != "held":  # that one never held, and people know
        yield from progress.tell("reopened", {"Found": proof["detail"]})
    if proof["status"] != "done" or outcome == "held":
        outcome = "not_contained"
    if deeper.resumable is not None:
        outcome = yield from deeper.resumable.wait(outcome, ears.restorable)
    return (yield from progress.close(outcome, proof["detail"]))


def _sweep(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, sweep: str
) -> Generator[Any, Any, bool]:
    """The logs once more: what arrived late, and what happened after containment.

    Returns whether something that was rebuilt turns out not to be known-good.
    """
    late: list[str] = []
    facts = {
        "sweep": sweep,
        "contained": progress.clock.get("contained"),
        "now": context.current_utc_datetime.isoformat(),
    }
    swept: Order = {**order, "facts": facts}
    yield from settle(
        context, [(evidence.collect_activity_log, swept), (evidence.collect_logs, swept)]
    )
    traced = yield from perform_one(context, evidence.trace_footprint, swept)
    progress.note(sweeps=[*progress.sweeps, sweep])
    if progress.identity is not None:
        successor: Order = {
            **swept,
            "identity": progress.identity,
            "facts": {**facts, "made": progress.clock["rebuilt"]},
        }
        seen, judged = yield from settle(
            context,
            [
                (evidence.collect_successor_sign_ins, successor),
                (rejudging.judge_rebuilt, successor),
            ],
        )
        late = [one for one in judged.get("late", []) if one not in progress.remaining]
        strange = [one for one in seen.get("strange", []) if one not in progress.remaining]
        progress.note(remaining=[*progress.remaining, *strange, *late])
        progress.hand_over([judged])
    if late:
        yield from progress.tell("rebuilt_in_window", {"lines": late}, key=f"rebuilt-{sweep}")
    if lines := traced.get("after_containment"):
        yield from progress.tell("active_after", {"lines": lines}, key=f"active-{sweep}")
    yield from progress.seal(sweep)
    return bool(late)
