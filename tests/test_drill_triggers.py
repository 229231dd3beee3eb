"""Each sender's signal, over real HTTP, starts one incident about its own identity at the depth that it may."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from drill import signal_bodies
from drill.options import Json
from drill.responder import ACTION_GROUPS, Responder
from drill.scene import Victim
from drill.sending import SAYS, TRIGGERS, Sending, rule
from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]
RULES = "".join(
    [
        rule("azure-monitor-activity", "contain"),
        rule("sentinel", "contain"),
        rule("alertmanager", "contain"),
        rule("defender", "respond"),  # which a key alone does not reach
    ]
)
SOURCES = {"azure-monitor-activity": "azure-monitor"}
_WITHIN_S = 90


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[TrainingGround]:
    async with opened(Layout(folder=tmp_path, host_environment={}, rules=RULES)) as running:
        yield running


async def victims(ground: TrainingGround) -> dict[str, Victim]:
    """An application for each sender, so that nothing joins."""
    wanted = [{"displayName": f"app-of-{one}"} for one in TRIGGERS]
    made = (await ground.control.seed({"applications": wanted}))["applications"]
    ids = dict(zip(TRIGGERS, made, strict=True))
    return {
        trigger: Victim(one["app_id"], one["application_object_id"], one["object_id"], "dana")
        for trigger, one in ids.items()
    }


async def contained(responder: Responder, incident_id: str) -> Json:
    async with asyncio.timeout(_WITHIN_S):
        while True:
            status = await responder.incident(incident_id)
            if status["contained_at"]:
                return status
            await asyncio.sleep(0.2)


def records(ground: TrainingGround, source: str) -> list[Any]:
    folder = ground.evidence / "signals" / source
    return [json.loads(one.read_text()) for one in folder.glob("*.json")]


async def test_every_sender_starts_one_incident_about_its_own_identity(
    ground: TrainingGround,
) -> None:
    assert set(SAYS) == set(TRIGGERS)
    responder, about = await Responder.sign_in(ground), await victims(ground)
    opened_by = {
        one: await Sending(ground, responder, about[one], "contain").by(one) for one in TRIGGERS
    }
    assert len(set(opened_by.values())) == len(TRIGGERS)

    for trigger, incident_id in opened_by.items():
        await contained(responder, incident_id)
        (opened_as,) = (ground.evidence / "incidents" / incident_id / "signals").glob("*.json")
        signal = json.loads(opened_as.read_text())
        assert signal["source"] == SOURCES.get(trigger, trigger)
        assert signal["authenticated"] == ("system" if trigger == "event-grid" else "token")
        state = await ground.control.state()
        (principal,) = [
            one for one in state["servicePrincipals"] if one["id"] == about[trigger].object_id
        ]
        assert principal["accountEnabled"] is False

    # The other alert of Alertmanager's group names nobody: it is kept, with the reason.
    fates = {one["status"] for one in records(ground, "alertmanager")}
    assert fates == {"accepted", "refused"}


async def test_what_a_key_sends_contains_at_most_and_what_nobody_sends_starts_nothing(
    ground: TrainingGround,
) -> None:
    responder, about = await Responder.sign_in(ground), await victims(ground)
    body = signal_bodies.defender_alert(about["defender"])
    url, key = f"{responder.origin}/api/alerts/defender", ground.keys["functionKeys"]["default"]
    action_groups = await ground.control.sign_in_app(ACTION_GROUPS, AUDIENCE)

    async def send(path: str, **headers: str) -> Any:
        return await ground.http.post(path, json=body, headers=headers)

    secure = url.replace("/api/", "/api/secure/")
    assert (await send(url)).status_code == 401
    assert (await send(secure)).status_code == 401
    assert (await send(secure, **{"x-functions-key": key})).status_code == 401
    person = {"Authorization": f"Bearer {responder.token}"}
    assert (await send(secure, **person)).status_code == 403
    webhook = {"Authorization": f"Bearer {action_groups}"}
    assert (await send(secure, **webhook)).status_code == 403
    assert records(ground, "defender") == []

    by_key = await send(url, **{"x-functions-key": key})
    assert (by_key.status_code, by_key.json()["mode"]) == (202, "contain")
    assert "without an Entra token" in by_key.json()["why"]
