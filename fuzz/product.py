"""The product in this process: the one module here that imports it, and only to start it.

Steps are run one after the other, in an order that a number decides, so that a world is the same in every run; after
each of them somebody may act. A step may be delivered twice, as Durable's activities are at least once.
"""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from drill.writings import evidence_of
from fuzz.worlds import Json
from playbooks.journaled import open_store
from playbooks.orders import Order
from playbooks.restoring import RESTORE, plans
from playbooks.steps import restorable
from responders import risk, signing_key_rotations
from responders.cloud import Cloud, read_only
from tests.azure_fake import hurry
from tests.in_process import Clock, Driven, InProcess, Step, activities, orchestrations
from tests.rehearsal import Instance
from tests.restore_orders import ordered
from tests.sandbox_fixture import RunningSandbox
from triggers import status

_SWEEPS = {"collect_logs", "collect_activity_log", "trace_footprint"}
_LONG = {"rotate_signing_keys"}  # wait for an operation on a cluster, as long as Azure takes
AfterStep = Callable[[str, Json], Awaitable[None]]


@dataclass(frozen=True)
class Product:
    """The product in this process, and all that it logs."""

    in_process: InProcess
    log: io.StringIO


@asynccontextmanager
async def product(sandbox: RunningSandbox, evidence: Path) -> AsyncIterator[Product]:
    """The product's settings for this sandbox, as long as the context lasts."""
    log = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, _logged_to(log):
        for name, value in sandbox.environment.items():
            patch.setenv(name, value)
        patch.setenv("FIREBREAK_EVIDENCE", str(evidence))
        hurry(patch)
        patch.setattr(risk, "PACE_S", 0.01)
        patch.setattr(signing_key_rotations, "POLL_S", 0.05)
        sandbox.control("POST", "limits", {"identity_protection": 1000})
        try:
            yield Product(InProcess(sandbox, evidence, Clock(sandbox)), log)
        finally:
            await (await Cloud.connect()).close()


@contextmanager
def _logged_to(log: io.StringIO) -> Iterator[None]:
    before = structlog.get_config()
    # Whole, whatever was configured before: the app's own processors want a logger of the standard library.
    structlog.reset_defaults()
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(file=log), cache_logger_on_first_use=False
    )
    try:
        yield
    finally:
        structlog.configure(**before)


class Turnstile:
    """One at a time; who is next of those that wait is drawn."""

    def __init__(self, draw: Random) -> None:
        """`draw` decides."""
        self._draw = draw
        self._waiting: list[asyncio.Future[None]] = []
        self._late: list[asyncio.Future[None]] = []
        self._busy = False

    async def __aenter__(self) -> None:
        """Wait in line, together with all that are scheduled in this turn."""
        await self._in(self._waiting)

    async def when_idle(self) -> None:
        """The same, behind everybody who waits; leave with `__aexit__`."""
        await self._in(self._late)

    async def _in(self, line: list[asyncio.Future[None]]) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(waiter)
        await asyncio.sleep(0)
        if not self._busy:
            self._next()
        await waiter

    async def __aexit__(self, *_: object) -> None:
        """Let the next one through."""
        self._busy = False
        self._next()

    def _next(self) -> None:
        for line in (self._waiting, self._late):
            line[:] = [one for one in line if not one.done()]
            if line:
                self._busy = True
                line.pop(self._draw.randrange(len(line))).set_result(None)
                return


@dataclass
class _InTurn(Clock):
    """No time passes under a step that is being taken: where a playbook runs inside another, one may wait meanwhile."""

    turnstile: Turnstile | None = None

    async def jump(self, to: datetime) -> None:
        """As `Clock.jump`, when nobody takes a step."""
        if self.turnstile is None:
            raise ValueError("no turnstile")
        await self.turnstile.when_idle()
        try:
            await super().jump(to)
        finally:
            await self.turnstile.__aexit__()


@asynccontextmanager
async def _time_passes(clock: Clock) -> AsyncIterator[None]:
    """An operation on a cluster takes minutes, for which the step waits: they pass at once."""

    async def on() -> None:
        while True:
            await asyncio.sleep(0.2)
            await Clock.jump(clock, clock.now() + timedelta(seconds=10))

    passing = asyncio.create_task(on())
    try:
        yield
    finally:
        passing.cancel()
        with suppress(asyncio.CancelledError):
            await passing


@dataclass(frozen=True)
class Schedule:
    """How the steps are run."""

    draw: Random  # decides which of those side by side is next
    twice: Collection[str]  # delivered twice
    sweeps: int  # of the logs that are really made: each costs as much as all levers together
    pretended: Mapping[str, Json]  # steps that answer with this and do nothing


def start(world: InProcess, order: Order, schedule: Schedule, after: AfterStep) -> Driven:
    """The playbook, with somebody who acts after every step."""
    turnstile = Turnstile(schedule.draw)

    def watched(name: str, step: Step) -> Step:
        async def act(given: Json) -> Json:
            async with turnstile:
                if name in schedule.pretended:
                    answer = schedule.pretended[name]
                elif name in _SWEEPS and _sweep_of(given) > schedule.sweeps:
                    answer = {"status": "done", "detail": "this sweep is not played"}
                else:
                    async with _time_passes(clock) if name in _LONG else nullcontext():
                        answer = await step(given)
                        if name in schedule.twice:
                            answer = await step(given)
                await after(name, answer)
                return answer

        return act

    steps: Mapping[str, Step] = {name: watched(name, step) for name, step in activities().items()}
    instance = Instance(orchestrations()["compromised_identity"], dict(order), world.clock.now())
    clock = _InTurn(world.sandbox, world.clock.ahead, turnstile)
    return Driven(instance, clock, steps, dict(order))


def _sweep_of(order: Json) -> int:
    return int(str(order.get("facts", {}).get("sweep", "sweep-1")).rpartition("-")[2])


async def go_on(driven: Driven) -> None:
    """A person's word that what was in the way is mended. Ends when it is heard."""
    by = {"object_id": "rosa", "name": "rosa"}
    at = driven.clock.now().isoformat(timespec="seconds")
    event = driven.status["resume"]["event"]
    driven.raise_event(event, {"by": by, "reason": "mended", "at": at})
    while driven.status["resumable"]:  # until it is heard: the phase is the same as before
        await driven._next()
        driven._turn()


async def take_back(driven: Driven, *, everything: bool) -> Json:
    """A person's order to restore, by the plan as it is now, with all of its choices or none. The plan."""
    store, incident = open_store(), driven.order["incident"]
    with read_only():
        plan = await restorable.draw(await Cloud.connect(), store, incident)
    path = restorable.shown_path(incident, plans.plan_hash(plan))
    if not store.exists(path):
        store.put_json(path, plan)
    said = ordered(
        store,
        incident,
        driven.order["policy"],
        plan,
        chosen=plans.choices(plan) if everything else (),
        at=driven.clock.now().isoformat(timespec="seconds"),
    )
    driven.raise_event(RESTORE, dict(said))
    return dict(plan)


def told(driven: Driven) -> Json:
    """The status answer as an operator would get it."""
    durable: Any = SimpleNamespace(
        runtime_status=SimpleNamespace(name="Running"),
        input_=driven.order,
        custom_status=driven.status,
    )
    answer = status.read(open_store(), durable)
    if answer is None:
        raise LookupError("nobody knows of the incident")
    return answer


def outputs(running: Product, driven: Driven, cards: list[Json]) -> dict[str, str]:
    """Everything that was written anywhere, by where."""
    return {
        "log": running.log.getvalue(),
        "evidence": "\n".join(file.text for file in evidence_of(running.in_process.evidence)),
        "orchestration history": json.dumps(driven.instance.history),
        "status answer": json.dumps(told(driven)),
        "Teams messages": json.dumps(cards),
    }


def newest(evidence: Path, pattern: str) -> Json:
    """The JSON document of the incident that was written last among those of such a name, or an empty one."""
    found = sorted(evidence.rglob(pattern), key=lambda one: one.stat().st_mtime_ns)
    return dict(json.loads(found[-1].read_text())) if found else {}


def texts(running: Product, pattern: str) -> list[str]:
    """Files of the incident's evidence."""
    found = sorted(running.in_process.evidence.glob(f"incidents/*/{pattern}"))
    return [one.read_text() for one in found]
