"""Event Grid events are recorded once, whatever their schema; our own writes and other operations pass by."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from responders.cloud import Cloud
from triggers import event_grid, intake

OWN = "99999999-9999-9999-9999-999999999999"
OTHER = "88888888-8888-8888-8888-888888888888"
OPERATION = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
SUBJECT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/x"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIREBREAK_TENANT_ID", "00000000-0000-0000-0000-000000000001")
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", "00000000-0000-0000-0000-000000000002")
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))

    async def own_object_id() -> str:
        return OWN

    async def connect() -> Any:
        return SimpleNamespace(own_object_id=own_object_id)

    monkeypatch.setattr(Cloud, "connect", staticmethod(connect))


def data(caller: str = OTHER, operation: str = OPERATION) -> dict[str, Any]:
    return {
        "operationName": operation,
        "resourceUri": SUBJECT,
        "claims": {OBJECT_ID: caller, "ipaddr": "203.0.113.7"},
        "correlationId": "c",
    }


def event(payload: Any, event_id: str = "1") -> func.EventGridEvent:
    return func.EventGridEvent(
        id=event_id,
        data=payload,
        topic="/subscriptions/s",
        subject=SUBJECT,
        event_type="Microsoft.Resources.ResourceWriteSuccess",
        event_time=datetime(2026, 1, 1, tzinfo=UTC),
        data_version="2",
    )


def cloud_event(payload: Any) -> func.CloudEvent:
    return func.CloudEvent(
        id="1",
        data=payload,
        source="/subscriptions/s",
        subject=SUBJECT,
        type="Microsoft.Resources.ResourceWriteSuccess",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        specversion="1.0",
    )


async def receive(one: Any) -> None:
    await event_grid.on_identity_change._function._func(one)


def recorded() -> list[dict[str, Any]]:
    store = intake.store()
    return [json.loads(store.get(path)) for path in store.list("signals")]


@pytest.mark.parametrize("make", [event, cloud_event])
async def test_a_written_credential_is_recorded_and_said_not_to_be_acted_on(make: Any) -> None:
    await receive(make(data()))

    (record,) = recorded()
    assert record["kind"] == "federated-credential-write"
    assert record["actor"] == OTHER
    assert record["acted"] is False
    assert record["topic"] == "/subscriptions/s"
    assert "203.0.113.7" not in json.dumps(record)


async def test_a_redelivered_event_is_recorded_once() -> None:
    await receive(event(data()))
    await receive(event(data()))
    await receive(event(data(), event_id="2"))

    assert len(recorded()) == 2


async def test_our_own_writes_pass_by() -> None:
    await receive(event(data(caller=OWN)))

    assert recorded() == []


async def test_other_operations_pass_by() -> None:
    await receive(event(data(operation="Microsoft.Compute/virtualMachines/write")))

    assert recorded() == []


@pytest.mark.parametrize("payload", [{}, [], "text", {"claims": {}}])
async def test_a_malformed_event_is_recorded_and_not_lost(payload: Any) -> None:
    await receive(event(payload))

    (record,) = recorded()
    assert record["kind"] == "malformed"
