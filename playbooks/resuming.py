"""A recovery that is half done waits for a person, who mends what was in the way and says go on.

So does one that nobody agreed to: a person has people asked anew. Nothing ever asks by itself.

While the incident is watched, and for policy.toml [recovery] resumable_days: as often as it takes.
"""

import json
from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.holding import BELIEVED_WITHIN, Ear, is_watched, met
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.recovery import Recovery
from playbooks.settling import perform_one, until_done
from playbooks.steps import containment as acts
from playbooks.steps import reporting

_SELDOM = timedelta(hours=6)
_CHECKS = 40  # at most, however long the policy waits: the history is replayed at every turn


def resume_event(number: int) -> str:
    """The external event of one call: named once only, so that a call that is repeated is heard once."""
    return f"resume-{number}"


class Resumable:
    """One recovery, and the ear for whoever wants it to go on."""

    def __init__(
        self,
        context: df.DurableOrchestrationContext,
        order: Order,
        progress: Progress,
        recovery: Recovery,
    ) -> None:
        self._context, self._order, self._progress = context, order, progress
        self._recovery = recovery
        self._number = 0
        days = timedelta(days=order["policy"]["recovery"]["resumable_days"])
        self._until: datetime = context.current_utc_datetime + days
        if not recovery.is_agreed and progress.consent.get("decision") == "deny":
            # Somebody said no: it ends with its watch, and until then people can be asked anew.
            self._until = progress.deadline or context.current_utc_datetime
        self.call: Any = (
            None  # the task that a call ends; None where there is nothing to go on with
        )

    def answer(self, outcome: str) -> Generator[Any, Any, str]:
        """What the call asks for, written down and done. Returns the incident's outcome after it."""
        said = self.call.result
        # The Python client encodes twice: https://github.com/Azure/azure-functions-durable-python/issues/295
        given: Json = json.loads(said) if isinstance(said, str) else said
        self._stop_listening()
        self._progress.asked_by(given.get("by"))
        name = f"resumed-{self._number}"
        recorded: Order = {**self._order, "facts": {"name": name, "call": given}}
        yield from perform_one(self._context, reporting.record_resume, recorded)
        if outcome == "not_contained":  # nothing is rebuilt beside an identity that is open
            facts = {"Reason": "the old identity is not contained: nothing is rebuilt beside it"}
            yield from self._progress.tell("not_resumed", facts, key=f"not-{name}")
            yield from self.listen()
            return outcome
        outcome = (yield from self._recovery.resume(self._number, given)) or outcome
        if outcome == "recovered" and self._progress.reversals and self._progress.remaining:
            outcome = "partly_recovered"  # as a containment that was repeated left something open
        yield from self._progress.report(outcome, name=f"report-{name}", key=f"{outcome}-{name}")
        yield from self.listen()
        return outcome

    def wait(self, outcome: str, restorable: Ear) -> Generator[Any, Any, str]:
        """The watch is over and the recovery is not: wait for the call, as long as the policy says.

        No old token lives any more, so the levers are read back seldom: what somebody undid is still met.
        """
        every = max(_SELDOM, (self._until - self._context.current_utc_datetime) / _CHECKS)
        while self.call is not None and self._context.current_utc_datetime < self._until:
            self._progress.enter("awaiting_resume")
            wake = min(self._context.current_utc_datetime + every, self._until)
            timer = self._context.create_timer(wake)
            winner = yield self._context.task_any([self.call, restorable.call, timer])
            if winner != timer:
                timer.cancel()
            if winner == restorable.call:
                outcome = yield from restorable.answer(outcome)
            elif winner == self.call:
                outcome = yield from self.answer(outcome)
            elif is_watched(self._order, self._progress, outcome):
                outcome = yield from self._check(outcome)
        self._stop_listening()
        return outcome

    def _check(self, outcome: str) -> Generator[Any, Any, str]:
        proof = yield from until_done(
            self._context, acts.verify_containment, self._order, BELIEVED_WITHIN
        )
        if proof["status"] == "done":
            return outcome
        return (yield from met(self._context, self._order, self._progress, outcome, proof))

    def listen(self) -> Generator[Any, Any, None]:
        """Wait for the next call, if anything is left to do. It is registered in the turn that tells of it."""
        if self._recovery.is_over:
            return
        self._number += 1
        event = resume_event(self._number)
        self.call = self._context.wait_for_external_event(event)
        until = self._until.isoformat(timespec="seconds")
        anew = not self._recovery.is_agreed
        told = {"event": event, "until": until, "asks_anew": anew}
        self._progress.note(resumable=True, resume=told)
        # Durable knows of a wait once it is yielded; a timer that is due ends this one.
        due = self._context.create_timer(self._context.current_utc_datetime)
        yield self._context.task_any([self.call, due])

    def _stop_listening(self) -> None:
        self.call = None
        self._progress.note(resumable=False, resume=None)
