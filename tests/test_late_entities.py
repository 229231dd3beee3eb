"""Entities of an alert come minutes late: they are asked for again, handed in once, or given up on loudly."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from playbooks.late_entities import ASKED_AFTER_MINUTES, late_entities
from responders import late_entities as workspace
from responders import principals
from responders.cloud import Cloud
from responders.errors import AmbiguousError, RefusedError, TransientError, UnresolvedError
from responders.model import Late
from tests import signal_bodies as bodies
from tests.a_principal import PRINCIPAL
from tests.queue_out import QueueOut
from tests.rehearsal import START, rehearse
from tests.sandbox_fixture import RunningSandbox
from tests.test_ways_in import FakeClient as FakeDurable
from triggers import intake, late_signals, receiving, sentinel
from triggers.formats import sentinel_incidents
from triggers.received import Received

POLICY: dict[str, Any] = {"retries": {"attempts": 3, "first_wait_seconds": 2}}
ORDER = {"signal": {"signal_id": "x"}, "came": START.isoformat(), "policy": POLICY}
NO: dict[str, Any] = {"found": False, "why": "no entity yet"}
YES: dict[str, Any] = {"found": True, "why": "a rule", "incident_id": "inc-1"}
ENTITY = {"Type": "account", "AadUserId": bodies.OBJECT_ID}


def test_it_asks_at_each_moment_and_stops_when_somebody_is_named() -> None:
    said = iter([NO, YES])
    run = rehearse(late_entities, ORDER, {"look_for_entities": lambda _: next(said)})

    assert run.timeline == ["look_for_entities", "look_for_entities"]
    assert run.outcome["incident_id"] == "inc-1"
    assert run.ended_at == START + timedelta(minutes=ASKED_AFTER_MINUTES[1])


def test_the_moments_count_from_the_alert_when_the_host_begins_late() -> None:
    began_late = {**ORDER, "came": (START - timedelta(minutes=4)).isoformat()}
    said = iter([NO, YES])
    run = rehearse(late_entities, began_late, {"look_for_entities": lambda _: next(said)})

    assert run.ended_at == START + timedelta(minutes=ASKED_AFTER_MINUTES[1] - 4)


def test_a_wait_that_an_earlier_version_began_counts_from_its_own_beginning() -> None:
    begun = {name: one for name, one in ORDER.items() if name != "came"}
    run = rehearse(late_entities, begun, {"look_for_entities": YES})

    assert run.ended_at == START + timedelta(minutes=ASKED_AFTER_MINUTES[0])


def test_what_names_nobody_to_the_end_is_given_up_on_loudly() -> None:
    run = rehearse(late_entities, ORDER, {"look_for_entities": NO})

    assert run.timeline == ["look_for_entities"] * 4 + ["give_up_on_entities"]
    assert run.orders[-1][1]["why"] == "no entity yet"
    assert run.ended_at == START + timedelta(minutes=ASKED_AFTER_MINUTES[-1])


def test_a_question_that_the_host_lost_is_asked_again_and_a_notice_that_failed_too() -> None:
    told = iter([{"status": "failed", "retry": True, "detail": "503"}, {"status": "done"}])
    answers: Any = {
        "look_for_entities": {"lost": "the worker died"},
        "give_up_on_entities": lambda _: next(told),
    }
    run = rehearse(late_entities, ORDER, answers)

    assert run.timeline == ["look_for_entities"] * 4 + ["give_up_on_entities"] * 2
    assert run.outcome["told"] == "done"
    assert "lost" in run.orders[-1][1]["why"]


async def asked(cloud: Cloud, late: Late) -> list[Any]:
    now = datetime.now(UTC)
    return await workspace.of(cloud, late, now, now + timedelta(minutes=1))


async def test_the_workspace_says_what_an_incident_and_an_alert_are_about(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    name = str(uuid.uuid4())
    wish = {"title": "odd", "entities": [ENTITY], "incident_name": name}
    alert_id = sandbox.control("POST", "detections", wish)["alert_id"]

    assert await asked(sandbox_cloud, {"table": "SecurityIncident", "key": name}) == [ENTITY]
    assert await asked(sandbox_cloud, {"table": "SecurityAlert", "key": alert_id}) == [ENTITY]
    nobody: Late = {"table": "SecurityIncident", "key": str(uuid.uuid4())}
    assert await asked(sandbox_cloud, nobody) == []


async def test_entities_that_are_not_there_yet_are_none_and_later_they_are(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    wish = {"title": "odd", "entities": [ENTITY], "entities_after_s": 90}
    alert_id = sandbox.control("POST", "detections", wish)["alert_id"]
    late: Late = {"table": "SecurityAlert", "key": alert_id}
    now = datetime.now(UTC)

    assert await workspace.of(sandbox_cloud, late, now, now + timedelta(minutes=5)) == []
    sandbox.control("POST", "clock", {"advance_seconds": 100})
    assert await workspace.of(sandbox_cloud, late, now, now + timedelta(minutes=5)) == [ENTITY]


@pytest.mark.parametrize("key", ["x' or 1 == 1", "a b", "", "é", "x" * 101])
@pytest.mark.parametrize("table", ["SecurityAlert", "SecurityIncident"])
async def test_nothing_but_an_id_reaches_a_query(
    sandbox: RunningSandbox, sandbox_cloud: Cloud, key: str, table: Any
) -> None:
    with pytest.raises(RefusedError):
        await asked(sandbox_cloud, {"table": table, "key": key})
    assert [one for one in sandbox.record() if "loganalytics" in one["service"]] == []


class FakeClient:
    """A Durable client that remembers what it was asked to start."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str, Any]] = []

    async def get_status(self, instance_id: str, **_options: Any) -> Any:
        known = instance_id in {one for _, one, _ in self.started}
        return SimpleNamespace(runtime_status="Running") if known else None

    async def start_new(self, name: str, *, instance_id: str, client_input: Any) -> str:
        self.started.append((name, instance_id, client_input))
        return instance_id


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIREBREAK_TENANT_ID", "00000000-0000-0000-0000-000000000001")
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", "00000000-0000-0000-0000-000000000002")
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))

    async def connect() -> Any:
        return SimpleNamespace()

    monkeypatch.setattr(Cloud, "connect", staticmethod(connect))


def records() -> list[Any]:
    store = intake.store()
    return [json.loads(store.get(path)) for path in store.list("signals")]


async def send(body: Any, client: FakeClient) -> tuple[int, Any]:
    request = func.HttpRequest("POST", "/x", body=json.dumps(body).encode())
    function: Any = sentinel.on_sentinel_incident
    answer = await function._function._func.client_function(
        req=request, client=client, later=QueueOut()
    )
    return answer.status_code, json.loads(answer.get_body())


@pytest.mark.usefixtures("settings")
async def test_an_incident_without_entities_waits_once_however_often_it_is_sent() -> None:
    client = FakeClient()
    first = await send(bodies.sentinel(), client)
    await send(bodies.sentinel(), client)

    ((name, instance, order),) = client.started
    assert (first[0], first[1]["status"]) == (202, "waiting")
    assert (name, instance[:5]) == ("late_entities", "late-")
    assert order["signal"]["late"]["table"] == "SecurityIncident"
    assert [one["status"] for one in records()] == ["waiting"]


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    "properties", [{"status": "Closed"}, {"createdTimeUtc": "2020-01-01T00:00:00Z"}]
)
async def test_what_would_start_nothing_is_not_waited_for(properties: Any) -> None:
    client = FakeClient()
    await send(bodies.sentinel(**properties), client)

    assert client.started == []


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("outcome", "waits"),
    [
        (UnresolvedError("a person"), True),
        (AmbiguousError("two", ["a", "b"]), False),
        (TransientError("Graph answered 503"), False),
        (None, False),
    ],
)
async def test_an_alert_that_names_people_alone_waits_for_a_workload_identity(
    monkeypatch: pytest.MonkeyPatch, outcome: Exception | None, waits: bool
) -> None:
    handed: list[Any] = []

    async def resolve(_cloud: Any, _hint: Any) -> Any:
        if outcome is not None:
            raise outcome

    async def receive(signal: Any, _client: Any, *_more: Any) -> Any:
        handed.append(signal)
        return Received("accepted", "a rule", "inc-1")

    monkeypatch.setattr(principals, "resolve", resolve)
    monkeypatch.setattr(receiving, "receive", receive)
    account = {"kind": "Account", "properties": {"aadUserId": bodies.OBJECT_ID}}
    client = FakeClient()
    _, said = await send(bodies.sentinel(account), client)

    assert said["status"] == ("waiting" if waits else "accepted")
    assert (len(client.started), len(handed)) == ((1, 0) if waits else (0, 1))


@pytest.mark.usefixtures("settings")
async def test_entities_that_came_are_handed_in_as_the_signals_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handed: list[Any] = []

    async def of(*_: Any) -> list[Any]:
        return [ENTITY]

    async def receive(signal: Any, _client: Any, *_more: Any) -> Any:
        handed.append(signal)
        return Received("accepted", "a rule", "inc-1")

    async def resolve(_cloud: Any, _hint: Any) -> Any:
        return {}

    monkeypatch.setattr(principals, "resolve", resolve)
    monkeypatch.setattr(workspace, "of", of)
    monkeypatch.setattr(receiving, "receive", receive)
    asked = sentinel_incidents.parse(json.dumps(bodies.sentinel()).encode(), "token")
    said = await look(asked)

    assert said == {"found": True, "why": "a rule", "incident_id": "inc-1"}
    assert handed[0]["hint"] == {"object_id": bodies.OBJECT_ID}
    assert handed[0]["signal_id"] == asked["signal_id"]
    assert "late" not in handed[0]


async def look(signal: Any) -> Any:
    function: Any = late_signals.look_for_entities
    return await function._function._func.client_function(signal=signal, client=FakeClient())


@pytest.mark.usefixtures("settings")
async def test_a_workspace_that_does_not_answer_is_asked_at_the_next_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def of(*_: Any) -> list[Any]:
        raise TransientError("Log Analytics answered 503")

    monkeypatch.setattr(workspace, "of", of)
    said = await look(sentinel_incidents.parse(json.dumps(bodies.sentinel()).encode(), "key"))

    assert said == {"found": False, "why": "Log Analytics answered 503"}


@pytest.mark.usefixtures("settings")
async def test_people_are_told_about_an_alert_that_names_nobody() -> None:
    title = "<img src=x onerror=alert(1)>"
    signal = sentinel_incidents.parse(json.dumps(bodies.sentinel(title=title)).encode(), "key")
    function: Any = late_signals.give_up_on_entities
    inner, durable = function._function._func.client_function, FakeClient()
    said = await inner(order={"signal": signal, "why": "no entity"}, client=durable)
    await inner(order={"signal": signal, "why": "no entity"}, client=durable)

    assert said["status"] == "done"
    ((name, _, order),) = durable.started
    told = order["announcement"]
    assert name == "tell_later"
    assert "a person is needed" in told["title"]
    assert dict(told["facts"])["Id"] == signal["signal_id"]


@pytest.mark.usefixtures("settings")
async def test_what_waited_is_started_by_what_it_names_now(monkeypatch: pytest.MonkeyPatch) -> None:
    async def of(*_: Any) -> list[Any]:
        return [ENTITY]

    async def resolve(_cloud: Any, hint: Any) -> Any:
        assert hint == {"object_id": bodies.OBJECT_ID}
        return {**PRINCIPAL, "object_id": bodies.OBJECT_ID}

    monkeypatch.setattr(principals, "resolve", resolve)
    monkeypatch.setattr(workspace, "of", of)
    body, durable = bodies.sentinel(), FakeDurable()
    client: Any = durable
    waits = await send(body, client)
    ((_, order),) = durable.started
    function: Any = late_signals.look_for_entities
    inner = function._function._func.client_function
    said = await inner(signal=order["signal"], client=durable)

    assert (waits[1]["status"], said["found"]) == ("waiting", True)
    (record,) = records()
    assert (record["status"], record["incident_id"]) == ("accepted", said["incident_id"])
    assert record["signal"]["hint"] == {"object_id": bodies.OBJECT_ID}
    assert (await send(body, client))[1]["incident_id"] == said["incident_id"]
