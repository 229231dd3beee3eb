"""A scenario on any ground, with a host or without: staged before the alert, looked at when the incident is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import httpx

from drill.control import Control
from drill.options import DrillError, Json
from drill.replays import asked, read_in_pods, reply
from drill.scenarios.recovery import Recovery
from drill.scenarios.scenario import Scenario, Tell
from drill.scene import EvidenceFile, Reply, Scene
from drill.states import workloads_of
from drill.verdict import half_done
from drill.verdict.facts import establish
from drill.verdict.judgement import Verdict
from drill.verdict.times import measure
from sandbox.attacks.attacker import Attacker, AttackFailedError
from sandbox.attacks.held import Ask, Held, Use


class Ground(Protocol):
    """Where a scenario is played: a sandbox, and wherever the app keeps its evidence."""

    @property
    def described(self) -> Json:
        """The content of sandbox.json."""

    @property
    def http(self) -> httpx.AsyncClient:
        """A client that trusts the sandbox."""

    @property
    def control(self) -> Control:
        """The sandbox's control API."""

    @property
    def evidence(self) -> Path:
        """Where the app keeps what it finds."""


@dataclass(frozen=True)
class Staged:
    """The attack is over, the alert has not come yet."""

    scenario: Scenario | Recovery
    before: Json
    staged: Json
    held: Held


@dataclass(frozen=True)
class Ended:
    """What is known of the incident when it is over."""

    status: Json  # as the app tells it
    evidence: Sequence[EvidenceFile]
    outputs: Mapping[str, str]
    alerted_at: datetime


async def stage(scenario: Scenario | Recovery, ground: Ground, tell: Tell) -> Staged:
    """Plant what was there all along, and attack. Raises `DrillError` where the attack does not succeed."""
    if wanted := scenario.ground(ground.described):
        await ground.control.seed(wanted)
    before = await ground.control.state()
    described = ground.described
    attacker = Attacker(ground.http, described["endpoints"], described["tenant_id"])
    try:
        held = await scenario.attack(attacker, described, tell)
    except AttackFailedError as error:
        raise DrillError(f"The attack could not be staged: {error}") from error
    return Staged(scenario, before, await ground.control.state(), held)


async def look(staged: Staged, ground: Ground, ended: Ended) -> Scene:
    """The state as it is now, and every move made again."""
    after, traffic = await ground.control.state(), await ground.control.traffic()
    described, held = ground.described, staged.held
    app_id = described["seed"]["billing_api"]["app_id"]
    blob = described["seed"]["storage"]["blob_url"]
    workloads = workloads_of(staged.before, app_id)
    ways = {how: await asked(_token(ask)) for how, ask in held.ways.items()}
    uses = {how: await asked(_use(use)) for how, use in held.uses.items()}
    return Scene(
        seed=described["seed"],
        victim=staged.scenario.victim(described),
        before=staged.before,
        staged=staged.staged,
        after=after,
        traffic=traffic,
        alerted_at=ended.alerted_at,
        consented_at=None,
        credential_replays=ways,
        token_replays=uses,
        bystander_reads=await read_in_pods(ground.control, after, workloads, blob),
        evidence=ended.evidence,
        outputs=ended.outputs,
        secrets=held.secrets | await ledger(ground.control),
        traces=held.traces,
        suspects=held.made,
        status=ended.status,
        switches=await ground.control.switches(described["seed"]["clusters"]),
    )


def judge(scenario: Scenario | Recovery, scene: Scene) -> Verdict:
    """Every fact of the scenario's table."""
    further = half_done.TABLE if isinstance(scenario, Recovery) and half_done.is_due(scene) else ()
    table = [*scenario.table(), *further]
    facts = [fact for noun, checks in table for fact in establish(noun, checks, scene)]
    passed = all(fact["holds"] for fact in facts)
    return {"passed": passed, "facts": facts, "times": measure(scene)}


async def _token(ask: Ask) -> Reply:
    return reply(await ask())


async def _use(use: Use) -> Reply:
    return Reply(*await use())


async def ledger(control: Control) -> dict[str, str]:
    """Every secret that crossed the sandbox's wires, named by where it was seen and a number, never by itself."""
    found = await control.secrets()
    return {f"{name} #{number}": value for number, (value, name) in enumerate(found.items())}
