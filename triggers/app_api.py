"""Trigger: about the app itself: its kill switch, a policy before it is deployed, its health, its own description."""

import asyncio
from datetime import UTC, datetime

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import BaseModel, ConfigDict, Field, field_validator

from responders.model import Signal
from triggers import (
    app_documents,
    edge,
    health,
    health_card,
    health_checks,
    idempotency,
    intake,
    kill_switches,
    openapi,
    people,
    policy_checks,
    signal_list,
)
from triggers.answers import answer
from triggers.edge import Call, Nothing, Operation, Said
from triggers.kill_switches import Turned
from triggers.policy_checks import PolicyText
from triggers.signal_list import SignalsQuery

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.app_api")
_RECENT = 100  # signals that a policy is tried on


class HealthQuery(BaseModel):
    """How much is asked for."""

    model_config = ConfigDict(extra="forbid")

    deep: bool = False
    only: str = Field(default="", description="With deep: names of checks, separated by commas.")

    @field_validator("only")
    @classmethod
    def _known(cls, text: str) -> str:
        known = _spelt()
        for one in _asked(text):
            if one not in known:
                names = ", ".join(sorted(known.values()))
                raise ValueError(f"no check is called {one[:40]!r}; known: {names}")
        return text

    @property
    def checks(self) -> frozenset[str]:
        """The names that were asked for; none is all."""
        return frozenset(_spelt()[one] for one in _asked(self.only))


def _spelt() -> dict[str, str]:
    """Names of checks by their words: `kill-switch` is as good as `kill switch`."""
    return {one.replace("-", " "): one for one in health_checks.names()}


def _asked(text: str) -> list[str]:
    return [one.strip().lower().replace("-", " ") for one in text.split(",") if one.strip()]


READ_SWITCH: Operation[Nothing, Nothing] = Operation(
    name="read_kill_switch",
    method="GET",
    route="api/kill-switch",
    summary="Whether anything acts, and who says so",
    answers={200: Said("as it stands", app_documents.SwitchDocument, tagged=True)},
)
TURN_SWITCH: Operation[Turned, Nothing] = Operation(
    name="set_kill_switch",
    method="PUT",
    route="api/kill-switch",
    summary="Stop every act, or allow them again",
    body=Turned,
    answers={200: Said("it stands so", app_documents.SwitchDocument, tagged=True)},
    steers=True,
)
CHECK_POLICY: Operation[PolicyText, Nothing] = Operation(
    name="check_policy",
    method="POST",
    route="api/policy/check",
    summary="What a policy.toml would do; nothing is kept",
    body=PolicyText,
    answers={200: Said("what is wrong with it, or what it changes", app_documents.PolicyDocument)},
)
HEALTH: Operation[Nothing, HealthQuery] = Operation(
    name="read_health",
    method="GET",
    route="api/health",
    summary="Whether the app can work; in full for who may read",
    query=HealthQuery,
    answers={
        200: Said("it can", app_documents.HealthDocument),
        503: Said("it can't", app_documents.HealthDocument),
    },
)
TEST_CARD: Operation[Nothing, Nothing] = Operation(
    name="send_test_card",
    method="POST",
    route="api/health/test-card",
    summary="Post a card that says that it is a test: nothing else proves that people are told",
    answers={200: Said("whether the workflow took it", app_documents.TestCardDocument)},
    steers=True,
)
DESCRIBE: Operation[Nothing, Nothing] = Operation(
    name="read_openapi",
    method="GET",
    route="api/openapi.json",
    summary="This description",
    answers={200: Said("OpenAPI 3.1")},
)
OPERATIONS = (READ_SWITCH, TURN_SWITCH, CHECK_POLICY, HEALTH, TEST_CARD, DESCRIBE)


@bp.route(**READ_SWITCH.binding)
async def read_kill_switch(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the switch, the setting and the policy."""

    async def act(_: Call[Nothing, Nothing]) -> func.HttpResponse:
        return await kill_switches.show()

    return await edge.serve(req, None, READ_SWITCH, act)


@bp.route(**TURN_SWITCH.binding)
@bp.durable_client_input(client_name="client")
async def set_kill_switch(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 when it stands as wanted; 403 where only an administrator may; 412 where somebody turned it meanwhile."""

    async def act(call: Call[Turned, Nothing]) -> func.HttpResponse:
        expected = call.headers.get("If-Match")
        return await kill_switches.turn(call.person, call.body, expected, call.client)

    return await edge.serve(req, client, TURN_SWITCH, act)


@bp.route(**CHECK_POLICY.binding)
async def check_policy(req: func.HttpRequest) -> func.HttpResponse:
    """200 with what is wrong, or with what it changes."""

    async def act(call: Call[PolicyText, Nothing]) -> func.HttpResponse:
        recent = [] if call.body.signals else await asyncio.to_thread(_recent)
        return answer(200, policy_checks.check(call.body, intake.policy(), recent))

    return await edge.serve(req, None, CHECK_POLICY, act)


def _recent() -> list[Signal]:
    """What came in last."""
    latest = signal_list.page(intake.store(), SignalsQuery(limit=_RECENT))
    return [one["signal"] for one in latest["signals"]]


@bp.route(**HEALTH.binding)
@bp.durable_client_input(client_name="client")
async def read_health(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 or 503. Anybody is told that much; what exactly, only who may read."""

    async def act(call: Call[Nothing, HealthQuery]) -> func.HttpResponse:
        wanted = call.query
        shown = await health.deep(call.client, wanted.checks) if wanted.deep else await _in_a_word()
        return answer(200 if shown["status"] == "ok" else 503, shown)

    is_word = req.params.get("deep") is None
    roles = None if is_word else frozenset({people.READ})
    return await edge.serve(req, client, HEALTH, act, roles=roles)


@bp.route(**TEST_CARD.binding)
async def send_test_card(req: func.HttpRequest) -> func.HttpResponse:
    """200 with whether the workflow took it. That it was posted only the channel shows."""

    async def act(call: Call[Nothing, Nothing]) -> func.HttpResponse:
        return answer(200, await health_card.send(call.person))

    return await edge.serve(req, None, TEST_CARD, act)


async def _in_a_word() -> dict[str, str]:
    return {"status": "ok" if await health.is_well() else "unhealthy"}


@bp.timer_trigger(arg_name="timer", schedule="0 17 * * * *")
async def forget_idempotency_keys(timer: func.TimerRequest) -> None:
    """Every hour: keys that are older than a day are forgotten. One run that fails is made up for by the next."""
    dropped = await asyncio.to_thread(idempotency.forget, intake.store(), datetime.now(UTC))
    _log.info("idempotency keys forgotten", keys=dropped, late=bool(timer.past_due))


@bp.route(**DESCRIBE.binding)
async def read_openapi(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the description of this API. There is nothing secret in it."""

    async def act(_: Call[Nothing, Nothing]) -> func.HttpResponse:
        return answer(200, openapi.document())

    return await edge.serve(req, None, DESCRIBE, act)
