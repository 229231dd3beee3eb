"""The ways in: routes, keys, App Service headers, Event Grid and the Durable API over real HTTP."""

import http.client
import http.server
import json
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.host_apps.running import EVERYTHING, RunningHost
from tests.host_apps.signing import AUDIENCE, ISSUER, Signer

FORGED = {
    "X-MS-CLIENT-PRINCIPAL": "Zm9yZ2Vk",
    "x-ms-client-principal-id": "forged",
    "X-MS-CLIENT-PRINCIPAL-NAME": "forged",
    "X-MS-TOKEN-AAD-ACCESS-TOKEN": "forged",
}


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="module")
def jwks_url(signer: Signer) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(signer.jwks()).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/keys"
        server.shutdown()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, jwks_url: str) -> Iterator[RunningHost]:
    arguments = ["--auth-issuer", ISSUER, "--auth-audience", AUDIENCE, "--auth-jwks", jwks_url]
    with RunningHost(tmp_path_factory.mktemp("http"), *arguments) as running:
        yield running


def function_key(host: RunningHost) -> dict[str, str]:
    return {"x-functions-key": host.keys["functionKeys"]["default"]}


def echo(host: RunningHost, **headers: str) -> dict[str, Any]:
    seen: dict[str, Any] = host.http.get("/api/echo/word", headers=headers).json()
    return seen


# routes


def test_a_function_sees_the_request_as_it_was(host: RunningHost) -> None:
    answer = host.http.post(
        "/api/ECHO/hello?a=1&b=%C3%A4", content=b"text", headers={"X-Mine": "m"}
    )
    seen = answer.json()
    assert answer.status_code == 200
    assert answer.headers["x-said"] == "so"
    assert seen["route"] == {"word": "hello"}
    assert seen["params"] == {"a": "1", "b": "ä"}
    assert seen["body"] == "text"
    assert seen["headers"]["x-mine"] == "m"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/nowhere"),
        ("GET", "/api/echo/123"),
        ("PUT", "/api/echo/word"),
        ("GET", "/echo/word"),
    ],
)
def test_what_no_route_fits_is_not_found(host: RunningHost, method: str, path: str) -> None:
    assert host.http.request(method, path).status_code == 404


def test_a_failing_function_says_nothing_to_the_outside(host: RunningHost) -> None:
    answer = host.http.get("/api/breaks")
    assert (answer.status_code, answer.content) == (500, b"")
    assert "RuntimeError: a secret" in host.log()


def test_local_settings_reach_the_app_and_the_environment_wins(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    for file in EVERYTHING.glob("*.*"):
        (app / file.name).write_bytes(file.read_bytes())
    values = {"FROM_LOCAL_SETTINGS": "yes", "EVERY": "nonsense that would refuse the app"}
    (app / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    with RunningHost(tmp_path, app=app) as host:
        assert echo(host)["local_setting"] == "yes"


def test_an_answer_does_not_wait_for_an_acknowledgement(host: RunningHost) -> None:
    """Without TCP_NODELAY every answer on a kept-alive connection takes 40 ms and more."""
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        echo(host)
        taken.append(time.perf_counter() - began)
    assert min(taken[1:]) < 0.035


def test_a_body_beyond_the_platforms_limit_is_refused_unread(host: RunningHost) -> None:
    address = httpx.URL(host.ready["url"])
    connection = http.client.HTTPConnection(str(address.host), address.port, timeout=10)
    connection.putrequest("POST", "/api/echo/word")
    connection.putheader("Content-Length", str(200 * 1024 * 1024))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


# keys


def test_a_function_opens_with_its_key_or_the_master_key_only(host: RunningHost) -> None:
    path = "/api/status/none"
    assert host.http.get(path).status_code == 401
    assert host.http.get(path, params={"code": "wrong"}).status_code == 401
    assert host.http.get(path, headers=function_key(host)).status_code == 200
    assert host.http.get(path, params={"code": host.keys["masterKey"]}).status_code == 200


def test_an_admin_function_opens_with_the_master_key_only(host: RunningHost) -> None:
    assert host.http.get("/api/echo/admin", headers=function_key(host)).status_code == 401
    master = {"x-functions-key": host.keys["masterKey"]}
    assert host.http.get("/api/echo/admin", headers=master).text == "admin"


def test_a_function_key_opens_no_system_webhook(host: RunningHost) -> None:
    for path in ("durabletask/instances", "eventgrid?functionName=on_event"):
        answer = host.http.get(f"/runtime/webhooks/{path}", headers=function_key(host))
        assert answer.status_code == 401


def test_keys_are_the_owners_alone_and_stay_over_restarts(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        keys = host.keys
        for file in ("keys.json", "host.json", "history.sqlite"):
            assert stat.S_IMODE((host.state / file).stat().st_mode) == 0o600
    with RunningHost(tmp_path) as host:
        assert host.keys == keys


def test_no_key_and_no_token_is_ever_logged(host: RunningHost, signer: Signer) -> None:
    token = signer.token()
    echo(host, authorization=f"Bearer {token}")
    host.http.get("/api/status/none", params={"code": host.keys["masterKey"]})
    logged = host.log()
    secrets = [host.keys["masterKey"], *function_key(host).values(), token]
    assert not [secret for secret in secrets if secret in logged]


# App Service authentication


def test_a_client_cannot_pose_as_the_platform(host: RunningHost) -> None:
    seen = echo(host, **FORGED)["headers"]
    assert not [name for name in seen if name.startswith(("x-ms-client", "x-ms-token"))]


def test_forged_headers_are_removed_also_without_sign_in(tmp_path: Path) -> None:
    with RunningHost(tmp_path, environment={"WEBSITE_AUTH_ENABLED": "True"}) as host:
        seen = echo(host, **FORGED)
    assert not [name for name in seen["headers"] if name.startswith(("x-ms-client", "x-ms-token"))]
    assert seen["auth_enabled"] is None


def test_a_good_token_names_its_bearer_to_the_app(host: RunningHost, signer: Signer) -> None:
    token = signer.token(roles=["Incident.Respond", "Incident.Approve"])
    seen = echo(host, authorization=f"Bearer {token}", **FORGED)
    principal = signer.principal(seen["headers"]["x-ms-client-principal"])
    assert seen["auth_enabled"] == "True"
    assert seen["headers"]["x-ms-client-principal-id"] == "oid-of-rosa"
    assert seen["headers"]["x-ms-client-principal-idp"] == "aad"
    assert principal["auth_typ"] == "aad"
    roles = [claim["val"] for claim in principal["claims"] if claim["typ"] == "roles"]
    assert roles == ["Incident.Respond", "Incident.Approve"]


def test_a_bad_token_is_refused_before_the_app(host: RunningHost, signer: Signer) -> None:
    for token in (signer.token(aud="api://other"), "nonsense", f"{signer.token()}x"):
        answer = host.http.get("/api/echo/word", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401


# Event Grid


def deliver(host: RunningHost, body: object, **headers: str) -> httpx.Response:
    return host.http.post(
        "/runtime/webhooks/EventGrid",
        params={"functionName": "on_event", "code": host.keys["systemKeys"]["eventgrid_extension"]},
        json=body,
        headers=headers,
    )


def grid_event(event_id: str, kind: str = "Made.Up", data: object = None) -> dict[str, Any]:
    return {
        "id": event_id,
        "topic": "t",
        "subject": "s",
        "eventType": kind,
        "eventTime": "2026-01-01T00:00:00Z",
        "data": data or {},
        "dataVersion": "1",
    }


def test_the_validation_handshake_answers_with_the_code(host: RunningHost) -> None:
    kind = "Microsoft.EventGrid.SubscriptionValidationEvent"
    event = grid_event("v", kind, {"validationCode": "the code"})
    answer = deliver(host, [event], **{"aeg-event-type": "SubscriptionValidation"})
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "the code"})


def test_every_event_of_a_batch_is_delivered(host: RunningHost) -> None:
    answer = deliver(
        host, [grid_event("e1"), grid_event("e2")], **{"aeg-event-type": "Notification"}
    )
    assert answer.status_code == 202
    assert {"event e1", "event e2"} <= set(host.effects())


def test_a_failing_event_is_asked_for_again(host: RunningHost) -> None:
    answer = deliver(host, [grid_event("poison")], **{"aeg-event-type": "Notification"})
    assert answer.status_code == 500


def test_cloud_events_have_their_own_handshake_and_shape(host: RunningHost) -> None:
    query = {
        "functionName": "on_event",
        "code": host.keys["systemKeys"]["eventgrid_extension"],
    }
    origin = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    answer = host.http.request(
        "OPTIONS", "/runtime/webhooks/eventgrid", params=query, headers=origin
    )
    assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"
    event = {"specversion": "1.0", "id": "c1", "source": "s", "type": "t", "data": {}}
    assert deliver(host, event).status_code == 202
    assert "event c1" in host.effects()


@pytest.mark.parametrize(("body", "status"), [([], 400), ("text", 400), ([1], 400)])
def test_a_delivery_without_events_is_refused(host: RunningHost, body: object, status: int) -> None:
    assert deliver(host, body, **{"aeg-event-type": "Notification"}).status_code == status


def test_an_unknown_event_function_is_not_found(host: RunningHost) -> None:
    key = host.keys["systemKeys"]["eventgrid_extension"]
    answer = host.http.post(f"/runtime/webhooks/eventgrid?functionName=nowhere&code={key}", json=[])
    assert answer.status_code == 404


# the Durable API


def test_the_sdks_client_starts_asks_and_raises(host: RunningHost) -> None:
    key = function_key(host)
    started = host.http.post("/api/start/two_waits/sdk", headers=key, json={"a": 1})
    assert started.status_code == 202
    assert host.http.get(started.headers["location"]).json()["input"] == '{"a": 1}'
    for name, body in (("go", 0), ("word", {"by": "sdk"}), ("word", 2)):
        host.http.post(f"/api/events/sdk/{name}", headers=key, json=body)
    assert host.finished("sdk")["output"] == ['{"by": "sdk"}', "2"]  # encoded twice, decoded once
    seen = host.http.get("/api/status/sdk", headers=key).json()
    assert (seen["name"], seen["runtimeStatus"]) == ("two_waits", "Completed")


def test_the_sdk_hears_of_a_taken_id_and_of_an_unknown_orchestrator(host: RunningHost) -> None:
    key = function_key(host)
    host.start_orchestration("two_waits", "taken", None)
    assert "already exists" in host.http.post("/api/start/two_waits/taken", headers=key).text
    assert "doesn't exist" in host.http.post("/api/start/nowhere", headers=key).text


def test_the_management_api_answers_as_documented(host: RunningHost) -> None:
    assert host.durable("GET", "instances/none").status_code == 404
    assert host.durable("POST", "instances/none/raiseEvent/go", json=1).status_code == 404
    assert host.durable("POST", "instances/none/terminate").status_code == 404
    started = host.start_orchestration("two_waits", "managed", {"a": [1]})
    assert started.status_code == 202
    links = started.json()
    assert host.http.get(links["statusQueryGetUri"]).status_code == 202
    assert host.status("managed")["input"] == {"a": [1]}
    assert host.start_orchestration("two_waits", "managed", None).status_code == 409
    plain = host.durable("POST", "instances/managed/raiseEvent/go", content=b"x")
    assert plain.status_code == 400
    assert host.durable("DELETE", "instances/managed").status_code == 409
    assert host.durable("POST", "instances/managed/suspend?reason=r").status_code == 202
    host.wait(lambda: host.status("managed")["runtimeStatus"] == "Suspended")
    assert host.http.post(links["terminatePostUri"].format(text="enough")).status_code == 202
    assert host.finished("managed")["output"] == "enough"
    assert host.durable("POST", "instances/managed/raiseEvent/go", json=1).status_code == 410
    assert host.durable("POST", "instances/managed/rewind").status_code == 501
    found = host.durable("GET", "instances?instanceIdPrefix=mana&runtimeStatus=Terminated").json()
    assert [instance["instanceId"] for instance in found] == ["managed"]
    history = host.durable("GET", "instances/managed?showHistory=true").json()["historyEvents"]
    assert history[0]["EventType"] == "ExecutionStarted"
    assert host.durable("DELETE", "instances/managed").json() == {"instancesDeleted": 1}
    assert host.durable("DELETE", "instances?createdTimeFrom=nonsense").status_code == 400


def test_an_entity_is_signalled_and_read(host: RunningHost) -> None:
    assert host.durable("GET", "entities/counter/http").status_code == 404
    assert host.durable("POST", "entities/Counter/http?op=add", json="4").status_code == 202
    host.wait(lambda: host.durable("GET", "entities/counter/http").status_code == 200)
    assert host.durable("GET", "entities/counter/http").json() == 4


def test_the_rpc_endpoint_has_no_guessable_path(host: RunningHost) -> None:
    rpc = httpx.URL(host.ready["rpc_url"])
    assert httpx.get(f"{rpc}instances/").status_code == 200
    guessed = rpc.copy_with(path="/durabletask/instances/")
    assert httpx.get(guessed).status_code == 404
