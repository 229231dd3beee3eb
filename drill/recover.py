"""One recovery with real processes: attack, alert of severity 0, consent, recovery, verdict."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drill.alert import log_alert
from drill.options import Json, Options
from drill.recovering import before_consent, look_recovered
from drill.rehearsal import Decide, agree
from drill.responder import Responder
from drill.results import Outcome, record, shown
from drill.scenarios.recovery import Recovery
from drill.staging import Ended, Staged, judge, stage
from drill.training_ground import Layout, TrainingGround, opened
from drill.watching import Followed, Screen, Watcher
from drill.writings import evidence_of, outputs_of

_SPARE = timedelta(seconds=5)  # clocks of two processes


async def run_recovery(
    recovery: Recovery, options: Options, screen: Screen, folder: Path, *, decide: Decide = agree
) -> Outcome:
    """Carry it out in a folder of its own. Raises `DrillError` where it could not be carried out."""
    layout = Layout(
        folder=folder,
        app=options.app,
        host_module=options.host_module,
        host_environment=options.host_environment,
        refederation=recovery.method,
        sandbox_options=options.sandbox_options,
    )
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
        traffic = await control.traffic()
        evidence = evidence_of(self.ground.evidence)
        outputs = outputs_of(self.ground, evidence, await control.state(), followed.status)
        ended = Ended(followed.status, evidence, outputs, alerted_at)
        scene = await look_recovered(
            self.recovery, staged, self.ground, ended, followed.consented_at
        )
        return record(self.ground, judge(self.recovery, scene), followed.status, traffic)

    async def _respond(self, staged: Staged, alerted_at: datetime) -> Followed:
        responder = await Responder.sign_in(self.ground)
        described = self.ground.described
        alert = log_alert(described, self.recovery.victim(described).object_id, "Sev0")
        incident_id = await responder.deliver(alert)
        self.screen.heading("Incident", f"{incident_id}, opened by a Sev0 alert of Azure Monitor")

        async def meanwhile() -> None:
            await before_consent(self.recovery, staged, self.ground)

        watcher = Watcher(
            responder, self.screen, self.decide, meanwhile, alerted_at, self._let_it_be_over
        )
        return await watcher.follow(incident_id, self.options.timeout_s)

    async def _let_it_be_over(self, status: Json) -> None:
        """Nobody waits for hours in a drill: the clocks of sandbox and host are put forward, and it is said."""
        until = status.get("trusted_after")
        if status["phase"] != "waiting_out" or until is None:
            return
        now = datetime.now(UTC) + timedelta(seconds=self.ground.ahead_s)
        left = datetime.fromisoformat(until) + _SPARE - now
        if left > timedelta(minutes=1):
            said = f"clocks put forward by {left}, to {until}; the host was stopped meanwhile"
            self.screen.move("waiting", said)
            await self.ground.let_pass(left.total_seconds())
