"""Each sender's signal, over real HTTP, starts one incident about its own identity at the depth that it may."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from drill import signal_bodies
from drill.options import Json
from drill.responder import ACTION_GROUPS, Responder
from drill.scene import Victim
from drill.sending import SAYS, TRIGGERS, Sending, rule
from drill.traffic import ours
from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened

# One sandbox and one host for all but the test that puts their clocks forward.
pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]
RULES = "".join(
    [
        rule("azure-monitor-activity", "contain"),
        rule("sentinel", "contain"),
        rule("alertmanager", "contain"),
        rule("defender", "respond"),  # which a key alone does not reach
    ]
)
# Deployments give roles all day; here the policy takes that for an attack.
RULES += """[[signals]]
source = "event-grid"
kind = ["role-assignment-write"]
playbook = "compromised_identity"
mode = "contain"

"""
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
IDENTITY_CONTRIBUTOR = "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59"
SOURCES = {"azure-monitor-activity": "azure-monitor"}
_WITHIN_S = 90
_LATE_S = 2


def layout(folder: Path) -> Layout:
    return Layout(folder=folder, host_environment={}, rules=RULES)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TrainingGround]:
    async with opened(layout(tmp_path_factory.mktemp("ground"))) as running:
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
    assert not [
        one for one in records(ground, "defender") if body["SystemAlertId"].lower() in str(one)
    ]

    by_key = await send(url, **{"x-functions-key": key})
    assert (by_key.status_code, by_key.json()["mode"]) == (202, "contain")
    assert "without an Entra token" in by_key.json()["why"]


async def arm(ground: TrainingGround, user: str, method: str, path: str, body: Any) -> Any:
    """A call of a person to Resource Manager."""
    token = await ground.control.sign_in(user, "https://management.azure.com")
    return await ground.http.request(
        method,
        f"{ground.described['endpoints']['arm']}{path}",
        params={"api-version": "2022-04-01" if "roleAssignments" in path else "2024-11-30"},
        headers={"Authorization": f"Bearer {token}"},
        json=body,
    )


async def settled(ground: TrainingGround, source: str, hint: Json) -> Any:
    """What became of the signal that names this."""
    async with asyncio.timeout(_WITHIN_S):
        while True:
            for one in records(ground, source):
                ended = one["status"] in {"accepted", "recorded", "refused"}
                if one["signal"]["hint"] == hint and ended:
                    return one
            await asyncio.sleep(0.2)


async def test_what_somebody_does_in_the_subscription_is_told_by_its_own_events(
    ground: TrainingGround,
) -> None:
    responder, about = await Responder.sign_in(ground), (await victims(ground))["responder"]
    key = ground.keys["systemKeys"]["eventgrid_extension"]
    hook = (
        f"{responder.origin}/runtime/webhooks/eventgrid?functionName=on_identity_change&code={key}"
    )
    await ground.control.no_delays()
    schema = "CloudEventSchemaV1_0"
    events = ground.described["endpoints"]["eventgrid"]
    await ground.control.subscribe(events, {"endpoint": hook, "schema": schema})
    group = f"/subscriptions/{ground.described['subscription_id']}/resourceGroups/rg-orders"
    authorization = f"{group}/providers/Microsoft.Authorization"
    dana = ground.described["seed"]["users"]["dana"]["object_id"]
    roles = {}
    for role, principal_id in ((READER, about.object_id), (IDENTITY_CONTRIBUTOR, dana)):
        roles[role] = f"{authorization}/roleAssignments/{uuid.uuid4()}"
        given = {
            "roleDefinitionId": f"{authorization}/roleDefinitions/{role}",
            "principalId": principal_id,
        }
        answer = await arm(ground, "dana", "PUT", roles[role], {"properties": given})
        assert answer.status_code == 201
    identity = ground.described["seed"]["payments_identity"]["resource_id"]
    trust = f"{identity}/federatedIdentityCredentials/planted"
    foreign = {
        "issuer": "https://evil.example",
        "subject": "x",
        "audiences": ["api://AzureADTokenExchange"],
    }

    assert (await arm(ground, "dana", "PUT", trust, {"properties": foreign})).status_code == 201

    kept = await settled(ground, "event-grid", {"resource_id": identity})
    assert (kept["status"], kept["signal"]["kind"]) == ("recorded", "federated-credential-write")
    # The event does not say whom a role was given to: the assignment was read.
    hers = {"role_assignment_id": roles[IDENTITY_CONTRIBUTOR]}
    refused = await settled(ground, "event-grid", hers)
    assert "given to a User" in refused["why"]
    opened_by = await settled(ground, "event-grid", {"role_assignment_id": roles[READER]})
    status = await contained(responder, opened_by["incident_id"])
    assert status["principal"]["object_id"] == about.object_id
    # Firebreak took the role away again, which is an event as well, and none of its business.
    own = ours(ground.described["seed"])
    assert not own & {one["signal"].get("actor") for one in records(ground, "event-grid")}


async def test_entities_that_come_minutes_late_still_start_the_incident(tmp_path: Path) -> None:
    async with opened(layout(tmp_path)) as ground:
        await _late(ground)


async def _late(ground: TrainingGround) -> None:
    responder, about = await Responder.sign_in(ground), (await victims(ground))["sentinel"]
    incident = signal_bodies.sentinel_incident(ground.described, about)
    properties = incident["object"]["properties"]
    entities = [
        {"$id": "1", "AppId": about.app_id, "Name": "an app", "Type": "cloud-application"},
        {"$id": "2", "Address": "203.0.113.7", "Type": "ip"},
    ]
    await ground.control.detect(
        title=properties["title"],
        entities=entities,
        incident_name=incident["object"]["name"],
        entities_after_s=_LATE_S,
    )
    properties["relatedEntities"] = []
    bot = await ground.control.sign_in_app(
        ground.described["seed"]["incident_bot"]["app_id"], AUDIENCE
    )
    sent = await ground.http.post(
        f"{responder.origin}/api/secure/alerts/sentinel",
        json=incident,
        headers={"Authorization": f"Bearer {bot}"},
    )
    assert (sent.status_code, sent.json()["status"]) == (202, "waiting")

    # The host's clock is put forward, the app's own is not: it asks for rows until now.
    await asyncio.sleep(_LATE_S)
    await ground.let_pass(121)
    opened_by = await settled(ground, "sentinel", {"app_id": about.app_id})
    assert opened_by["status"] == "accepted"
    responder = await Responder.sign_in(ground)
    status = await contained(responder, opened_by["incident_id"])
    assert status["principal"]["object_id"] == about.object_id
