"""A notification of Alertmanager: each alert has its own fate, and what was cut off is told."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from playbooks import policy
from responders import principals
from responders.cloud import Cloud
from responders.errors import TransientError, UnresolvedError
from tests.a_principal import PRINCIPAL
from tests.queue_out import QueueOut
from tests.signal_bodies import APP_ID, OBJECT_ID, prometheus
from tests.signal_bodies import alertmanager as notification
from tests.test_ways_in import FakeClient
from triggers import alertmanager, intake

SHIPPED = (Path(__file__).parent.parent / "policy.toml").read_text()
# An alert that opens incidents, as a rule of one's own may have it; what runs are started for has tests of its own.
OWN_RULES = """
[[signals]]
source = "alertmanager"
kind = ["HighIdentityAuthenticationFailures"]
playbook = "compromised_identity"
mode = "plan"

[[signals]]
source = "alertmanager"
mode = "record"

"""
NOBODY = "99999999-0000-0000-0000-000000000000"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIREBREAK_TENANT_ID", "00000000-0000-0000-0000-000000000001")
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", "00000000-0000-0000-0000-000000000002")
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))

    async def connect() -> Any:
        return SimpleNamespace()

    async def resolve(_cloud: Any, hint: dict[str, str]) -> Any:
        (wanted,) = hint.values()
        if wanted == NOBODY:
            raise UnresolvedError(f"nobody is {wanted}")
        return {**PRINCIPAL, "object_id": wanted}

    monkeypatch.setattr(Cloud, "connect", staticmethod(connect))
    monkeypatch.setattr(principals, "resolve", resolve)
    own = policy.parse(SHIPPED.replace("[[signals]]", f"{OWN_RULES}[[signals]]", 1))
    monkeypatch.setattr(intake, "policy", lambda: own)


async def send(body: Any, client: FakeClient, later: QueueOut | None = None) -> tuple[int, Any]:
    request = func.HttpRequest("POST", "/x", body=json.dumps(body).encode())
    function: Any = alertmanager.on_alertmanager_alerts
    later = QueueOut() if later is None else later
    inner = function._function._func.client_function
    answer = await inner(req=request, client=client, later=later)
    return answer.status_code, json.loads(answer.get_body())


def opened(client: FakeClient) -> list[Any]:
    """Incidents by their ids: one that was claimed a moment ago may be started by two, and is one."""
    return list({name: one for name, one in client.started if name.startswith("inc-")}.values())


async def test_a_group_about_two_identities_opens_two_incidents_and_keeps_the_rest() -> None:
    client = FakeClient()
    status, said = await send(
        notification(
            prometheus("f1", client_id=APP_ID),
            prometheus("f2", object_id=OBJECT_ID),
            prometheus("f3", object_id=OBJECT_ID),
            prometheus("f4", status="resolved", client_id=APP_ID),
            prometheus("f5", node="aks-1"),
            prometheus("f6", client_id=NOBODY),
        ),
        client,
    )

    assert status == 202
    assert [one["status"] for one in said["alerts"]] == [
        "accepted",
        "accepted",
        "accepted",
        "recorded",
        "refused",
        "refused",
    ]
    assert [one["joined"] for one in said["alerts"]].count(True) == 1
    assert len(opened(client)) == 2
    assert {one["incident"]["mode"] for one in opened(client)} == {"plan"}
    assert len(intake.store().list("signals/alertmanager")) == 6


@pytest.mark.parametrize(
    "name", ["TokenExpirationWarning", "FederatedCredentialMisconfiguration", "DiskIsFull"]
)
async def test_what_the_policy_only_keeps_starts_nothing(name: str) -> None:
    client = FakeClient()
    status, said = await send(notification(prometheus(alertname=name, client_id=APP_ID)), client)

    assert (status, [one["status"] for one in said["alerts"]]) == (200, ["recorded"])
    assert client.started == []


async def test_an_alert_that_has_a_playbook_of_its_own_starts_one_run_for_one_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "policy", lambda: policy.parse(SHIPPED))
    client = FakeClient()
    status, said = await send(
        notification(
            prometheus("f1", client_id=APP_ID),
            prometheus("f2", client_id=APP_ID),
            prometheus("f3", client_id=NOBODY),
        ),
        client,
    )

    first, other, nobody = said["alerts"]
    assert status == 202
    assert first["run_id"] == other["run_id"]
    assert first["run_id"].startswith("run-failing_sign_ins-")
    assert (nobody["status"], nobody["run_id"]) == ("refused", None)
    assert {name for name, _ in client.started} == {first["run_id"]}


async def test_a_group_of_which_nothing_can_be_used_is_refused_with_each_reason() -> None:
    status, said = await send(
        notification(prometheus("f1", node="a"), prometheus("f2", client_id="orders-api")),
        FakeClient(),
    )

    assert (status, said["code"]) == (422, "NoPrincipal")
    assert [one["code"] for one in said["alerts"]] == ["NoPrincipal", "NotAnIdentity"]


async def test_alerts_that_were_cut_off_are_kept_and_told_once() -> None:
    client, body = FakeClient(), notification(prometheus(client_id=APP_ID), truncatedAlerts=4)
    status, said = await send(body, client)
    await send(body, client)

    (told,) = client.told
    assert "cut off 4 alerts" in dict(told["facts"])["Why"]
    assert (status, said["truncated"]) == (202, 4)
    assert said["alerts"][-1]["code"] == "TruncatedAlerts"


async def test_when_the_directory_is_down_each_alert_waits_in_the_queue_and_opens_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, later = FakeClient(), QueueOut()
    body = notification(prometheus("f1", client_id=APP_ID), prometheus("f2", object_id=OBJECT_ID))
    well = principals.resolve

    async def down(_cloud: Any, _hint: Any) -> Any:
        raise TransientError("Graph answered 503")

    monkeypatch.setattr(principals, "resolve", down)
    status, said = await send(body, client, later)
    assert (status, [one["status"] for one in said["alerts"]]) == (202, ["queued", "queued"])
    assert {one["signal"]["signal_id"][:2] for one in later.messages} == {"f1", "f2"}

    monkeypatch.setattr(principals, "resolve", well)
    assert (await send(body, client))[0] == 202
    assert (await send(body, client))[0] == 202
    assert len(opened(client)) == 2
