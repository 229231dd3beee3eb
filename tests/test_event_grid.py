"""Events are taken in once, whatever their schema; our own writes and other operations pass by; none is lost."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from responders import principals
from responders.cloud import Cloud
from responders.errors import AmbiguousError, TransientError, UnresolvedError
from tests.queue_out import QueueOut
from triggers import event_grid, intake

OWN = "99999999-9999-9999-9999-999999999999"
OTHER = "88888888-8888-8888-8888-888888888888"
VICTIM = "77777777-7777-7777-7777-777777777777"
TRUSTS = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
LIST_KEYS = "Microsoft.Storage/storageAccounts/listKeys/action"
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
IDENTITY = (
    f"/subscriptions/{uuid.UUID(int=7)}/resourceGroups/rg/providers/"
    "Microsoft.ManagedIdentity/userAssignedIdentities/id-payments"
)
TRUST = f"{IDENTITY}/federatedIdentityCredentials/planted"


class FakeClient:
    """A Durable client that remembers what it was asked to start."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.told: dict[str, Any] = {}

    async def get_status(self, instance_id: str, **_options: Any) -> Any:
        return SimpleNamespace(runtime_status="Running") if instance_id in self.told else None

    async def start_new(self, name: str, *, instance_id: str, client_input: Any) -> str:
        if name == "tell_later":
            self.told[instance_id] = client_input["announcement"]
        else:
            self.started.append(client_input["incident"])
        return instance_id


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIREBREAK_TENANT_ID", "00000000-0000-0000-0000-000000000001")
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", "00000000-0000-0000-0000-000000000002")
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))

    async def own_object_ids() -> set[str]:
        return {OWN}

    async def connect() -> Any:
        return SimpleNamespace(own_object_ids=own_object_ids)

    async def resolve(_cloud: Any, hint: dict[str, str]) -> Any:
        if hint == {"object_id": VICTIM}:
            return {
                "kind": "application",
                "object_id": VICTIM,
                "app_id": VICTIM,
                "display_name": "x",
            }
        if "resource_id" in hint:
            raise AmbiguousError("several", [VICTIM, OTHER])
        raise UnresolvedError(f"nobody is {hint}")

    monkeypatch.setattr(Cloud, "connect", staticmethod(connect))
    monkeypatch.setattr(principals, "resolve", resolve)


def data(caller: str = OTHER, operation: str = f"{TRUSTS}/write", **more: Any) -> dict[str, Any]:
    return {
        "operationName": operation,
        "resourceUri": TRUST,
        "claims": {OBJECT_ID: caller, "ipaddr": "203.0.113.7"},
        "correlationId": "c",
        **more,
    }


def custom(**more: Any) -> dict[str, Any]:
    return {"hint": {"object_id": VICTIM}, "title": "seen by our own detection", **more}


def event(
    payload: Any, event_id: str = "1", kind: str = "Microsoft.Resources.ResourceWriteSuccess"
) -> func.EventGridEvent:
    return func.EventGridEvent(
        id=event_id,
        data=payload,
        topic="/subscriptions/s",
        subject=TRUST,
        event_type=kind,
        event_time=datetime.now(UTC),
        data_version="2",
    )


def cloud_event(
    payload: Any, kind: str = "Microsoft.Resources.ResourceWriteSuccess"
) -> func.CloudEvent:
    return func.CloudEvent(
        id="1",
        data=payload,
        source="/subscriptions/s",
        subject=TRUST,
        type=kind,
        time=datetime.now(UTC),
        specversion="1.0",
    )


async def receive(
    one: Any, client: FakeClient | None = None, later: QueueOut | None = None
) -> None:
    function: Any = event_grid.on_identity_change
    await function._function._func.client_function(
        event=one, client=client or FakeClient(), later=later or QueueOut()
    )


def recorded(folder: str = "signals/event-grid") -> list[dict[str, Any]]:
    store = intake.store()
    return [json.loads(store.get(path)) for path in store.list(folder)]


@pytest.mark.parametrize("make", [event, cloud_event])
async def test_a_written_credential_is_kept_with_the_identity_it_opens(make: Any) -> None:
    client = FakeClient()
    await receive(make(data()), client)

    (record,) = recorded()
    signal = record["signal"]
    assert (record["status"], client.started) == ("recorded", [])
    assert signal["kind"] == "federated-credential-write"
    assert signal["hint"] == {"resource_id": IDENTITY}
    assert signal["actor"] == OTHER
    assert "203.0.113.7" not in json.dumps(record)


@pytest.mark.parametrize(
    ("payload", "kind", "hint"),
    [
        (
            data(operation=f"{ASSIGNMENTS}/write", resourceUri="/subscriptions/s/x"),
            "role-assignment-write",
            {"role_assignment_id": "/subscriptions/s/x"},
        ),
        (data(operation=LIST_KEYS), "list-keys", {"object_id": OTHER}),
        (
            data(operation=f"{TRUSTS}/delete"),
            "federated-credential-delete",
            {"resource_id": IDENTITY},
        ),
    ],
)
async def test_each_operation_says_whose_identity_it_is_about(
    payload: Any, kind: str, hint: Any
) -> None:
    await receive(event(payload))

    (record,) = recorded()
    assert (record["signal"]["kind"], record["signal"]["hint"]) == (kind, hint)


@pytest.mark.parametrize(
    "payload",
    [
        data(operation=LIST_KEYS, claims={OBJECT_ID: OTHER, UPN: "dana@contoso.example"}),
        data(operation=LIST_KEYS, claims={}),
        data(operation=f"{ASSIGNMENTS}/delete"),
    ],
)
async def test_what_is_about_no_workload_identity_is_kept_with_the_reason(payload: Any) -> None:
    await receive(event(payload))

    (record,) = recorded()
    assert (record["status"], record["signal"]["hint"]) == ("recorded", {})
    assert record["why"] == record["signal"]["inert"]


@pytest.mark.parametrize("make", [event, cloud_event])
async def test_a_detection_of_ones_own_starts_containment(make: Any) -> None:
    client = FakeClient()
    await receive(make(custom(severity="High"), kind="Firebreak.Signal"), client)

    (incident,) = client.started
    assert (incident["mode"], incident["principal"]["object_id"]) == ("contain", VICTIM)
    assert incident["signal"]["title"] == "seen by our own detection"


@pytest.mark.parametrize(
    ("hint", "why"),
    [
        ({"object_id": OTHER}, "nobody is"),
        ({"resource_id": IDENTITY}, f"several: {VICTIM}, {OTHER}"),
    ],
)
async def test_an_event_that_names_nobody_or_several_is_kept_and_starts_nothing(
    hint: Any, why: str
) -> None:
    client = FakeClient()
    await receive(event(custom(hint=hint), kind="Firebreak.Signal"), client)

    (record,) = recorded()
    assert (record["status"], client.started) == ("refused", [])
    assert why in record["why"]


async def test_a_redelivered_event_is_recorded_once() -> None:
    await receive(event(data()))
    await receive(event(data()))
    await receive(event(data(), event_id="2"))

    assert len(recorded()) == 2


async def test_our_own_writes_pass_by() -> None:
    await receive(event(data(caller=OWN.upper())))

    assert recorded() == []


@pytest.mark.parametrize(
    "one",
    [
        event(data(operation="Microsoft.Compute/virtualMachines/write")),
        event({}, kind="Firebreak.Incident.Contained"),
        event({}, kind="Firebreak.Operations.KillSwitchPulled"),
        event({}, kind="Microsoft.Storage.BlobCreated"),
    ],
)
async def test_other_operations_and_our_own_news_pass_by(one: Any) -> None:
    await receive(one)

    assert recorded() == []


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({}, "Microsoft.Resources.ResourceWriteSuccess"),
        ([], "Microsoft.Resources.ResourceWriteSuccess"),
        ("text", "Microsoft.Resources.ResourceWriteSuccess"),
        ({"claims": {}}, "Microsoft.Resources.ResourceWriteSuccess"),
        (custom(hint={}), "Firebreak.Signal"),
        (custom(hint={"display_name": "orders-api"}), "Firebreak.Signal"),
        (custom(hint={"object_id": VICTIM, "app_id": VICTIM}), "Firebreak.Signal"),
        (custom(mode="respond"), "Firebreak.Signal"),
        (None, "Firebreak.Signal"),
    ],
)
async def test_a_malformed_event_is_dead_lettered_whole_and_shown(payload: Any, kind: str) -> None:
    client, one = FakeClient(), event(payload, kind=kind)
    await receive(one, client)
    await receive(one, client)

    (record,) = recorded()
    (letter,) = recorded("dead-letters/event-grid")
    assert (record["signal"]["kind"], record["status"]) == ("malformed", "refused")
    assert client.started == []
    assert letter["type"] == kind
    kept = (
        {k: v for k, v in payload.items() if k != "claims"}
        if isinstance(payload, dict)
        else payload
    )
    assert letter["data"] == kept
    (told,) = client.told.values()
    assert "dead-letters/event-grid/" in dict(told["facts"])["Why"]


async def test_what_time_can_fix_waits_in_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(_cloud: Any, _hint: Any) -> Any:
        raise TransientError("Graph answered 503")

    monkeypatch.setattr(principals, "resolve", down)

    later = QueueOut()
    await receive(event(custom(), kind="Firebreak.Signal"), later=later)

    (waiting,) = later.messages
    assert waiting["signal"]["source"] == "event-grid"
    (record,) = recorded()
    assert (record["status"], record["attempts"]) == ("received", 1)
    assert "503" in record["why"]
