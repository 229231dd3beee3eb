"""Both HTTP ways in: bad input gets a clear 4xx and starts nothing; good input starts one incident, once."""

import base64
import inspect
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from playbooks import consent_records
from responders import principals
from responders.cloud import Cloud
from responders.errors import TransientError, UnresolvedError
from tests.queue_out import QueueOut
from triggers import alert_senders, azure_monitor, instances, intake, people, responder_api, status

OBJECT_ID = "11111111-1111-1111-1111-111111111111"
APP_ID = "22222222-2222-2222-2222-222222222222"
TENANT = "00000000-0000-0000-0000-000000000001"
PRINCIPAL = {
    "kind": "application",
    "object_id": OBJECT_ID,
    "app_id": APP_ID,
    "display_name": "orders-api",
}


class FakeClient:
    """A Durable client that remembers what it was asked."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Any]] = []
        self.events: list[tuple[str, str, Any]] = []
        self.statuses: dict[str, Any] = {}
        self.told: list[Any] = []  # what people are to be told

    async def get_status(self, instance_id: str, **_options: Any) -> Any:
        return self.statuses.get(instance_id)

    async def start_new(self, name: str, *, instance_id: str, client_input: Any) -> str:
        if name == "tell_later":
            self.told.append(client_input["announcement"])
        else:
            self.started.append((instance_id, client_input))
        self.statuses[instance_id] = SimpleNamespace(
            runtime_status=SimpleNamespace(name="Running"), custom_status=None
        )
        return instance_id

    async def raise_event(self, instance_id: str, name: str, payload: Any) -> None:
        self.events.append((instance_id, name, payload))


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIREBREAK_TENANT_ID", TENANT)
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", "00000000-0000-0000-0000-000000000002")
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")

    async def connect() -> Any:
        return SimpleNamespace()

    async def resolve(_cloud: Any, hint: dict[str, str]) -> Any:
        if hint in ({"object_id": OBJECT_ID}, {"app_id": APP_ID}):
            return PRINCIPAL
        raise UnresolvedError(f"no service principal {hint}")

    monkeypatch.setattr(Cloud, "connect", staticmethod(connect))
    monkeypatch.setattr(principals, "resolve", resolve)
    monkeypatch.setattr(instances, "_seen_open", {})  # the same alert is another test's, too


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


def alert(dimensions: dict[str, str] | None = None, **essentials: Any) -> dict[str, Any]:
    """The common alert schema as Log Alerts V2 sends it."""
    named = {"ServicePrincipalId": OBJECT_ID} if dimensions is None else dimensions
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": "/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/1",
                "alertRule": "workload identity used from a new network",
                "severity": "Sev0",
                "signalType": "Log",
                "monitorCondition": "Fired",
                "monitoringService": "Log Alerts V2",
                "firedDateTime": datetime.now(UTC).isoformat(),
                "essentialsVersion": "1.0",
                **essentials,
            },
            "alertContext": {
                "conditionType": "LogQueryCriteria",
                "condition": {
                    "windowSize": "PT10M",
                    "allOf": [{"dimensions": [{"name": k, "value": v} for k, v in named.items()]}],
                },
            },
        },
    }


async def send_alert(client: FakeClient, body: Any) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = func.HttpRequest("POST", "/api/alerts/azure-monitor", body=raw)
    return answered(await call(azure_monitor.on_azure_monitor_alert, request, client))


async def proven(_req: Any, **_how: Any) -> str:
    """What stands in for the check of a sender's token, which has tests of its own."""
    return "token"


async def call(function: Any, request: func.HttpRequest, client: FakeClient) -> Any:
    called = function._function._func.client_function
    more = {"later": QueueOut()} if "later" in inspect.signature(called).parameters else {}
    return await called(req=request, client=client, **more)


def answered(response: func.HttpResponse) -> tuple[int, dict[str, Any]]:
    return response.status_code, json.loads(response.get_body())


ROSA = "99999999-9999-9999-9999-999999999999"
INES = "88888888-8888-8888-8888-888888888888"
_NAMES = {ROSA: "rosa@contoso.example", INES: "ines@contoso.example"}


def signed_in(*roles: str, by: str = ROSA) -> dict[str, str]:
    claims = [{"typ": "oid", "val": by}]
    claims += [{"typ": "tid", "val": TENANT}]
    claims += [{"typ": "preferred_username", "val": _NAMES[by]}]
    claims += [{"typ": "roles", "val": role} for role in roles]
    document = {"auth_typ": "aad", "claims": claims, "name_typ": "name", "role_typ": "roles"}
    header = base64.b64encode(json.dumps(document).encode()).decode()
    return {"X-MS-CLIENT-PRINCIPAL": header, "Content-Type": "application/json"}


async def open_incident(
    client: FakeClient, body: Any, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    shown = signed_in(people.RESPOND) if headers is None else headers
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = func.HttpRequest("POST", "/api/incidents", headers=shown, body=raw)
    return answered(await call(responder_api.open_incident, request, client))


async def test_an_alert_starts_one_incident_at_the_depth_of_its_severity(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_senders, "known_by", proven)
    status, body = await send_alert(client, alert())

    assert status == 202
    ((incident_id, order),) = client.started
    assert (body["incident_id"], body["joined"], body["mode"]) == (incident_id, False, "respond")
    assert order["incident"]["principal"] == PRINCIPAL


async def test_an_alert_that_comes_with_a_key_alone_contains_at_most(client: FakeClient) -> None:
    status, body = await send_alert(client, alert(severity="Sev0"))

    assert (status, body["mode"]) == (202, "contain")
    assert client.started[0][1]["incident"]["mode"] == "contain"
    assert "without an Entra token" in body["why"]


async def test_an_alert_split_by_client_id_finds_its_principal(client: FakeClient) -> None:
    assert (await send_alert(client, alert({"AppId": APP_ID})))[0] == 202


async def test_an_object_id_wins_over_a_client_id(client: FakeClient) -> None:
    both = alert({"AppId": APP_ID, "ServicePrincipalId": OBJECT_ID})

    assert (await send_alert(client, both))[0] == 202
    assert client.started[0][1]["incident"]["signal"]["hint"] == {"object_id": OBJECT_ID}


async def test_the_same_alert_again_starts_nothing(client: FakeClient) -> None:
    once = alert()
    first = await send_alert(client, once)
    again = await send_alert(client, once)

    assert len(client.started) == 1
    assert again[1] == {**first[1], "joined": True}


async def test_a_second_alert_about_the_same_principal_joins(client: FakeClient) -> None:
    first = await send_alert(client, alert())
    second = await send_alert(client, alert(alertId="/another"))

    assert second[1]["incident_id"] == first[1]["incident_id"]
    assert len(client.started) == 1
    kept = intake.store().list(f"incidents/{first[1]['incident_id']}/signals")
    assert len(kept) == 2


async def test_after_an_incident_ended_the_next_alert_opens_a_new_one(client: FakeClient) -> None:
    first = await send_alert(client, alert())
    ended = SimpleNamespace(runtime_status=SimpleNamespace(name="Completed"))
    client.statuses[first[1]["incident_id"]] = ended
    second = await send_alert(client, alert(alertId="/another"))

    assert second[1]["incident_id"] != first[1]["incident_id"]
    assert len(client.started) == 2


async def test_a_resolved_alert_never_acts(client: FakeClient) -> None:
    status, body = await send_alert(client, alert(monitorCondition="Resolved"))

    assert (status, body["status"], client.started) == (200, "recorded", [])
    assert "resolved" in body["why"]


OLD = (datetime.now(UTC) - timedelta(days=3)).isoformat()
AHEAD = (datetime.now(UTC) + timedelta(hours=2)).isoformat()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "NotACommonAlert"),
        (b"not json", 400, "NotACommonAlert"),
        (b"[]", 400, "NotACommonAlert"),
        (b"\xff\xfe", 400, "NotACommonAlert"),
        ({"schemaId": "AzureMonitorMetricAlert", "data": {}}, 400, "NotACommonAlert"),
        (alert(severity="Sev9"), 400, "NotACommonAlert"),
        (alert(firedDateTime="yesterday"), 400, "NotACommonAlert"),
        (alert(firedDateTime="2026-01-01T00:00:00"), 400, "NotACommonAlert"),
        (alert(firedDateTime=OLD), 422, "TooOld"),
        (alert(firedDateTime=AHEAD), 422, "TooOld"),
        (alert({}), 422, "NoPrincipal"),
        (alert({"Computer": "web-1"}), 422, "NoPrincipal"),
        (alert({"ServicePrincipalId": "orders-api"}), 422, "NotAnIdentity"),
        (alert({"ServicePrincipalId": OBJECT_ID + "' or '1'='1"}), 422, "NotAnIdentity"),
        (alert(monitoringService="Platform", signalType="Metric"), 422, "MetricAlert"),
        (alert(monitoringService="Log Analytics"), 422, "OldLogAlert"),
        (alert(monitoringService="ResourceHealth"), 422, "ResourceHealthAlert"),
        (alert(monitoringService="ServiceHealth"), 422, "ServiceHealthAlert"),
        (alert(monitoringService="SmartDetector"), 422, "SmartDetectionAlert"),
        (alert(monitoringService="Something New"), 422, "UnknownMonitoringService"),
        (
            alert(monitoringService="CostAlerts", severity=None, signalType=None, alertRule=None),
            422,
            "CostAlert",
        ),
        (alert({"ServicePrincipalId": OBJECT_ID.replace("1", "8")}), 422, "UnknownPrincipal"),
        (alert({"AppId": OBJECT_ID.replace("1", "8")}), 422, "UnknownPrincipal"),
    ],
)
async def test_a_bad_alert_gets_a_clear_answer_and_starts_nothing(
    client: FakeClient, body: Any, status: int, code: str
) -> None:
    answer = await send_alert(client, body)

    assert answer[0] == status
    assert answer[1]["code"] == code
    assert answer[1]["detail"]
    assert answer[1]["next"]
    assert client.started == []


async def test_an_alert_about_two_principals_starts_nothing(client: FakeClient) -> None:
    two = alert()
    criteria = two["data"]["alertContext"]["condition"]["allOf"]
    criteria.append({"dimensions": [{"name": "ServicePrincipalId", "value": APP_ID}]})

    refused = (await send_alert(client, two))[1]
    assert (refused["code"], refused["candidates"]) == ("SeveralPrincipals", [OBJECT_ID, APP_ID])
    assert client.started == []


async def test_when_the_directory_is_down_the_signal_waits_in_the_queue(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(_cloud: Any, _hint: Any) -> Any:
        raise TransientError("Graph answered 503")

    monkeypatch.setattr(principals, "resolve", down)

    status, body = await send_alert(client, alert())

    assert (status, body["status"], client.started) == (202, "queued", [])
    assert "Graph answered 503" in body["why"]


async def test_a_responder_opens_an_incident_at_the_depth_they_ask_for(client: FakeClient) -> None:
    wanted = {"app_id": APP_ID, "mode": "contain", "reason": "seen in the wild"}
    status, body = await open_incident(client, wanted)

    assert status == 202
    assert client.started[0][1]["incident"]["mode"] == "contain"
    assert "rosa@contoso.example" in client.started[0][1]["incident"]["signal"]["title"]
    assert body["status_url"] == f"/api/incidents/{body['incident_id']}"


GOOD = {"object_id": OBJECT_ID, "mode": "plan", "reason": "drill"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "BadRequest"),
        (b"{", 400, "BadRequest"),
        ({**GOOD, "app_id": APP_ID}, 400, "BadRequest"),
        ({"mode": "plan", "reason": "drill"}, 400, "BadRequest"),
        ({**GOOD, "object_id": "orders-api"}, 400, "BadRequest"),
        ({"display_name": "orders-api", "mode": "plan", "reason": "drill"}, 400, "BadRequest"),
        ({**GOOD, "mode": "destroy"}, 400, "BadRequest"),
        ({**GOOD, "reason": ""}, 400, "BadRequest"),
        ({**GOOD, "force": True}, 400, "BadRequest"),
        ({**GOOD, "object_id": OBJECT_ID.replace("1", "8")}, 404, "UnknownPrincipal"),
    ],
)
async def test_a_bad_request_gets_a_clear_answer_and_starts_nothing(
    client: FakeClient, body: Any, status: int, code: str
) -> None:
    answer = await open_incident(client, body)

    assert answer[0] == status
    assert answer[1]["code"] == code
    assert answer[1]["next"]
    assert client.started == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-MS-CLIENT-PRINCIPAL": "not base64!"}, 401),
        ({"X-MS-CLIENT-PRINCIPAL": base64.b64encode(b"{}").decode()}, 401),
        (signed_in(), 403),
        (signed_in(people.APPROVE), 403),
    ],
)
async def test_a_function_key_alone_opens_nothing(
    client: FakeClient, headers: dict[str, str], status: int
) -> None:
    assert (await open_incident(client, GOOD, headers))[0] == status
    assert client.started == []


async def test_without_app_service_authentication_nobody_is_anybody(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED")

    assert (await open_incident(client, GOOD))[0] == 401
    assert client.started == []


async def test_a_retried_request_with_the_same_idempotency_key_is_one_incident(
    client: FakeClient,
) -> None:
    headers = {**signed_in(people.RESPOND), "Idempotency-Key": "k1"}
    first = await open_incident(client, GOOD, headers)
    second = await open_incident(client, GOOD, headers)

    assert first[1]["incident_id"] == second[1]["incident_id"]
    assert len(client.started) == 1


INCIDENT = "inc-20260101-0123456789ab"
HASH = "ab" * 32
PLAN: dict[str, Any] = {
    "choices": [{"key": "grant-1", "what": "grant", "name": "n", "reason": "r", "restores": {}}],
    "confirmations": [{"key": "risk-1", "sentence": "a stolen token stays good"}],
    "irreversible": ["aks-1: Pod shop/loader is deleted"],
}


QUESTION: dict[str, Any] = {
    "plan_hash": HASH,
    "event": f"consent-{HASH[:16]}-1",
    "expires_at": "2099-01-01T00:00:00+00:00",
    "heard": 0,
    "needs": 1,
    "requester_may_approve": False,
}


def asking(phase: str = "awaiting_consent") -> Any:
    """A Durable status as the playbook leaves it when it asks."""
    incident = {
        "incident_id": INCIDENT,
        "mode": "respond",
        "principal": PRINCIPAL,
        "signal": {},
        "opened_at": "2026-01-01T00:00:00+00:00",
    }
    return SimpleNamespace(
        runtime_status=SimpleNamespace(name="Running"),
        input_={"incident": incident, "policy": intake.policy().frozen()},
        custom_status={"phase": phase, "clock": {}, "consent": dict(QUESTION)},
    )


async def consent(
    client: FakeClient, body: Any, *roles: str, incident: str = INCIDENT
) -> tuple[int, dict[str, Any]]:
    intake.store().put_json(f"incidents/{INCIDENT}/plan.json", PLAN)
    request = func.HttpRequest(
        "POST",
        f"/api/incidents/{incident}/consent",
        headers=signed_in(*(roles or (people.APPROVE,))),
        route_params={"incident_id": incident},
        body=json.dumps(body).encode(),
    )
    return answered(await call(responder_api.answer_plan, request, client))


async def test_a_stated_vector_is_kept_with_who_stated_it(client: FakeClient) -> None:
    await open_incident(client, {**GOOD, "vector": "cluster"})

    ((_, order),) = client.started
    stated = order["incident"]["signal"]["stated"]
    assert stated["vector"] == "cluster"
    assert stated["object_id"]
    assert (await open_incident(client, {**GOOD, "vector": "aliens"}))[0] == 400


YES = {
    "plan_hash": HASH,
    "decision": "grant",
    "reason": "agreed with the owner",
    "confirmed": ["risk-1"],
}


async def test_consent_is_handed_over_with_who_gave_it(client: FakeClient) -> None:
    client.statuses[INCIDENT] = asking()

    assert await consent(client, YES) == (
        202,
        {"incident_id": INCIDENT, "decision": "grant", "approvals": 1, "needs": 1},
    )
    assert client.events == [(INCIDENT, f"consent-{HASH[:16]}-1", {"read": True})]
    (kept,) = consent_records.read(intake.store(), INCIDENT, HASH)
    assert kept["approver"] == {
        "object_id": "99999999-9999-9999-9999-999999999999",
        "name": "rosa@contoso.example",
        "tenant_id": TENANT,
        "proven_by": "easy-auth",
    }
    assert kept["plan_hash"] == HASH


async def test_what_a_person_chooses_is_handed_over_with_the_consent(client: FakeClient) -> None:
    client.statuses[INCIDENT] = asking()

    assert (await consent(client, {**YES, "chosen": ["grant-1"]}))[0] == 202
    (kept,) = consent_records.read(intake.store(), INCIDENT, HASH)
    assert (kept["chosen"], kept["confirmed"]) == (["grant-1"], ["risk-1"])


async def test_consent_without_every_confirmation_is_none_and_says_what_is_missing(
    client: FakeClient,
) -> None:
    client.statuses[INCIDENT] = asking()

    status, body = await consent(client, {**YES, "confirmed": []})
    assert (status, body["code"]) == (409, "NotConfirmed")
    assert "a stolen token stays good" in body["detail"]
    assert client.events == []


async def test_a_no_needs_no_confirmation(client: FakeClient) -> None:
    client.statuses[INCIDENT] = asking()

    assert (await consent(client, {**YES, "decision": "deny", "confirmed": []}))[0] == 202


async def test_the_status_shows_what_to_answer_and_not_the_clusters(client: FakeClient) -> None:
    many = [{**PLAN["choices"][0], "key": f"grant-{number}"} for number in range(130)]
    told = {**PLAN, "choices": many, "clusters": ["a survey of megabytes"]}
    intake.store().put_json(f"incidents/{INCIDENT}/plan.json", told)

    shown = status.read(intake.store(), asking())
    assert shown is not None
    asked = shown["consent"]
    assert "clusters" not in asked["plan"]
    assert asked["plan_url"] == f"/api/incidents/{INCIDENT}/plan"
    assert asked["confirmations"] == PLAN["confirmations"]
    assert (len(asked["choices"]), asked["more_choices"]) == (100, 30)
    assert set(asked["choices"][0]) == {"key", "what", "name", "reason"}


async def test_a_risk_can_not_be_chosen_nor_a_choice_be_confirmed(client: FakeClient) -> None:
    """It would be heard as a no, and whoever sent it would believe that it was a yes."""
    client.statuses[INCIDENT] = asking()

    assert (await consent(client, {**YES, "chosen": ["risk-1"]}))[0] == 400
    assert (await consent(client, {**YES, "confirmed": ["risk-1", "grant-1"]}))[0] == 400


@pytest.mark.parametrize(("where", "key"), [("chosen", "grant-1"), ("confirmed", "risk-1")])
async def test_a_key_that_the_plan_does_not_have_is_refused(
    client: FakeClient, where: str, key: str
) -> None:
    client.statuses[INCIDENT] = asking()

    status, body = await consent(client, {**YES, where: [key, "grant-2"]})
    assert (status, body["code"]) == (400, "UnknownKey")
    assert "grant-2" in body["detail"]
    assert client.events == []


@pytest.mark.parametrize(
    ("body", "phase", "roles", "status"),
    [
        ({**YES, "plan_hash": "cd" * 32}, "awaiting_consent", (), 409),
        ({**YES, "plan_hash": "short"}, "awaiting_consent", (), 400),
        ({**YES, "decision": "maybe"}, "awaiting_consent", (), 400),
        ({**YES, "approver": "somebody else"}, "awaiting_consent", (), 400),
        (YES, "rewiring", (), 409),
        (YES, "awaiting_consent", (people.RESPOND,), 403),
    ],
)
async def test_consent_that_does_not_fit_is_refused(
    client: FakeClient, body: Any, phase: str, roles: tuple[str, ...], status: int
) -> None:
    client.statuses[INCIDENT] = asking(phase)

    assert (await consent(client, body, *roles))[0] == status
    assert client.events == []


def half_done() -> Any:
    """A Durable status as the playbook leaves it when a recovery can be resumed."""
    status = asking("watching")
    status.custom_status |= {
        "consent": None,
        "resumable": True,
        "resume": {"event": "resume-2", "until": "2026-01-15T00:00:00+00:00"},
    }
    return status


async def resume(
    client: FakeClient, *roles: str, body: Any = None, key: str = ""
) -> tuple[int, dict[str, Any]]:
    request = func.HttpRequest(
        "POST",
        f"/api/incidents/{INCIDENT}/resume",
        headers={**signed_in(*(roles or (people.RESPOND,))), "Idempotency-Key": key},
        route_params={"incident_id": INCIDENT},
        body=json.dumps(body or {"reason": "aks-frc answers again"}).encode(),
    )
    return answered(await call(responder_api.resume_recovery, request, client))


async def test_a_resume_is_handed_over_with_who_wanted_it_and_why(client: FakeClient) -> None:
    client.statuses[INCIDENT] = half_done()

    status, body = await resume(client)

    assert (status, body["resumed"]) == (202, True)
    ((_, name, event),) = client.events
    assert name == "resume-2"
    assert event["by"]["name"] == "rosa@contoso.example"
    assert event["reason"] == "aks-frc answers again"


async def test_a_resume_that_is_sent_twice_is_heard_once(client: FakeClient) -> None:
    client.statuses[INCIDENT] = half_done()

    first = await resume(client, key="a-key")
    again = await resume(client, key="a-key")
    other = await resume(client, key="another-key")

    heard = [body["resumed"] for _, body in (first, again, other)]
    assert heard == [True, True, True], "the second is answered as the first was"
    assert len(client.events) == 2


async def test_where_nothing_is_left_to_do_nothing_is_resumed(client: FakeClient) -> None:
    status_now = half_done()
    status_now.custom_status |= {"phase": "rewiring", "resumable": False, "resume": None}
    client.statuses[INCIDENT] = status_now

    status, body = await resume(client)

    assert (status, body["code"]) == (409, "NotResumable")
    assert client.events == []


@pytest.mark.parametrize(
    ("roles", "body", "status"),
    [
        ((people.APPROVE,), None, 403),
        ((), {"reason": ""}, 400),
        ((), {"reason": "mended", "clusters": ["aks-frc"]}, 400),
    ],
)
async def test_a_resume_that_does_not_fit_is_refused(
    client: FakeClient, roles: tuple[str, ...], body: Any, status: int
) -> None:
    client.statuses[INCIDENT] = half_done()

    assert (await resume(client, *roles, body=body))[0] == status
    assert client.events == []


@pytest.mark.parametrize("incident", ["inc-20260101-ffffffffffff", "..", "@entity@key"])
async def test_an_unknown_incident_is_a_404(client: FakeClient, incident: str) -> None:
    assert (await consent(client, YES, incident=incident))[0] == 404
    assert client.events == []
