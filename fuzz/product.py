"""The product in this process: the one module here that imports it, and only to start it.

Steps are run one after the other, in an order that a number decides, so that a world is the same in every run; after
each of them somebody may act. A step may be delivered twice, as Durable's activities are at least once.
"""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
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
from responders import risk
from responders.cloud import Cloud
from tests.azure_fake import hurry
from tests.in_process import Clock, Driven, InProcess, Step, activities, orchestrations
from tests.rehearsal import Instance
from tests.sandbox_fixture import RunningSandbox
from triggers import status

_SWEEPS = {"collect_logs", "collect_activity_log", "trace_footprint"}
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
        sandbox.control("POST", "limits", {"identity_protection": 1000})
        try:
            yield Product(InProcess(sandbox, evidence, Clock(sandbox)), log)
        finally:
            await (await Cloud.connect()).close()


@contextmanager
def _logged_to(log: io.StringIO) -> Iterator[None]:
    before = structlog.get_config()
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
        self._busy = False

    async def __aenter__(self) -> None:
        """Wait in line, together with all that are scheduled in this turn."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await asyncio.sleep(0)
        if not self._busy:
            self._next()
        await waiter

    async def __aexit__(self, *_: object) -> None:
        """Let the next one through."""
        self._busy = False
        self._next()

    def _next(self) -> None:
        waiting = [one for one in self._waiting if not one.done()]
        self._waiting = waiting
        if waiting:
            self._busy = True
            chosen = waiting[self._draw.randrange(len(waiting))]
            self._waiting.remove(chosen)
            chosen.set_result(None)


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
                    answer = await step(given)
                    if name in schedule.twice:
                        answer = await step(given)
                await after(name, answer)
                return answer

        return act

    steps: Mapping[str, Step] = {name: watched(name, step) for name, step in activities().items()}
    instance = Instance(orchestrations()["compromised_identity"], dict(order), world.clock.now())
    return Driven(instance, world.clock, steps, dict(order))


def _sweep_of(order: Json) -> int:
    return int(str(order.get("facts", {}).get("sweep", "sweep-1")).rpartition("-")[2])


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


def document(evidence: Path, name: str) -> Json:
    """A JSON document of the incident by its file's name, or an empty one."""
    found = sorted(evidence.rglob(name))
    return dict(json.loads(found[0].read_text())) if found else {}
