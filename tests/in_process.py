"""The real playbook with its real steps against the real sandbox, without a host and without waiting.

The orchestrator runs on Durable's own executor, as in `tests/rehearsal.py`; what it schedules side by side does run
side by side. Time is virtual: where nothing is under way any more, playbook and sandbox jump to the next timer.
"""

import asyncio
import importlib
import json
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import FunctionBuilder

import playbooks
from drill.alert import Severity, log_alert
from drill.responder import ACTION_GROUPS
from drill.training_ground import AUDIENCE
from playbooks import consent_records, plan_files
from playbooks.journaled import open_store
from playbooks.orders import Approver, Consent, Order
from responders import risk, run_records
from responders.cloud import Cloud
from responders.model import Hint, Mode, Signal
from tests.azure_fake import hurry
from tests.queue_out import QueueOut
from tests.rehearsal import Instance, Json, Rehearsal, timers_of
from tests.report_schema import faults_in
from tests.sandbox_fixture import RunningSandbox

APPROVERS: list[Approver] = [
    {"object_id": f"00000000-0000-4000-8000-00000000a55{number}", "name": name}
    for number, name in enumerate(("ines", "yuri"))
]
Step = Callable[[Json], Awaitable[Json]]
_TURNS = 600
_FORGET_AFTER = timedelta(hours=1)  # a longer jump outdates tokens that the product still trusts


@dataclass
class Clock:
    """The sandbox's time: the machine's, plus every jump."""

    sandbox: RunningSandbox
    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """The present of playbook and sandbox."""
        return datetime.now(UTC) + self.ahead

    async def jump(self, to: datetime) -> None:
        """Let the time until then pass at once. Connections are opened anew where tokens have expired."""
        by = max(to - self.now(), timedelta())
        self.sandbox.control("POST", "clock", {"advance_seconds": by.total_seconds()})
        self.ahead += by
        if by > _FORGET_AFTER:
            await (await Cloud.connect()).close()


@dataclass
class Driven:
    """One orchestration under way: `until` may be called again to go on."""

    instance: Instance
    clock: Clock
    steps: Mapping[str, Step]
    order: Json
    run: Rehearsal = field(default_factory=Rehearsal)
    answers: list[tuple[str, Json]] = field(default_factory=list)  # (step, what it returned)
    is_done: bool = False
    _timers: dict[int, datetime] = field(default_factory=dict)
    _under_way: dict["asyncio.Task[Json]", tuple[int, str]] = field(default_factory=dict)
    _events: list[Json] = field(default_factory=list)
    _inner: list[tuple[int, str, Json]] = field(default_factory=list)  # playbooks not yet started

    @property
    def status(self) -> Json:
        """The custom status as it stands."""
        return self.run.statuses[-1] if self.run.statuses else {}

    def raise_event(self, name: str, payload: Any) -> None:
        """An external event, such as a person's consent."""
        self._events.append({"kind": 15, "Name": name, "Input": json.dumps(payload)})

    def agree(
        self, *, chosen: Collection[str] = (), confirmed: Collection[str] | None = None
    ) -> Json:
        """So many people as it takes say yes to the plan that is asked about, as the API hands it over. The plan."""
        store, incident = open_store(), self.order["incident"]
        asked = self.status["consent"]
        plan: Json = store.get_json(
            plan_files.plan_path(incident, plan_files.newest(store, incident))
        )
        every = [one["key"] for one in plan["confirmations"]]
        for person in APPROVERS[: asked["needs"]]:
            consent: Consent = {
                "decision": "grant",
                "plan_hash": asked["plan_hash"],
                "approver": person,
                "reason": "read",
                "at": self.clock.now().isoformat(timespec="milliseconds"),
                "chosen": sorted(chosen),
                "confirmed": sorted(every if confirmed is None else confirmed),
            }
            consent_records.keep(store, incident["incident_id"], consent)
        self.raise_event(asked["event"], {"read": True})
        return plan

    async def until(self, *phases: str) -> Rehearsal:
        """Go on until one of these phases is reached and no step is under way, or to the end."""
        for _ in range(_TURNS):
            self._turn()
            if self.is_done or (self.status.get("phase") in phases and not self._under_way):
                return self.run
            await self._next()
        raise AssertionError(f"the playbook does not end; last status {self.status}")

    async def until_answered(self, step: str) -> Rehearsal:
        """Go on until this step has answered, in whichever playbook, and nothing is under way, or to the end."""
        for _ in range(_TURNS):
            self._turn()
            answered = any(name == step for name, _ in self.answers)
            if self.is_done or (answered and not self._under_way):
                return self.run
            await self._next()
        raise AssertionError(f"{step} never answers; last status {self.status}")

    async def before(self, *phases: str) -> Rehearsal:
        """Go on until one of these phases begins, and do nothing of it."""
        for _ in range(_TURNS):
            self._turn()
            if self.is_done or self.status.get("phase") in phases:
                for task in self._under_way:  # made in this turn: not one of them has begun
                    task.cancel()
                return self.run
            await self._next()
        raise AssertionError(f"{phases} never begin; last status {self.status}")

    def _turn(self) -> None:
        fresh, state = self.instance.turn()
        if state.get("customStatus") and state["customStatus"] != self.status:
            self.run.statuses.append(state["customStatus"])
        for number, action in fresh:
            self._schedule(number, action)
        for number, action in zip(self.instance.timer_ids, timers_of(state), strict=False):
            if action.get("isCanceled"):
                self._timers.pop(number, None)
        if state["isDone"]:
            assert not state.get("error"), state["error"]
            self.is_done = True
            self.run.outcome, self.run.ended_at = state.get("output"), self.clock.now()

    def _schedule(self, number: int, action: Json) -> None:
        match action["actionType"]:
            case 0 | 2:
                name, order = action["functionName"], json.loads(action["input"])
                self.run.timeline.append(name)
                self.run.orders.append((name, order))
                if name in orchestrations():
                    self._inner.append((number, name, order))
                else:
                    self._under_way[asyncio.ensure_future(self.steps[name](order))] = (number, name)
            case 5:
                fires = datetime.fromisoformat(action["fireAt"].replace("Z", "+00:00"))
                self._timers[number] = fires
            case 6:
                pass
            case other:
                raise AssertionError(f"action {other} is not rehearsed")

    async def _enclosed(self, name: str, order: Json) -> Json:
        """A playbook inside this one, from its first step to its end."""
        instance = Instance(orchestrations()[name], order, self.clock.now())
        inner = Driven(instance, self.clock, self.steps, order)
        outcome = (await inner.until()).outcome
        self.run.timeline += inner.run.timeline
        self.answers += inner.answers
        return dict(outcome)

    async def _next(self) -> None:
        """The next thing that happens: an event, a step that ends, or else the nearest timer."""
        if not self._under_way:
            for number, name, order in self._inner:
                task = asyncio.create_task(self._enclosed(name, order))
                self._under_way[task] = (number, name)
            self._inner.clear()
        if self._events:
            event = self._events.pop(0)
        elif self._under_way:
            done, _ = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            task = done.pop()
            number, name = self._under_way.pop(task)
            self.answers.append((name, task.result()))
            kind = 8 if name in orchestrations() else 5
            event = {"kind": kind, "TaskScheduledId": number, "Result": json.dumps(task.result())}
        else:
            assert self._timers, f"nothing can happen any more; last status {self.status}"
            number, fires = min(self._timers.items(), key=lambda item: item[1])
            self._timers.pop(number)
            await self.clock.jump(fires)
            event = {"kind": 11, "TimerId": number}
        self.instance.now = self.clock.now()
        self.instance.add(self.instance.event(event.pop("kind"), **event))


@dataclass(frozen=True)
class InProcess:
    """The product in this process, pointed at a fresh sandbox."""

    sandbox: RunningSandbox
    evidence: Path
    clock: Clock

    async def alert(self, object_id: str, severity: Severity = "Sev1") -> Order:
        """Deliver Azure Monitor's alert to the real trigger; the order that it would start."""
        from triggers import azure_monitor  # noqa: PLC0415 - reads the policy that settings name

        body = json.dumps(log_alert(self.sandbox.described, object_id, severity)).encode()
        wish = {"app_id": ACTION_GROUPS, "audience": AUDIENCE}
        token = self.sandbox.control("POST", "sign-in", wish)["access_token"]
        request = func.HttpRequest(
            "POST",
            "/api/secure/alerts/azure-monitor",
            headers={"Authorization": f"Bearer {token}"},
            body=body,
        )
        client = _Client()
        trigger: Any = azure_monitor.on_azure_monitor_secure_alert
        answer = await trigger._function._func.client_function(
            req=request, client=client, later=QueueOut()
        )
        assert answer.status_code == 202, answer.get_body()
        (order,) = client.started
        return order

    async def call(self, hint: Hint, mode: Mode = "contain") -> Order:
        """Let a responder open an incident; the order that it would start."""
        from triggers import intake  # noqa: PLC0415 - reads the policy that settings name

        client = _Client()
        signal: Signal = {
            "source": "responder",
            "kind": "call",
            "signal_id": str(hint),
            "fired_at": self.clock.now().isoformat(timespec="seconds"),
            "title": "rosa: somebody is in",
            "severity": "responder",
            "confidence": "high",
            "authenticated": "token",
            "hint": hint,
        }
        durable: Any = client
        await intake.accept(signal, mode, durable)
        (order,) = client.started
        return order

    def start(
        self,
        order: Order,
        pretended: Mapping[str, Json] | None = None,
        *,
        playbook: str = "compromised_identity",
    ) -> Driven:
        """Start the playbook. A `pretended` step answers with this and does nothing.

        A run of a quiet day is put on the list first, as whoever starts one does.
        """
        if (run := dict(order).get("run")) is not None:
            run_records.opened(open_store(), run)
        steps = dict(activities())
        for name, answer in (pretended or {}).items():
            assert name in steps, f"no step is called {name}"
            steps[name] = _pretender(answer)
        instance = Instance(orchestrations()[playbook], dict(order), self.clock.now())
        return Driven(instance, self.clock, steps, dict(order))


class _Client:
    """A Durable client that knows of no incident and keeps what it is asked to start."""

    def __init__(self) -> None:
        self.started: list[Order] = []

    async def get_status(self, _instance_id: str) -> None:
        return None

    async def start_new(self, _name: str, *, instance_id: str, client_input: Order) -> str:
        self.started.append(client_input)
        return instance_id


def _pretender(answer: Json) -> Step:
    async def pretend(_order: Json) -> Json:
        return answer

    return pretend


@cache
def activities() -> Mapping[str, Step]:
    """Every step that exists, by its name."""
    return {name: builder._function._func for name, builder in _functions("activityTrigger")}


@cache
def orchestrations() -> Mapping[str, Any]:
    """Every playbook, the ones inside playbooks too."""
    return dict(_functions("orchestrationTrigger"))


def _functions(trigger: str) -> Iterator[tuple[str, Any]]:
    for found in pkgutil.walk_packages(playbooks.__path__, "playbooks."):
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, FunctionBuilder):
                function: Any = value._function
                if function.get_trigger().type == trigger:
                    yield function.get_function_name(), value


@pytest.fixture
async def in_process(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[InProcess]:
    """A fresh world whose replicas are up to date, and the product's settings for it."""
    async with product_in(sandbox, monkeypatch, tmp_path) as running:
        yield running


@asynccontextmanager
async def product_in(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[InProcess]:
    """The same in whichever sandbox."""
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))
    hurry(monkeypatch)
    # ID Protection's one call a second is met by drills with real processes; here both sides are as much faster.
    monkeypatch.setattr(risk, "PACE_S", 0.01)
    sandbox.control("POST", "limits", {"identity_protection": 1000})
    sandbox.no_delays()
    yield InProcess(sandbox, tmp_path / "evidence", Clock(sandbox))
    await (await Cloud.connect()).close()
    # Whatever a test is about: no playbook writes a report that the published schema does not know.
    for folder in {file.parent for file in (tmp_path / "evidence").rglob("report.json")}:
        found = faults_in(folder)
        assert not found, found
