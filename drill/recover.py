"""One recovery with real processes: attack, alert of severity 0, consent, recovery, verdict."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from drill.options import Json, Options
from drill.recovering import before_consent, look_recovered, mend
from drill.rehearsal import Decide, agree
from drill.responder import Responder
from drill.results import Outcome, record, shown
from drill.scenarios.recovery import Recovery
from drill.scene import Pause
from drill.sending import SAYS, Sending, rule
from drill.staging import Ended, Staged, judge, stage
from drill.training_ground import VECTORS, Layout, TrainingGround, opened
from drill.waiting import let_it_be_over
from drill.watching import Followed, Screen, Watcher
from drill.writings import evidence_of, outputs_of


async def run_recovery(
    recovery: Recovery, options: Options, screen: Screen, folder: Path, *, decide: Decide = agree
) -> Outcome:
    """Carry it out in a folder of its own. Raises `DrillError` where it could not be carried out."""
    policy = {**dict.fromkeys(VECTORS, f'"{recovery.method}"'), **recovery.policy}
    layout = Layout.of(folder, options, policy, rules=rule(options.trigger, "respond"))
    screen.heading(recovery.name, recovery.story)
    screen.move(
        "policy of this drill", f"[recovery.refederation] {recovery.method}, for every vector"
    )
    async with opened(layout) as ground:
        return await _Recovered(recovery, options, screen, ground, decide).run()


@dataclass
class _Recovered:
    recovery: Recovery
    options: Options
    screen: Screen
    ground: TrainingGround
    decide: Decide
    pauses: list[Pause] = field(default_factory=list)

    async def run(self) -> Outcome:
        control = self.ground.control
        self.screen.heading("Attack", f"logs in {shown(self.ground.folder)}")
        staged = await stage(self.recovery, self.ground, self.screen.move)
        await control.set_faults(self.options.faults)
        await control.set_latency(self.options.latency)
        alerted_at = datetime.now(UTC)
        followed = await self._respond(staged, alerted_at)
        self.screen.heading("Verdict", "from the sandbox's state and from moves made again")
        await control.clear_faults()
        traffic, permissions = await control.traffic(), await control.permissions()
        evidence = evidence_of(self.ground.evidence)
        outputs = outputs_of(self.ground, evidence, await control.state(), followed.status)
        ended = Ended(followed.status, evidence, outputs, alerted_at)
        scene = await look_recovered(
            self.recovery, staged, self.ground, ended, followed.consented_at
        )
        scene = replace(scene, pauses=tuple(self.pauses))
        return record(
            self.ground, judge(self.recovery, scene), followed.status, traffic, permissions
        )

    async def _respond(self, staged: Staged, alerted_at: datetime) -> Followed:
        responder = await Responder.sign_in(self.ground)
        victim = self.recovery.victim(self.ground.described)
        sending = Sending(self.ground, responder, victim, "respond")
        incident_id = await sending.by(self.options.trigger)
        self.screen.heading("Incident", f"{incident_id}, opened by {SAYS[self.options.trigger]}")

        async def meanwhile() -> None:
            await before_consent(self.recovery, staged, self.ground)
            for trouble in self.recovery.troubles:
                self.screen.move(f"trouble in {trouble.cluster}", trouble.says)
                await self.ground.control.turn(trouble.cluster, trouble.broken)

        watcher = Watcher(
            responder, self.screen, self.decide, meanwhile, alerted_at, self._let_it_be_over
        )
        followed = await watcher.follow(incident_id, self.options.timeout_s)
        for number, trouble in enumerate(self.recovery.troubles, start=1):
            self.pauses.append(
                Pause(trouble.cluster, followed.status, await self.ground.control.state())
            )
            self.screen.move(f"{trouble.cluster} is mended", "by somebody who knows how")
            await mend(trouble, self.ground)
            self.screen.move("resumed by", f"rosa, for the {number}. time")
            await responder.resume(incident_id, f"drill: {trouble.cluster} is well again")
            followed = await watcher.go_on(incident_id, self.options.timeout_s, followed)
        return followed

    async def _let_it_be_over(self, status: Json) -> None:
        await let_it_be_over(status, self.ground, self.screen)
