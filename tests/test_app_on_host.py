"""The real app in the real host against the sandbox, over HTTP: who gets in, and what is not started."""

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from drill.alert import log_alert
from drill.traffic import ours
from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened

NOBODY = "00000000-0000-4000-8000-000000000000"
FIC_WRITE = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[TrainingGround]:
    layout = Layout(folder=tmp_path, host_environment={"FIREBREAK_POLICY": "policy.toml"})
    async with opened(layout) as running:
        yield running


class App:
    """HTTP to the function app."""

    def __init__(self, ground: TrainingGround) -> None:
        self.ground = ground
        self.origin = str(ground.host.ready["url"])
        self.key = str(ground.keys["functionKeys"]["default"])

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {"Content-Type": "application/json", **headers}
        return await self.ground.http.post(self.origin + path, content=raw, headers=said)

    def instances(self) -> int:
        """Orchestrations that the host has ever heard of, read from its history file."""
        with sqlite3.connect(self.ground.folder / "host" / "history.sqlite") as history:
            (count,) = history.execute("SELECT count(*) FROM instances").fetchone()
            return int(count)


async def writes(ground: TrainingGround) -> list[str]:
    """What the app changed in the cloud."""
    own = ours(ground.described["seed"])
    reading = (
        "/token",
        "/query",
        "/v1/$batch",  # Log Analytics'; Graph's is under /v1.0
        "/providers/Microsoft.ResourceGraph/resources",
        "listClusterUserCredential",
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "/topics/incidents/api/events",  # people are told of a plan, too
    )
    return [
        f"{one['method']} {one['url']}"
        for one in await ground.control.traffic()
        if one["caller"] in own
        and one["method"] != "GET"
        and not one["url"].split("?")[0].endswith(reading)
    ]


async def test_nothing_is_started_by_who_has_no_key_or_no_name_or_sends_no_sense(
    ground: TrainingGround,
) -> None:
    app = App(ground)
    principal = ground.described["seed"]["orders_api"]
    alert = log_alert(ground.described, principal["object_id"])
    named = json.loads(json.dumps(alert).replace(principal["object_id"], "orders-api"))
    wanted = {"object_id": principal["object_id"], "mode": "respond", "reason": "test"}
    rosa = f"Bearer {await ground.control.sign_in('rosa', AUDIENCE)}"
    vera = f"Bearer {await ground.control.sign_in('vera', AUDIENCE)}"
    key = {"x-functions-key": app.key}
    forged = {"X-MS-CLIENT-PRINCIPAL": "eyJjbGFpbXMiOltdfQ=="}
    incidents, alerts = "/api/incidents", "/api/alerts/azure-monitor"

    answers = {
        "alert without a key": (await app.post(alerts, alert)).status_code,
        "alert with a wrong key": (
            await app.post(alerts, alert, **{"x-functions-key": "wrong"})
        ).status_code,
        "alert that is no JSON": (await app.post(alerts, b"{", **key)).status_code,
        "alert by display name": (await app.post(alerts, named, **key)).status_code,
        "alert about nobody": (
            await app.post(alerts, log_alert(ground.described, NOBODY), **key)
        ).status_code,
        "incident without a sign-in": (await app.post(incidents, wanted, **key)).status_code,
        "incident with a forged sign-in": (
            await app.post(incidents, wanted, **key, **forged)
        ).status_code,
        "incident without the role": (
            await app.post(incidents, wanted, Authorization=vera)
        ).status_code,
        "incident by display name": (
            await app.post(incidents, {**wanted, "object_id": "orders-api"}, Authorization=rosa)
        ).status_code,
        "incident about a person": (
            await app.post(
                incidents,
                {**wanted, "object_id": ground.described["seed"]["users"]["dana"]["object_id"]},
                Authorization=rosa,
            )
        ).status_code,
    }

    assert answers == {
        "alert without a key": 401,
        "alert with a wrong key": 401,
        "alert that is no JSON": 400,
        "alert by display name": 422,
        "alert about nobody": 422,
        "incident without a sign-in": 401,
        "incident with a forged sign-in": 401,
        "incident without the role": 403,
        "incident by display name": 400,
        "incident about a person": 404,
    }
    assert app.instances() == 0
    assert await writes(ground) == []
    assert "refused" in ground.host.log.read_text()


async def test_plan_mode_writes_nothing_outside(ground: TrainingGround) -> None:
    app = App(ground)
    rosa = f"Bearer {await ground.control.sign_in('rosa', AUDIENCE)}"
    headers = {"Authorization": rosa}
    principal = ground.described["seed"]["orders_api"]
    wanted = {"app_id": principal["app_id"], "mode": "plan", "reason": "what would happen"}
    before = await ground.control.state()

    opened_as = (await app.post("/api/incidents", wanted, **headers)).json()
    status: dict[str, Any] = {}
    while status.get("phase") not in {"closed", "failed", "refused"}:
        url = app.origin + opened_as["status_url"]
        status = (await ground.http.get(url, headers=headers)).json()

    assert status["outcome"] == "planned"
    assert await writes(ground) == []
    after = await ground.control.state()
    unchanged = ("applications", "servicePrincipals", "federatedCredentials", "roleAssignments")
    assert {part: before[part] for part in unchanged} == {part: after[part] for part in unchanged}


async def test_an_event_grid_event_is_delivered_with_its_handshake(ground: TrainingGround) -> None:
    app = App(ground)
    key = ground.keys["systemKeys"]["eventgrid_extension"]
    path = f"/runtime/webhooks/eventgrid?functionName=on_identity_change&code={key}"
    validation = {
        "id": "1",
        "topic": "/subscriptions/s",
        "subject": "",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {"validationCode": "0123"},
        "dataVersion": "2",
        "metadataVersion": "1",
    }
    written = {
        **validation,
        "id": "2",
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "data": {"operationName": FIC_WRITE, "resourceUri": "/x", "claims": {}},
    }
    typed = {"aeg-event-type": "SubscriptionValidation", "Content-Type": "application/json"}
    shake = await app.post(path, [validation], **typed)
    kind = {"aeg-event-type": "Notification", "Content-Type": "application/json"}
    delivered = await app.post(path, [written], **kind)
    keyless = await app.post(path.split("&code", maxsplit=1)[0], [written], **kind)

    assert (shake.status_code, shake.json()) == (200, {"validationResponse": "0123"})
    assert delivered.status_code in {200, 202}
    assert keyless.status_code == 401
    records = list((ground.evidence / "signals" / "event-grid").glob("*.json"))
    assert [json.loads(one.read_text())["signal"]["kind"] for one in records] == [
        "federated-credential-write"
    ]
    assert app.instances() == 0
