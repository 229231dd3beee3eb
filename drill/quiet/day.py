"""A day in the sandbox: playbooks run as a person runs them, what they said, and what is so."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from drill.control import Control
from drill.options import DrillError, Json
from drill.responder import Responder
from drill.training_ground import AUDIENCE, TrainingGround
from drill.verdict.facts import Fact

_PATIENCE_S = 240
_PAUSE_S = 0.2
_CARD_WITHIN_S = 60


@dataclass(frozen=True)
class RunSeen:
    """A run that has ended: how it stands, and its document."""

    status: Json  # GET /api/runs/{id}
    document: Json  # of GET /api/runs/{id}/report
    difference: Json

    @property
    def outcome(self) -> str:
        """done, nothing_to_do, partly, refused or failed."""
        return str(self.status["status"])

    def rules(self) -> dict[str, list[str]]:
        """Which rules found something, and on what."""
        found: dict[str, list[str]] = {}
        for one in self.document["findings"]:
            found.setdefault(one["rule"], []).append(one["subject"])
        return found


@dataclass
class Day:
    """What a playbook's play has at hand. `facts` is its verdict."""

    ground: TrainingGround
    told: Callable[[str, RunSeen], None]  # shows a run
    facts: list[Fact] = field(default_factory=list)

    @property
    def control(self) -> Control:
        """The sandbox's control API."""
        return self.ground.control

    @property
    def described(self) -> Json:
        """The content of sandbox.json: names to ids, endpoints."""
        return self.ground.described

    async def person(self, name: str = "rosa") -> Responder:
        """Somebody at a keyboard."""
        return Responder(self.ground, await self.control.sign_in(name, AUDIENCE), name)

    async def run(
        self, playbook: str, mode: str, parameters: Json | None = None, **more: object
    ) -> RunSeen:
        """Have a playbook run, wait for its end, show it. `by`, `reason`, `plan_hash`, `accepted` may be given."""
        person = await self.person(str(more.pop("by", "rosa")))
        body: Json = {"mode": mode, "reason": more.pop("reason", "a quiet day in the sandbox")}
        body |= {"parameters": parameters or {}, **more}
        begun = await person.call("POST", f"/api/playbooks/{playbook}/runs", body)
        seen = await self.ended(str(begun["run_id"]))
        self.told(f"{playbook}, {mode}", seen)
        return seen

    async def ended(self, run_id: str) -> RunSeen:
        """A run once it has ended. Raises `DrillError` where it breaks or takes too long."""
        person = await self.person()
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            self.ground.check()
            status = await person.call("GET", f"/api/runs/{run_id}")
            if status["phase"] == "ended":
                break
            if status["phase"] == "failed" or time.monotonic() > deadline:
                raise DrillError(f"{run_id} is {status['phase']}: {status['steps'][-1:]}")
            await asyncio.sleep(_PAUSE_S)
        report = await person.call("GET", f"/api/runs/{run_id}/report")
        return RunSeen(status, report["document"], report["difference"])

    def fact(self, noun: str, fact: str, *, holds: bool, expected: str, actual: object) -> None:
        """Add a line to the verdict."""
        self.facts.append(
            {
                "noun": noun,
                "fact": fact,
                "expected": expected,
                "actual": str(actual)[:2000],
                "holds": holds,
            }
        )

    def equal(self, noun: str, fact: str, actual: object, expected: object) -> None:
        """A line that holds where both are the same."""
        self.fact(noun, fact, holds=actual == expected, expected=str(expected), actual=actual)

    async def people_heard(self, fact: str, count: int) -> None:
        """A line that holds where the channel has so many cards. A run ends before its card goes out."""
        deadline = time.monotonic() + _CARD_WITHIN_S
        cards = (await self.control.state())["teams"]
        while len(cards) < count and time.monotonic() < deadline:
            await asyncio.sleep(_PAUSE_S)
            cards = (await self.control.state())["teams"]
        self.equal("people", fact, len(cards), count)

    def has_rules(self, seen: RunSeen, rules: Sequence[str]) -> None:
        """Lines for findings that have to be there."""
        found = seen.rules()
        for rule in rules:
            self.fact(
                "finding", rule, holds=rule in found, expected="found", actual=found.get(rule)
            )
