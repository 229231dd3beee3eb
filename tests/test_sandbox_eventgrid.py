"""Event Grid: at least once, with a handshake before, retries between and a dead letter at the end."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.arm_caller import ARM, ArmCaller, as_firebreak, as_user, managed_identity_token
from tests.sandbox_fixture import RunningSandbox

EVENT_TYPE = "Microsoft.Resources.Resource{}Success"


@dataclass
class Webhook:
    """An endpoint that keeps what it gets and answers what the test says."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)  # of the next notifications; then 200
    validates: bool = True
    received: list[tuple[dict[str, str], Any]] = field(default_factory=list)

    def wait_for(self, number: int) -> list[tuple[dict[str, str], Any]]:
        """What was received, once it is that many."""
        _wait_until(lambda: len(self.received) >= number)
        return self.received


class _Handler(BaseHTTPRequestHandler):
    webhook: Webhook

    def do_OPTIONS(self) -> None:
        origin = self.headers["WebHook-Request-Origin"]
        allowed = {"WebHook-Allowed-Origin": origin} if self.webhook.validates else {}
        self._answer(200, b"", allowed)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers["aeg-event-type"] == "SubscriptionValidation":
            code = body[0]["data"]["validationCode"] if self.webhook.validates else "no"
            self._answer(200, json.dumps({"validationResponse": code}).encode(), {})
            return
        status = self.webhook.statuses.pop(0) if self.webhook.statuses else 200
        self.webhook.received.append((headers, body))
        self._answer(status, b"", {})

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    made = Webhook()
    handler = type("Handler", (_Handler,), {"webhook": made})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        made.url = f"http://localhost:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    return as_firebreak(sandbox)


def _wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def _subscribe(sandbox: RunningSandbox, url: str, **more: object) -> Any:
    target = f"{sandbox.endpoints['eventgrid']}/sandbox/subscriptions"
    return sandbox.http.post(target, json={"endpoint": url, "name": "one", **more})


def _subscription(sandbox: RunningSandbox) -> dict[str, Any]:
    target = f"{sandbox.endpoints['eventgrid']}/sandbox/subscriptions/one"
    described: dict[str, Any] = sandbox.http.get(target).json()
    return described


def _activity(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return list(sandbox.control("GET", "state/logs")["AzureActivity"])


def _assign(arm: ArmCaller) -> str:
    role = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    definition = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    principal = arm.sandbox.seed["billing_api"]["object_id"]
    properties = {"roleDefinitionId": definition, "principalId": principal}
    path = f"{arm.group}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    assert arm("PUT", path, json={"properties": properties}).status_code == 201
    return path


def test_a_write_reaches_the_subscriber_in_the_documented_shape(
    arm: ArmCaller, webhook: Webhook
) -> None:
    assert _subscribe(arm.sandbox, webhook.url).status_code == 201
    path = _assign(arm)
    headers, (event,) = webhook.wait_for(1)[0]

    assert headers["aeg-event-type"] == "Notification"
    assert headers["aeg-subscription-name"] == "ONE"
    assert event["eventType"] == EVENT_TYPE.format("Write")
    assert event["topic"] == arm.subscription
    assert event["subject"] == path
    data = event["data"]
    assert data["operationName"] == "Microsoft.Authorization/roleAssignments/write"
    assert data["authorization"]["evidence"]["role"] == "Role Based Access Control Administrator"
    assert data["claims"]["appid"] == arm.sandbox.seed["firebreak"]["app_id"]
    assert data["httpRequest"]["method"] == "PUT"
    assert event["id"] in [each["EventDataId"] for each in _activity(arm.sandbox)]


def test_cloud_events_are_delivered_after_their_own_handshake(
    arm: ArmCaller, webhook: Webhook
) -> None:
    assert _subscribe(arm.sandbox, webhook.url, schema="CloudEventSchemaV1_0").status_code == 201
    _assign(arm)
    headers, event = webhook.wait_for(1)[0]

    assert headers["content-type"].startswith("application/cloudevents+json")
    assert event["specversion"] == "1.0"
    assert event["type"] == EVENT_TYPE.format("Write")
    assert event["source"] == arm.subscription


def test_deletes_and_actions_have_types_of_their_own_and_types_can_be_chosen(
    arm: ArmCaller, webhook: Webhook
) -> None:
    wanted = [EVENT_TYPE.format("Delete"), EVENT_TYPE.format("Action")]
    assert _subscribe(arm.sandbox, webhook.url, eventTypes=wanted).status_code == 201
    arm("DELETE", _assign(arm))
    cluster = arm.sandbox.seed["clusters"]["aks-weu"]["resource_id"]
    arm("POST", f"{cluster}/listClusterUserCredential", version="2026-08-01")

    types = {event["eventType"] for _, batch in webhook.wait_for(2) for event in batch}
    assert types == set(wanted)


def test_what_was_refused_is_not_announced(arm: ArmCaller, webhook: Webhook) -> None:
    _subscribe(arm.sandbox, webhook.url)
    vera = as_user(arm.sandbox, "vera")
    vera("DELETE", f"{vera.group}/providers/Microsoft.Authorization/locks/x", version="2020-05-01")
    _assign(arm)
    assert [each["eventType"] for each in webhook.wait_for(1)[0][1]] == [EVENT_TYPE.format("Write")]


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
def test_without_the_handshake_there_is_no_subscription(
    arm: ArmCaller, webhook: Webhook, schema: str
) -> None:
    webhook.validates = False
    refused = _subscribe(arm.sandbox, webhook.url, schema=schema)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "Url validation"
    nobody = _subscribe(arm.sandbox, "http://localhost:9/", schema=schema)
    assert nobody.status_code == 400


def test_a_delivery_that_fails_is_repeated(arm: ArmCaller, webhook: Webhook) -> None:
    webhook.statuses = [503]
    _subscribe(arm.sandbox, webhook.url)
    _assign(arm)
    first, second = webhook.wait_for(2)

    assert first[1] == second[1]
    assert (first[0]["aeg-delivery-count"], second[0]["aeg-delivery-count"]) == ("0", "1")
    _wait_until(lambda: len(_subscription(arm.sandbox)["deliveries"]) == 2)
    shown = _subscription(arm.sandbox)
    assert [each["status"] for each in shown["deliveries"]] == [503, 200]
    assert shown["deadLetters"] == []


@pytest.mark.parametrize("status", [400, 413])
def test_what_cannot_be_fixed_is_dead_lettered_at_once(
    arm: ArmCaller, webhook: Webhook, status: int
) -> None:
    webhook.statuses = [status]
    _subscribe(arm.sandbox, webhook.url)
    _assign(arm)
    _wait_until(lambda: bool(_subscription(arm.sandbox)["deadLetters"]))
    assert len(webhook.received) == 1


def test_events_come_in_batches_where_batches_are_wanted(arm: ArmCaller, webhook: Webhook) -> None:
    _subscribe(arm.sandbox, webhook.url, maxEventsPerBatch=10)
    for _ in range(4):
        arm("DELETE", _assign(arm))
    _wait_until(lambda: sum(len(batch) for _, batch in webhook.received) == 8)
    assert all(isinstance(batch, list) for _, batch in webhook.received)


def test_a_subscription_can_be_ended(arm: ArmCaller, webhook: Webhook) -> None:
    _subscribe(arm.sandbox, webhook.url)
    target = f"{arm.sandbox.endpoints['eventgrid']}/sandbox/subscriptions/one"
    assert arm.sandbox.http.delete(target).status_code == 200
    assert arm.sandbox.http.delete(target).status_code == 204
    _assign(arm)
    assert arm.sandbox.http.get(target).status_code == 404
    assert webhook.received == []


def test_a_wrong_subscription_is_refused(sandbox: RunningSandbox) -> None:
    wrong: list[dict[str, object]] = [
        {"endpoint": "ftp://localhost"},
        {"schema": "Other"},
        {"eventTypes": ["Contoso.Event"]},
        {"maxEventsPerBatch": 0},
        {"filter": "x"},
    ]
    for body in wrong:
        refused = _subscribe(sandbox, "http://localhost:9/", **body)
        assert refused.status_code == 400, body
        assert refused.json()["error"]["code"] == "InvalidRequest"


CUSTOM = {
    "id": "1",
    "subject": "orders-api",
    "eventType": "Contoso.Odd",
    "eventTime": "2026-01-01T00:00:00Z",
    "dataVersion": "1",
    "data": {"x": 1},
}
CLOUD = {"id": "1", "source": "/contoso", "specversion": "1.0", "type": "Contoso.Odd", "data": {}}


BATCH = "application/cloudevents-batch+json; charset=utf-8"
SINGLE = "application/cloudevents+json; charset=utf-8"
EVENT_GRID = "https://eventgrid.azure.net"


def _publish(sandbox: RunningSandbox, name: str, body: Any, **headers: str) -> int:
    topic = sandbox.seed["event_grid"][name]
    sent = {"aeg-sas-key": topic["key"], "content-type": "application/json", **headers}
    return sandbox.http.post(topic["endpoint"], content=json.dumps(body), headers=sent).status_code


def _publish_by_token(
    sandbox: RunningSandbox,
    token: str,
    body: Any = CLOUD,
    version: str = "2018-01-01",
    **headers: str,
) -> Any:
    sent = {"Authorization": f"Bearer {token}", "content-type": SINGLE, **headers}
    return sandbox.http.post(
        sandbox.seed["event_grid"]["incidents"]["endpoint"],
        content=json.dumps(body),
        headers=sent,
        params={"api-version": version},
    )


def test_what_is_published_to_a_custom_topic_reaches_its_own_subscribers_alone(
    sandbox: RunningSandbox, webhook: Webhook
) -> None:
    assert _subscribe(sandbox, webhook.url, topic="signals").status_code == 201
    assert _publish(sandbox, "events", [CLOUD], **{"content-type": BATCH}) == 200
    assert _publish(sandbox, "signals", [CUSTOM]) == 200
    _, (event,) = webhook.wait_for(1)[0]

    assert {name: event[name] for name in CUSTOM} == CUSTOM
    assert event["topic"].endswith("/providers/Microsoft.EventGrid/topics/egt-firebreak-signals")
    shown = sandbox.http.get(f"{sandbox.endpoints['eventgrid']}/sandbox/topics/events").json()
    assert [one["eventType"] for one in shown["value"]] == ["Contoso.Odd"]


@pytest.mark.parametrize(
    ("name", "body", "headers", "status"),
    [
        ("events", CLOUD, {"content-type": SINGLE}, 200),
        ("events", [CLOUD, CLOUD], {"content-type": BATCH}, 200),
        ("events", CLOUD, {}, 400),
        ("events", [CLOUD], {}, 400),
        ("events", [CLOUD], {"content-type": SINGLE}, 400),
        ("events", CLOUD, {"content-type": BATCH}, 400),
        ("events", {**CLOUD, "specversion": "0.3"}, {"content-type": SINGLE}, 400),
        ("events", {**CLOUD, "dataVersion": "1"}, {"content-type": SINGLE}, 400),
        ("events", {**CLOUD, "traceparent": "00-1"}, {"content-type": SINGLE}, 200),
        ("events", CUSTOM, {"content-type": SINGLE}, 400),
        ("signals", [CLOUD], {}, 400),
        ("signals", [{**CUSTOM, "eventTime": "yesterday"}], {}, 400),
        ("signals", [CUSTOM], {"aeg-sas-key": "wrong"}, 401),
        ("signals", [{**CUSTOM, "data": "x" * 1_100_000}], {}, 413),
    ],
)
def test_a_custom_topic_takes_events_of_its_schema_from_whoever_has_its_key(
    sandbox: RunningSandbox, name: str, body: Any, headers: dict[str, str], status: int
) -> None:
    assert _publish(sandbox, name, body, **headers) == status


def test_a_topic_that_is_not_there_is_not_found(sandbox: RunningSandbox) -> None:
    unknown = sandbox.endpoints["eventgrid"] + "/topics/other/api/events"
    assert sandbox.http.post(unknown, json=[CUSTOM]).status_code == 404


def test_a_token_publishes_where_its_principal_has_the_role(
    sandbox: RunningSandbox, webhook: Webhook
) -> None:
    cloud = {"schema": "CloudEventSchemaV1_0", "topic": "incidents"}
    assert _subscribe(sandbox, webhook.url, **cloud).status_code == 201
    own = managed_identity_token(sandbox, EVENT_GRID)
    assert _publish_by_token(sandbox, own).status_code == 200
    _, event = webhook.wait_for(1)[0]

    assert (event["type"], event["source"], event["id"]) == ("Contoso.Odd", "/contoso", "1")
    endpoint = sandbox.seed["event_grid"]["events"]["endpoint"]
    sent = {"Authorization": f"Bearer {own}", "content-type": SINGLE}
    elsewhere = sandbox.http.post(endpoint, content=json.dumps(CLOUD), headers=sent)
    assert elsewhere.status_code == 403
    assert "does not have permission to send data" in elsewhere.json()["error"]["message"]


def test_a_token_without_the_role_or_for_another_api_publishes_nothing(
    sandbox: RunningSandbox,
) -> None:
    own = managed_identity_token(sandbox, EVENT_GRID)
    nobody = sandbox.sign_in("vera", EVENT_GRID)
    assert _publish_by_token(sandbox, nobody).status_code == 403
    assert _publish_by_token(sandbox, managed_identity_token(sandbox, ARM)).status_code == 401
    assert _publish_by_token(sandbox, own, version="2020-06-01").status_code == 400
    assert _publish_by_token(sandbox, own, body=[CLOUD]).status_code == 400
    keyed = _publish_by_token(sandbox, own, **{"aeg-sas-key": "any"})
    assert keyed.status_code == 401
    assert "Local authentication is disabled" in keyed.json()["error"]["message"]
    assert sandbox.control("GET", "state")["topics"] == {}


def test_a_topic_that_is_throttled_takes_nothing(sandbox: RunningSandbox) -> None:
    said = {"service": "eventgrid", "path": "/topics/", "status": 429, "retry_after": "3"}
    sandbox.control("POST", "faults", said)
    own = managed_identity_token(sandbox, EVENT_GRID)
    refused = _publish_by_token(sandbox, own)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3")
    assert sandbox.control("GET", "state")["topics"] == {}
