"""Following an incident from the alert to its last phase, consenting on the way."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from drill.options import DrillError, Json
from drill.responder import NAME, Responder, approvers

FINAL = {"watching", "closed", "refused", "failed"}
MILESTONES = {
    "disabled": "disabled_at",
    "contained": "contained_at",
    "recovered": "recovered_at",
}
_POLL_S = 0.25


class Screen(Protocol):
    """Whoever shows a drill to a person."""

    def heading(self, title: str, detail: str) -> None:
        """A new part of the drill begins."""

    def move(self, move: str, outcome: str) -> None:
        """Something was done, and this came of it."""

    def incident(self, status: Json, seen: Mapping[str, float]) -> None:
        """The incident as it stands now, and its milestones in seconds after the alert."""

    def plan(self, consent: Json) -> None:
        """What a person is asked to agree to."""


@dataclass
class Followed:
    """The last status of an incident, and when a person agreed to its plan."""

    status: Json
    consented_at: datetime | None = None
    seen: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Watcher:
    """Polls one incident. `decide` is the person; `before_consent` is called once, before the answer."""

    responder: Responder
    screen: Screen
    decide: Callable[[Json], Awaitable[bool]]
    before_consent: Callable[[], Awaitable[None]]
    alerted_at: datetime
    meanwhile: Callable[[Json], Awaitable[None]] | None = None  # called with every status

    async def follow(self, incident_id: str, timeout_s: float) -> Followed:
        """Until it is over. Raises `DrillError` when time runs out or a process dies."""
        return await self._until_over(incident_id, timeout_s, Followed({}))

    async def go_on(self, incident_id: str, timeout_s: float, before: Followed) -> Followed:
        """The same incident, after it was told to go on: until it is over or waits once more."""
        followed = Followed({}, before.consented_at, before.seen)
        return await self._until_over(
            incident_id, timeout_s, followed, reported=before.status["report"]
        )

    async def _until_over(
        self, incident_id: str, timeout_s: float, followed: Followed, reported: str | None = None
    ) -> Followed:
        """`reported` is the report of before: what goes on is over when there is another one."""
        try:
            async with asyncio.timeout(timeout_s):
                while (
                    followed.status.get("phase") not in FINAL
                    or followed.status["report"] == reported
                ):
                    await self._look(incident_id, followed)
        except TimeoutError:
            phase = followed.status.get("phase", "unknown")
            raise DrillError(
                f"Incident {incident_id} was still {phase} after {timeout_s:.0f} s. "
                f"Host log: {self.responder.ground.host.log}"
            ) from None
        return followed

    async def _look(self, incident_id: str, followed: Followed) -> None:
        self.responder.ground.check()
        followed.status = await self.responder.incident(incident_id)
        self._note_milestones(followed)
        self.screen.incident(followed.status, followed.seen)
        if self.meanwhile is not None:
            await self.meanwhile(followed.status)
        phase, asked = followed.status["phase"], followed.status.get("consent")
        if phase == "awaiting_consent" and asked is not None and followed.consented_at is None:
            await self._answer(incident_id, asked, followed)
        else:
            await asyncio.sleep(_POLL_S)

    def _note_milestones(self, followed: Followed) -> None:
        """By the drill's own clock: what the app says of time has whole seconds."""
        for milestone, key in MILESTONES.items():
            if followed.status.get(key) and milestone not in followed.seen:
                elapsed = datetime.now(UTC) - self.alerted_at
                followed.seen[milestone] = elapsed.total_seconds()

    async def _answer(self, incident_id: str, asked: Json, followed: Followed) -> None:
        self.screen.plan(asked)
        await self.before_consent()
        granted = await self.decide(asked)
        followed.consented_at = datetime.now(UTC)
        said = "yes: evict, rebuild, move, prove" if granted else "no: it stays contained"
        people = " and ".join(approvers(asked)) if granted else NAME
        self.screen.heading("Answer", f"{people}: {said}")
        reason = "drill: the plan was read" if granted else "drill: declined at the keyboard"
        await self.responder.consent(incident_id, asked, granted=granted, reason=reason)
