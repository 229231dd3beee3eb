"""No secret that the sandbox ever issued or was shown turns up in anything that the product wrote."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from drill.control import Control
from drill.scenarios import SCENARIOS
from responders import logs
from tests.sandbox_fixture import RunningSandbox
from tests.scenario_play import Stage, play, red

LEAST = 8  # characters; shorter ones would be found everywhere


@pytest.fixture
def host_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The product's log as its host gets it, at a level that shows everything."""
    before = structlog.get_config()
    logs.configure()
    structlog.configure(cache_logger_on_first_use=False)
    with caplog.at_level(logging.DEBUG):
        yield caplog
    structlog.configure(**before)


@pytest.fixture
async def control(sandbox: RunningSandbox) -> Any:
    async with sandbox.client() as http:
        yield Control(http, sandbox.endpoints["control"])


async def test_nothing_that_the_product_writes_holds_a_secret(
    scenario_stage: Stage, host_log: pytest.LogCaptureFixture
) -> None:
    """Log at debug level, evidence, report, cards, Durable's history and the status answer."""
    played = await play(scenario_stage, SCENARIOS["secret-on-service-principal"])
    await played.until("watching")
    played.log = "\n".join(record.getMessage() for record in host_log.records)

    scene = await played.scene()

    pieces = {name: parts(value) for name, value in scene.secrets.items()}
    assert len(pieces) > 20
    assert "outcome" in scene.outputs["host log"]
    assert [where for where, text in scene.outputs.items() if not text] == []
    assert [
        f"{name} in the {where}"
        for name, searched in pieces.items()
        for where, text in scene.outputs.items()
        if any(piece in text for piece in searched)
    ] == []


async def test_the_verdict_finds_a_secret_wherever_it_is(scenario_stage: Stage) -> None:
    played = await play(scenario_stage, SCENARIOS["secret-on-service-principal"])
    await played.contained_or_not()
    secret = played.staged.held.secrets["planted client secret"]
    played.log = f"a line with {secret} in it"

    assert "no secret of anybody's is in any of them" in red(await played.verdict())


async def test_the_ledger_has_what_crossed_the_wire(
    sandbox: RunningSandbox, control: Control
) -> None:
    token = sandbox.sign_in("dana", "https://graph.microsoft.com")
    application = sandbox.seed["orders_api"]["application_object_id"]
    url = f"{sandbox.endpoints['graph']}/v1.0/applications/{application}/addPassword"
    answer = sandbox.http.post(url, headers={"Authorization": f"Bearer {token}"}, json={})
    secret = answer.json()["secretText"]
    login = f"{sandbox.endpoints['login']}/{sandbox.tenant_id}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "guessed-one"}
    sandbox.http.post(login, data=form)

    found = await control.secrets()

    assert {token, secret, "guessed-one"} <= set(found)
    recorded = json.dumps(sandbox.record())
    assert token not in recorded
    assert secret not in recorded


async def test_the_ledger_has_what_a_machine_was_given_and_what_lies_in_vaults(
    sandbox: RunningSandbox, control: Control
) -> None:
    path = "/sandbox/machines/vm-batch/metadata/identity/oauth2/token"
    query = {"api-version": "2018-02-01", "resource": "https://management.azure.com"}
    url = sandbox.endpoints["control"] + path
    answer = sandbox.http.get(url, params=query, headers={"Metadata": "true"})

    found = await control.secrets()

    assert answer.json()["access_token"] in found
    assert any("kv-orders" in where for where in found.values())


async def test_a_fresh_world_has_a_fresh_ledger(sandbox: RunningSandbox, control: Control) -> None:
    token = sandbox.sign_in("dana", "https://graph.microsoft.com")
    url = f"{sandbox.endpoints['graph']}/v1.0/organization"
    sandbox.http.get(url, headers={"Authorization": f"Bearer {token}"})
    before = token in await control.secrets()

    sandbox.control("POST", "reset")

    assert before
    assert token not in await control.secrets()


def parts(secret: str) -> list[str]:
    """What is searched for: a token's payload and signature each, since either alone would be a leak."""
    assert len(secret) >= LEAST
    pieces = secret.split(".") if secret.startswith("eyJ") else [secret]
    return [piece for piece in pieces[-2:] if len(piece) >= LEAST]
