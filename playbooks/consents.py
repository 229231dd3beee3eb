"""People's yes to one exact plan: asked for, waited for, counted, kept. Silence is a no."""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import consent_rules, telling_later
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.settling import GOOD, perform_one
from playbooks.steps import consenting, reporting, telling

_MOST_WAITS = 40  # answers that are counted at once; later ones are counted when the time is over


def consent_event(plan_hash: str, number: int = 1) -> str:
    """The external event that says that there are answers: a name of its own for every wait."""
    return f"consent-{plan_hash[:16]}-{number}"


def ask(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, plan: Json
) -> Generator[Any, Any, bool]:
    """Ask for consent to this exact plan, and keep the decision. Silence, or anything unclear, is a no.

    A plan that was drawn anew has a `number`: its card and its answer are kept apart from the first one's.
    """
    if "number" in plan:
        order = {**order, "plan_number": plan["number"]}
    if plan["status"] != "done":
        progress.unplanned(plan)
        return False
    decided = yield from _Asking(context, order, progress, plan).run()
    yield from perform_one(context, reporting.record_consent, {**order, "facts": decided})
    asked = {name: progress.consent[name] for name in ("plan_hash", "expires_at")}
    progress.note(consent={**asked, **_shown(decided)})
    return bool(decided["granted"])


class _Asking:
    """One plan that people are asked about."""

    def __init__(
        self,
        context: df.DurableOrchestrationContext,
        order: Order,
        progress: Progress,
        plan: Json,
    ) -> None:
        self._context, self._order, self._progress, self._plan = context, order, progress, plan
        minutes = timedelta(minutes=order["policy"]["consent"]["expires_minutes"])
        self._expires: datetime = context.current_utc_datetime + minutes
        self._terms = consent_rules.terms(plan, order["policy"], progress.requesters, self._expires)
        self._number = 0
        self._answer: Any = None
        self._heard: list[Json] = []

    def run(self) -> Generator[Any, Any, Json]:
        """The decision: a yes of enough people, a no of one, or nobody's."""
        # The wait is registered before anybody is asked: an answer that came early would be lost.
        self._listen()
        self._progress.enter("awaiting_consent")
        silence = self._context.create_timer(self._expires)
        card = self._card()
        told = self._context.call_activity(telling.tell_people, card)
        yield self._context.task_any([self._answer, silence, told])
        if told.is_completed and isinstance(told.result, dict) and told.result.get("retry"):
            yield from telling_later.begin(self._context, card, told.result)
        decided: Json | None = None
        while decided is None:
            waits = [one for one in (self._answer, silence) if one is not None]
            winner = yield self._context.task_any(waits)
            if winner == silence:
                return (yield from self._end())
            decided = yield from self._count()
        silence.cancel()
        return decided

    def _end(self) -> Generator[Any, Any, Json]:
        """The time is over: what was answered in it counts, also where nobody heard of it."""
        yield from self._read("the end")
        decided = consent_rules.judge(self._heard, self._terms)
        return decided or consent_rules.silence(self._heard, self._terms)

    def _listen(self) -> None:
        """The next wait, and its name where those who answer read it."""
        self._number += 1
        event = consent_event(self._terms.plan_hash, self._number)
        self._answer = self._context.wait_for_external_event(event)
        self._progress.note(
            consent={
                "plan_hash": self._terms.plan_hash,
                "expires_at": self._expires.isoformat(timespec="seconds"),
                "event": event,
                "heard": len(self._heard),
                "needs": self._terms.needs,
                "requester_may_approve": self._terms.requester_may,
            }
        )

    def _count(self) -> Generator[Any, Any, Json | None]:
        """What the answers decide, as they are now.

        The next wait stands before they are read: who answers meanwhile is read now, or heard then.
        """
        wait, self._answer = f"wait-{self._number}", None
        if self._number < _MOST_WAITS:
            self._listen()
            # Durable knows of a wait once it is yielded; a timer that is due ends this one.
            due = self._context.create_timer(self._context.current_utc_datetime)
            yield self._context.task_any([self._answer, due])
            if not due.is_completed:
                due.cancel()
        else:
            self._progress.note(consent={**self._progress.consent, "event": None})
        yield from self._read(wait)
        self._progress.note(consent={**self._progress.consent, "heard": len(self._heard)})
        return consent_rules.judge(self._heard, self._terms)

    def _read(self, wait: str) -> Generator[Any, Any, None]:
        """Where they can't be read, nothing more is known: nobody's yes is made up."""
        facts = {"plan_hash": self._terms.plan_hash, "wait": f"{self._terms.plan_hash[:16]} {wait}"}
        order: Order = {**self._order, "facts": facts}
        said = yield from perform_one(self._context, consenting.read_answers, order)
        if said["status"] in GOOD:
            self._heard = said["answers"]

    def _card(self) -> Order:
        facts: Json = {
            "Answer before": self._expires.isoformat(timespec="seconds"),
            "Without an answer": consent_rules.ON_EXPIRY,
            "People who have to agree": self._terms.needs,
            **self._progress.clock,
        }
        if "changed" in self._plan:
            facts["lines"] = [
                f"Changed since the plan that was agreed to: {one}" for one in self._plan["changed"]
            ]
        key = f"asking-{self._plan['number']}" if "number" in self._plan else "asking"
        return {
            **self._order,
            "notice": "asking",
            "notice_key": key,
            "at": self._context.current_utc_datetime.isoformat(timespec="milliseconds"),
            "facts": facts,
        }


def _shown(decided: Json) -> Json:
    """For the status, which has to stay small: who agreed, and to which choices, lies in the evidence."""
    names = ("decision", "approver", "reason", "at")
    return {name: decided[name] for name in names if name in decided}
