"""One scenario with real processes: attack, alert of severity 1, containment without a question, verdict."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drill.options import Json, Options
from drill.responder import Responder
from drill.results import Outcome, record, shown
from drill.scenarios.scenario import Scenario
from drill.sending import SAYS, Sending, rule
from drill.staging import Ended, judge, look, stage
from drill.training_ground import Layout, TrainingGround, opened
from drill.watching import Followed, Screen, Watcher
from drill.writings import evidence_of, outputs_of


async def run_scenario(
    scenario: Scenario, options: Options, screen: Screen, folder: Path
) -> Outcome:
    """Carry it out in a folder of its own. Raises `DrillError` where it could not be carried out."""
    layout = Layout.of(folder, options, rules=rule(options.trigger, "contain"))
    screen.heading(scenario.name, scenario.story)
    async with opened(layout) as ground:
        return await _Contained(scenario, options, screen, ground).run()


@dataclass(frozen=True)
class _Contained:
    scenario: Scenario
    options: Options
    screen: Screen
    ground: TrainingGround

    async def run(self) -> Outcome:
        control = self.ground.control
        self.screen.heading("Attack", f"logs in {shown(self.ground.folder)}")
        staged = await stage(self.scenario, self.ground, self.screen.move)
        await control.set_faults(self.options.faults)
        await control.set_latency(self.options.latency)
        alerted_at = datetime.now(UTC)
        followed = await self._respond(alerted_at)
        self.screen.heading("Verdict", "from the sandbox's state and from moves made again")
        await control.clear_faults()
        traffic, permissions = await control.traffic(), await control.permissions()
        scene = await look(staged, self.ground, await self._ended(followed, alerted_at))
        verdict = judge(self.scenario, scene)
        return record(self.ground, verdict, followed.status, traffic, permissions)

    async def _respond(self, alerted_at: datetime) -> Followed:
        responder = await Responder.sign_in(self.ground)
        victim = self.scenario.victim(self.ground.described)
        sending = Sending(self.ground, responder, victim, "contain")
        incident_id = await sending.by(self.options.trigger)
        self.screen.heading("Incident", f"{incident_id}, opened by {SAYS[self.options.trigger]}")
        watcher = Watcher(responder, self.screen, _nobody_agrees, _nothing, alerted_at)
        return await watcher.follow(incident_id, self.options.timeout_s)

    async def _ended(self, followed: Followed, alerted_at: datetime) -> Ended:
        evidence = evidence_of(self.ground.evidence)
        state = await self.ground.control.state()
        outputs = outputs_of(self.ground, evidence, state, followed.status)
        return Ended(followed.status, evidence, outputs, alerted_at)


async def _nobody_agrees(_consent: Json) -> bool:
    """Containment asks nobody; were a question put all the same, the answer is no."""
    return False


async def _nothing() -> None:
    return
