"""Playing a scenario in one process: attack, alert, playbook, verdict."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from drill.control import Control
from drill.options import Json
from drill.scenarios.scenario import Scenario
from drill.scene import Scene
from drill.staging import Ended, Staged, judge, look, stage
from drill.verdict.judgement import Verdict
from drill.writings import evidence_of, is_report
from playbooks.journaled import open_store
from tests.in_process import Driven, InProcess
from triggers import status

PROOFS = 3  # not for ten minutes, as policy.toml has it: in a sandbox without delays the third is the last to differ
LIE: Json = {"status": "done", "detail": "pretended"}


@dataclass(frozen=True)
class Stage:
    """Sandbox and product in one process; what `drill.staging` calls a ground."""

    in_process: InProcess
    http: httpx.AsyncClient
    control: Control

    @property
    def described(self) -> Json:
        """The content of sandbox.json."""
        return self.in_process.sandbox.described

    @property
    def evidence(self) -> Path:
        """Where the product keeps what it finds."""
        return self.in_process.evidence


@dataclass
class Play:
    """One scenario, attacked, with its incident under way."""

    stage: Stage
    staged: Staged
    driven: Driven
    alerted_at: datetime
    log: str = "not captured"

    async def until(self, *phases: str) -> "Play":
        """Let the incident go on."""
        await self.driven.until(*phases)
        return self

    async def contained_or_not(self) -> "Play":
        """Let the incident go on until every lever is pulled and the proof is there or given up."""
        await self.driven.before("collecting_evidence", "reporting")
        return self

    async def scene(self) -> Scene:
        """Everything as it is now, with every move made again."""
        return await look(self.staged, self.stage, await self.ended())

    async def ended(self) -> Ended:
        """What the product wrote and says."""
        evidence, told = evidence_of(self.stage.evidence), self._status()
        state = await self.stage.control.state()
        outputs = {
            "host log": self.log,
            "evidence": "\n".join(file.text for file in evidence),
            "report": "\n".join(file.text for file in evidence if is_report(file.path)),
            "Teams messages": "\n".join(json.dumps(message) for message in state["teams"]),
            "events": json.dumps(state["topics"].get("incidents", [])),
            "orchestration history": json.dumps(self.driven.instance.history),
            "status answer": json.dumps(told),
        }
        return Ended(told, evidence, outputs, self.alerted_at)

    async def verdict(self) -> Verdict:
        """Every fact of the scenario's table."""
        return judge(self.staged.scenario, await self.scene())

    def _status(self) -> Json:
        durable: Any = SimpleNamespace(
            runtime_status=SimpleNamespace(name="Running"),
            input_=self.driven.order,
            custom_status=self.driven.status,
        )
        told = status.read(open_store(), durable)
        assert told is not None
        return told


async def play(
    stage_: Stage, scenario: Scenario, pretended: Mapping[str, Json] | None = None
) -> Play:
    """Attack and send the alert; the incident is opened, and nothing of it is done yet."""
    staged = await stage(scenario, stage_, lambda *_: None)
    alerted_at = datetime.now(UTC)
    victim = scenario.victim(stage_.described)
    order = await stage_.in_process.alert(victim.object_id)
    order["policy"]["verification"]["attempts"] = PROOFS
    driven = stage_.in_process.start(order, pretended)
    return Play(stage_, staged, driven, alerted_at)


def red(verdict: Verdict) -> dict[str, str]:
    """The facts that do not hold, and what was seen instead."""
    return {fact["fact"]: fact["actual"] for fact in verdict["facts"] if not fact["holds"]}


@pytest.fixture
async def scenario_stage(in_process: InProcess) -> AsyncIterator[Stage]:
    """A fresh sandbox with an attacker's client before it."""
    async with in_process.sandbox.client() as http:
        yield Stage(in_process, http, Control(http, in_process.sandbox.endpoints["control"]))
