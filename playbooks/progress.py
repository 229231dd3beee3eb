"""What an incident says about itself while it runs: its phase, its clock, and how it ends."""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.settling import PROOF_WITHIN, perform_one, until_done
from playbooks.steps import containment as acts
from playbooks.steps import reporting


class Progress:
    """The custom status of one orchestration, and the endings that every path shares."""

    def __init__(self, context: df.DurableOrchestrationContext, order: Order) -> None:
        self._context = context
        self._order = order
        self._status: Json = {"phase": "accepted", "clock": {}, "clusters": {}, "consent": None}

    @property
    def clock(self) -> Json:
        """Moments and deadlines so far, by name."""
        return dict(self._status["clock"])

    def enter(self, phase: str) -> None:
        """The phase that begins now."""
        self.note(phase=phase)

    def note(self, **facts: Any) -> None:
        """Add facts to what status answers show."""
        self._status |= facts
        self._context.set_custom_status(dict(self._status))

    def mark(self, moment: str) -> datetime:
        """Put the orchestration's present under a name on the incident's clock."""
        now: datetime = self._context.current_utc_datetime
        self.note(clock={**self._status["clock"], moment: now.isoformat(timespec="seconds")})
        return now

    def until(self, moment: str, deadline: datetime) -> None:
        """Put a deadline on the incident's clock."""
        shown = deadline.isoformat(timespec="seconds")
        self.note(clock={**self._status["clock"], moment: shown})

    def tell(self, notice: str, facts: Json) -> Generator[Any, Any, Json]:
        """One card to the channel. That nobody could be told is in the journal, it stops nothing."""
        order: Order = {**self._order, "notice": notice, "facts": facts}
        return (yield from perform_one(self._context, reporting.tell_people, order))

    def report(self, outcome: str) -> Generator[Any, Any, None]:
        """Write the incident document and tell people how it stands."""
        self.enter("reporting")
        facts = {
            "outcome": outcome,
            "clock": self._status["clock"],
            "clusters": self._status["clusters"],
        }
        order: Order = {**self._order, "facts": facts}
        written = yield from perform_one(self._context, reporting.write_report, order)
        self.note(outcome=outcome, report=written["detail"])
        told = dict(self._status["clock"])
        lines = [
            f"{name}: {one['status']} {one['detail']}" for name, one in facts["clusters"].items()
        ]
        if outcome in reporting.NOTICES:
            yield from self.tell(outcome, {**told, "lines": lines})

    def watch(self, outcome: str) -> Generator[Any, Any, Json]:
        """Stay until the last token issued before containment has expired, prove once more, close."""
        deadline = self._status["clock"].get("residual until")
        if deadline is None:
            return (yield from self.close(outcome, ""))
        self.enter("watching")
        yield self._context.create_timer(datetime.fromisoformat(deadline))
        # Asked again for a while: one answer that is late must not be told as a breach.
        proof = yield from until_done(
            self._context, acts.verify_containment, self._order, PROOF_WITHIN
        )
        if proof["status"] != "done":
            outcome = "not_contained"
            yield from self.tell("reopened", {"Found": proof["detail"]})
        return (yield from self.close(outcome, proof["detail"]))

    def close(self, outcome: str, detail: str) -> Generator[Any, Any, Json]:
        """Give the principal free and end."""
        yield from perform_one(self._context, reporting.release_principal, self._order)
        self.note(phase="refused" if outcome == "refused" else "closed", outcome=outcome)
        return {"outcome": outcome, "detail": detail, **self._status}


def residual(contained_at: datetime, policy: Json) -> datetime:
    """Until when a token issued just before containment may live.

    Up to 24 h for workload identities.
    https://learn.microsoft.com/azure/aks/workload-identity-overview
    """
    return contained_at + timedelta(hours=policy["windows"]["residual_hours"])
