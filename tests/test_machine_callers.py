"""Machines that send signals: a key contains at most, a token that Entra issued to the right sender goes further."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from responders import principals
from responders.cloud import Cloud
from tests import entra_issuer, signal_bodies
from tests.a_principal import PRINCIPAL
from tests.entra_issuer import TENANT, Entra, token
from tests.queue_out import QueueOut
from tests.registered import functions, http_trigger
from tests.test_ways_in import FakeClient
from triggers import access, token_issuers
from triggers.machine_callers import ACTION_GROUPS, ACTION_GROUPS_ROLE
from triggers.people import RESPOND

BODIES: dict[str, Any] = {
    "azure_monitor": lambda: signal_bodies.log_alert(severity="Sev0"),
    "alertmanager": lambda: signal_bodies.alertmanager(
        signal_bodies.prometheus(object_id=signal_bodies.OBJECT_ID)
    ),
    "sentinel": lambda: signal_bodies.sentinel(
        {"kind": "Account", "properties": {"aadUserId": signal_bodies.OBJECT_ID}}
    ),
    "defender": lambda: signal_bodies.defender(
        {"type": "account", "aadUserId": signal_bodies.OBJECT_ID}
    ),
}
SENDERS = sorted(name for name, rule in access.RULES.items() if rule.who in {"key", "sender"})
SECURE = [name for name in SENDERS if access.RULES[name].who == "sender"]
BY_KEY = [name for name in SENDERS if access.RULES[name].who == "key"]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIREBREAK_TENANT_ID", TENANT)
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", TENANT)
    monkeypatch.setenv("FIREBREAK_API_AUDIENCE", ",".join(entra_issuer.AUDIENCES))
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED", raising=False)
    entra = Entra()

    async def trust() -> Any:
        return entra.trust()

    async def connect() -> Any:
        return SimpleNamespace()

    async def resolve(_cloud: Any, _hint: Any) -> Any:
        return PRINCIPAL

    monkeypatch.setattr(Cloud, "connect", staticmethod(connect))
    monkeypatch.setattr(principals, "resolve", resolve)
    monkeypatch.setattr(token_issuers, "trust", trust)


def application(*roles: str, **claims: Any) -> dict[str, str]:
    said = {"scp": None, "idtyp": "app", "roles": list(roles), **claims}
    return {"Authorization": f"Bearer {token(**said)}"}


def action_groups(*roles: str) -> dict[str, str]:
    return application(*roles, azp=ACTION_GROUPS)


async def send(
    name: str, headers: dict[str, str], client: FakeClient
) -> tuple[int, dict[str, Any]]:
    (body,) = [made() for sender, made in BODIES.items() if name.startswith(f"on_{sender}")]
    raw = json.dumps(body).encode()
    request = func.HttpRequest("POST", http_trigger(name).route, headers=headers, body=raw)
    function: Any = functions()[name].get_user_function()
    answer = await function.client_function(req=request, client=client, later=QueueOut())
    return answer.status_code, json.loads(answer.get_body())


def known_as(order: Any) -> str:
    """How the sender was known, by what was started: an alert that starts a run tells it how deep that may go."""
    if "run" not in order:
        return str(order["incident"]["signal"]["authenticated"])
    return "key" if order["run"]["parameters"].get("most") == "contain" else "token"


def test_every_sender_has_a_way_by_key_and_a_way_by_token() -> None:
    assert len(BY_KEY) == len(SECURE) == len(BODIES)


@pytest.mark.parametrize("name", SECURE)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (dict, 401),
        (lambda: {"x-functions-key": "k" * 54}, 401),
        (lambda: {"Authorization": "Bearer nonsense"}, 401),
        (lambda: application(RESPOND, aud="api://another"), 401),
        (lambda: application(RESPOND, iss="https://evil.example"), 401),
        (lambda: application(RESPOND, exp=1_700_000_000), 401),
        (application, 403),
        (lambda: application("Incident.Read"), 403),
        (action_groups, 403),
        (lambda: application(ACTION_GROUPS_ROLE), 403),
        (lambda: {"Authorization": f"Bearer {token(roles=[RESPOND])}"}, 403),
    ],
)
async def test_who_is_not_proven_to_be_a_sender_starts_nothing(
    name: str, headers: Any, status: int
) -> None:
    client = FakeClient()

    assert (await send(name, headers(), client))[0] == status
    assert client.started == []


@pytest.mark.parametrize("name", SECURE)
async def test_an_application_that_may_respond_sends_by_token(name: str) -> None:
    client = FakeClient()
    status, _ = await send(name, application(RESPOND), client)

    assert status == 202
    (_, order), *_ = client.started
    assert known_as(order) == "token"


@pytest.mark.parametrize("name", SECURE)
async def test_action_groups_are_believed_where_azure_monitor_sends_and_nowhere_else(
    name: str,
) -> None:
    status, _ = await send(name, action_groups(ACTION_GROUPS_ROLE), FakeClient())

    assert status == (202 if name == "on_azure_monitor_secure_alert" else 403)


@pytest.mark.parametrize("name", BY_KEY)
async def test_a_token_beside_a_key_has_to_be_good(name: str) -> None:
    """The platform has checked the key before the function runs."""
    client = FakeClient()
    assert (await send(name, {"Authorization": "Bearer nonsense"}, client))[0] == 401
    assert client.started == []
    assert (await send(name, application(RESPOND), client))[0] == 202
    assert known_as(client.started[0][1]) == "token"


@pytest.mark.parametrize("name", BY_KEY)
async def test_who_comes_with_a_key_alone_is_said_to(name: str) -> None:
    client = FakeClient()

    assert (await send(name, {}, client))[0] == 202
    assert known_as(client.started[0][1]) == "key"
