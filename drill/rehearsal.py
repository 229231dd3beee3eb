"""The drill itself: attack, alert, watch, replay, judge."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from drill.observing import Observer, States, target_of
from drill.options import DrillError, Json, Options
from drill.responder import Responder
from drill.results import Outcome, fresh, new_folder, record, shown
from drill.scenarios.scenario import orders_api
from drill.sending import SAYS, Sending, rule
from drill.training_ground import Layout, TrainingGround, opened
from drill.verdict.judgement import judge
from drill.watching import Followed, Screen, Watcher
from sandbox.attacks.attacker import Attacker, AttackFailedError
from sandbox.attacks.compromise import Loot, Target, compromise

Decide = Callable[[Json], Awaitable[bool]]


async def agree(_: Json) -> bool:
    """Consent without a key press."""
    return True


async def run_drill(
    options: Options,
    screen: Screen,
    *,
    decide: Decide = agree,
    afterwards: Callable[[Outcome, TrainingGround], Awaitable[None]] | None = None,
) -> Outcome:
    """Carry out one drill. `afterwards` runs while sandbox and host are still up.

    Raises `DrillError` where it could not be carried out; a red verdict is an outcome.
    """
    folder = fresh(options.folder) if options.folder else new_folder()
    layout = Layout.of(folder, options, rules=rule(options.trigger, "respond"))
    async with AsyncExitStack() as stack:
        screen.heading("Setting up", f"sandbox and host; logs in {shown(folder)}")
        ground = await stack.enter_async_context(opened(layout))
        outcome = await Drill(options, screen, ground, decide).run()
        if afterwards is not None:
            await afterwards(outcome, ground)
    return outcome


@dataclass
class Drill:
    """One drill on one ground: orders-api is attacked, starting in the first cluster."""

    options: Options
    screen: Screen
    ground: TrainingGround
    decide: Decide
    target: Target = field(init=False)
    attacker: Attacker = field(init=False)

    def __post_init__(self) -> None:
        """Find the target in the seed."""
        described = self.ground.described
        self.target = target_of(described)
        self.attacker = Attacker(self.ground.http, described["endpoints"], described["tenant_id"])

    async def run(self) -> Outcome:
        """All of it, in order."""
        control = self.ground.control
        if self.options.planted is not None:
            await control.seed(self.options.planted(self.ground.described))
        before = await control.state()
        self.screen.heading("Attack", "orders-api, which three clusters federate into")
        loot = await self._attack()
        staged = await control.state()
        await control.set_faults(self.options.faults)
        await control.set_latency(self.options.latency)
        alerted_at = datetime.now(UTC)
        followed = await self._respond(loot, alerted_at)
        self.screen.heading("Verdict", "from the sandbox's state and from moves made again")
        await control.clear_faults()
        traffic, permissions = await control.traffic(), await control.permissions()
        states = States(before, staged, await control.state())
        observer = Observer(self.ground, self.attacker, self.target, loot)
        scene = await observer.observe(states, traffic, followed, alerted_at)
        return record(self.ground, judge(scene), followed.status, traffic, permissions)

    async def _attack(self) -> Loot:
        try:
            return await compromise(self.attacker, self.target, self.screen.move)
        except AttackFailedError as error:
            raise DrillError(f"The attack could not be staged: {error}") from error

    async def _respond(self, loot: Loot, alerted_at: datetime) -> Followed:
        responder = await Responder.sign_in(self.ground)
        victim = orders_api(self.ground.described)
        sending = Sending(self.ground, responder, victim, "respond")
        incident_id = await sending.by(self.options.trigger)
        self.screen.heading("Incident", f"{incident_id}, opened by {SAYS[self.options.trigger]}")

        async def steal_again() -> None:
            """The foothold still stands: fresh tokens, just before the pods are stopped."""
            for cluster in self.ground.described["seed"]["clusters"]:
                token = await self.attacker.read_mounted_token(
                    cluster, self.target.namespace, self.target.service_account
                )
                if token is not None:
                    loot.account_tokens[f"{cluster}, before eviction"] = token

        watcher = Watcher(responder, self.screen, self.decide, steal_again, alerted_at)
        return await watcher.follow(incident_id, self.options.timeout_s)
