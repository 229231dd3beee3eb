"""Drives orchestrations: whoever has news gets a turn, one at a time per instance, at once.

All state is in the store. The engine holds only who is being driven, so that a killed process loses nothing: at the
start it asks the store who has unread messages, which activities haven't ended and which timers haven't fired.
"""

import asyncio
import functools

from host import log
from host.alarms import Alarms
from host.clock import CLOCK
from host.crash import CrashAt
from host.durable import endings, history, inbox, work
from host.durable.activities import Activities
from host.durable.effects import Aftermath, Effects
from host.durable.entities import Entities
from host.durable.inbox import Message
from host.durable.store import Instance, Store
from host.durable.turns import Turns
from host.durable.work import Timer
from host.host_json import DurableOptions
from host.tasks import spawn
from host.worker import Worker


class Engine:
    """Turns, activities, timers and entities over one store."""

    def __init__(
        self,
        store: Store,
        worker: Worker,
        options: DurableOptions,
        alarms: Alarms,
        crash: CrashAt,
    ) -> None:
        self.store = store
        self._turns = Turns(store, worker, options.versions)
        self._versions = options.versions
        self._slots = asyncio.Semaphore(options.max_orchestrators)
        self._alarms = alarms
        self._activities = Activities(store, worker, options, crash, self)
        self.entities = Entities(store, worker, options.max_entities, self)
        self._drivers: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def recover(self) -> None:
        """Go on where the last process stopped, however it stopped."""
        runs = work.scheduled_activities(self.store)
        timers = work.timers(self.store)
        waiting = self.store.instances(
            "status = 'Pending' OR instance_id IN (SELECT instance_id FROM inbox)"
        )
        self.pursue(
            Aftermath(
                runs=runs,
                timers=timers,
                instances={instance.instance_id for instance in waiting},
                entities=self.entities.with_work(),
            )
        )
        log.info("history read", instances=len(waiting), activities=len(runs), timers=len(timers))

    def pursue(self, aftermath: Aftermath) -> None:
        """Start what a transaction has written down."""
        for run in aftermath.runs:
            self._activities.start(run)
        for timer in aftermath.timers:
            due = history.parse_timestamp(timer.fire_at)
            self._alarms.at(due, functools.partial(self._fire, timer))
        for instance_id in aftermath.instances:
            self.wake(instance_id)
        for entity_id in aftermath.entities:
            self.entities.wake(entity_id)

    def wake(self, instance_id: str) -> None:
        """There may be a message for this instance, or it is new."""
        if instance_id not in self._drivers and not self._stopping:
            driver = spawn(self._drive(instance_id), "orchestration", instance_id=instance_id)
            self._drivers[instance_id] = driver

    async def drain(self, grace_s: float) -> None:
        """Stop: activities under way may end and be written down, nothing new begins."""
        await self._activities.drain(grace_s)
        self._stopping = True
        underway = [*self._drivers.values(), *self.entities.running()]
        if underway:
            await asyncio.wait(underway, timeout=grace_s)

    def _fire(self, timer: Timer) -> None:
        with self.store.transaction():
            fired = work.fire_timer(self.store, timer)
        if fired:
            self.wake(timer.instance_id)

    async def _drive(self, instance_id: str) -> None:
        """Turns until there is no message left; the check and the exit have no await between."""
        try:
            while not self._stopping:
                instance = self.store.instance(instance_id)
                if instance is None or instance.is_finished:
                    return
                suspended = instance.status == "Suspended"
                message = inbox.next_message(self.store, instance_id, commands_only=suspended)
                if message and message.kind != "event":
                    self.pursue(self._command(instance, message))
                elif message or (instance.status == "Pending"):
                    if not self._versions.may_run(instance.version):
                        if self._refuse(instance):
                            continue
                        return
                    first = instance.status == "Pending"
                    async with self._slots:
                        self.pursue(await self._turns.run(instance, None if first else message))
                else:
                    return
        finally:
            del self._drivers[instance_id]

    def _refuse(self, instance: Instance) -> bool:
        """An instance of another version: failed where host.json wants that, else left for code that may run it."""
        log.warning(
            "orchestration of another version",
            instance_id=instance.instance_id,
            version=instance.version,
            own=self._versions.default,
        )
        if self._versions.failure == "Reject":
            return False
        effects = Effects(self.store, instance, CLOCK.now(), self._versions.default)
        said = f"its version {instance.version!r} does not match {self._versions.default!r} here"
        with self.store.transaction():
            endings.fail(self.store, instance, said, effects)
            self.store.append_history(instance.instance_id, effects.events)
        self.pursue(effects.aftermath)
        return True

    def _command(self, instance: Instance, message: Message) -> Aftermath:
        effects = Effects(self.store, instance, CLOCK.now(), self._versions.default)
        reason = message.event["reason"]
        with self.store.transaction():
            inbox.take(self.store, message)
            stored = self.store.history(instance.instance_id)
            match message.kind:
                case "terminate":
                    endings.terminate(self.store, instance, reason, effects)
                case "suspend" if instance.status != "Suspended":
                    effects.add(history.SUSPENDED, Reason=reason)
                    self.store.set_status(instance.instance_id, "Suspended", effects.moment)
                case "resume" if instance.status == "Suspended":
                    effects.add(history.RESUMED, Reason=reason)
                    resumed = "Running" if stored else "Pending"
                    self.store.set_status(instance.instance_id, resumed, effects.moment)
            self.store.append_history(instance.instance_id, effects.events)
        log.info("instance commanded", command=message.kind, instance_id=instance.instance_id)
        return effects.aftermath
