"""The pretend Graph on the wire: addresses, errors, batches, and Microsoft's own client against it."""

from typing import Any

import httpx
import pytest
from azure.identity.aio import ManagedIdentityCredential
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph_core import BaseGraphRequestAdapter, GraphClientFactory

from sandbox.seed.names import ORDERS_API
from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import (
    GRAPH,
    ORDERS_PRINCIPAL,
    LocalCaller,
    RemoteCaller,
    firebreak,
)

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def graph() -> LocalCaller:
    return LocalCaller()


@pytest.mark.parametrize(
    "template",
    [
        "/applications/{object}",
        "/Applications/{object}",
        "/applications('{object}')",
        "/applications(appId='{app}')",
        "/applications/{object}/",
    ],
)
def test_one_object_has_many_addresses(graph: LocalCaller, template: str) -> None:
    path = template.format(object=ORDERS_API.application_object_id, app=ORDERS_API.app_id)

    assert graph.ok("GET", path)["displayName"] == "orders-api"


def test_an_error_has_graphs_shape_and_both_request_ids(graph: LocalCaller) -> None:
    mine = "11111111-2222-3333-4444-555555555555"

    answer = graph.call("GET", "/applications/nobody", **{"client-request-id": mine})

    error = answer.json()["error"]
    assert error["code"] == "Request_ResourceNotFound"
    assert error["message"].startswith("Resource 'nobody' does not exist")
    assert error["innerError"]["client-request-id"] == mine
    assert answer.headers["client-request-id"] == mine
    assert error["innerError"]["request-id"] == answer.headers["request-id"] != mine
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}


@pytest.mark.parametrize(
    ("method", "path", "version", "refusal"),
    [
        ("GET", "/colours", "v1.0", (400, "BadRequest")),
        ("GET", "/applications/appId=x", "v1.0", (400, "BadRequest")),
        ("GET", "/applications", "v9", (400, "BadRequest")),
        ("GET", "/applications", "beta", (400, "BadRequest")),
        ("DELETE", "/applications", "v1.0", (405, "Request_BadRequest")),
        ("PUT", "/users", "v1.0", (405, "Request_BadRequest")),
        ("GET", "/directory/deletedItems", "v1.0", (400, "BadRequest")),
    ],
)
def test_wrong_addresses(
    graph: LocalCaller, method: str, path: str, version: str, refusal: tuple[int, str]
) -> None:
    answer = graph.call(method, path, version=version)

    assert (answer.status_code, answer.json()["error"]["code"]) == refusal


@pytest.mark.parametrize(
    ("content", "content_type", "refusal"),
    [
        (b"{}", None, (400, "Request_BadRequest")),
        (b"{}", "text/plain", (415, "RequestBodyRead")),
        (b"{", "application/json", (400, "BadRequest")),
        (b"", "application/json", (400, "BadRequest")),
    ],
)
def test_bodies_are_json_and_say_so(
    sandbox: RunningSandbox, content: bytes, content_type: str | None, refusal: tuple[int, str]
) -> None:
    headers = {"authorization": f"Bearer {firebreak(sandbox).token}"}
    if content_type:
        headers["content-type"] = content_type
    url = f"{sandbox.endpoints['graph']}/v1.0/applications"

    answer = sandbox.http.post(url, content=content, headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == refusal


def test_a_token_must_be_there_be_for_graph_and_be_alive(sandbox: RunningSandbox) -> None:
    good = firebreak(sandbox)
    without = sandbox.http.get(f"{sandbox.endpoints['graph']}/v1.0/organization")
    assert without.json()["error"]["message"] == "Access token is empty."

    def refusal(token: str) -> tuple[int, str, str]:
        answer = RemoteCaller(sandbox, token).call("GET", "/organization")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    code = "InvalidAuthenticationToken"
    assert refusal("nonsense")[:2] == (401, code)
    elsewhere = sandbox.sign_in("rosa", "api://firebreak")
    assert refusal(elsewhere) == (401, code, "Access token validation failure. Invalid audience.")
    sandbox.control("POST", "clock", {"advance_seconds": 25 * 3600})
    assert refusal(good.token) == (401, code, "Lifetime validation failed, the token is expired.")


def _batch(graph: LocalCaller, *requests: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answer = graph.ok("POST", "/$batch", {"requests": list(requests)})
    return {each["id"]: each for each in answer["responses"]}


def test_each_item_of_a_batch_has_a_status_of_its_own(graph: LocalCaller) -> None:
    disable = {
        "id": "2",
        "method": "PATCH",
        "url": ORDERS_PRINCIPAL,
        "headers": JSON,
        "body": {"accountEnabled": False},
        "dependsOn": ["1"],
    }
    found = _batch(
        graph,
        {
            "id": "1",
            "method": "GET",
            "url": f"/applications(appId='{ORDERS_API.app_id}')?$select=id",
        },
        disable,
        {"id": "3", "method": "GET", "url": "/applications/nobody"},
        {"id": "4", "method": "DELETE", "url": "/applications/nobody", "dependsOn": ["3"]},
    )

    assert {name: each["status"] for name, each in found.items()} == {
        "1": 200,
        "2": 204,
        "3": 404,
        "4": 424,
    }
    assert found["1"]["body"]["id"] == ORDERS_API.application_object_id
    assert "body" not in found["2"]
    assert found["3"]["body"]["error"]["code"] == "Request_ResourceNotFound"


_GET = {"method": "GET", "url": "/organization"}


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{"id": str(number), **_GET} for number in range(21)],
        [{"id": "1", **_GET}, {"id": "1", **_GET}],
        [{"id": "1", "method": "GET", "url": "https://elsewhere.example/v1.0/organization"}],
        [{"id": "1", "method": "POST", "url": "/applications", "body": {}}],
        [{"id": "1", **_GET, "dependsOn": ["2"]}],
        [{"id": "1", "method": "LOOK", "url": "/organization"}],
        [{"id": 1, **_GET}],
    ],
)
def test_a_wrong_batch_does_nothing(graph: LocalCaller, requests: list[object]) -> None:
    assert graph.refused("POST", "/$batch", {"requests": requests}) == "400 BadRequest"


async def test_microsofts_own_client_reads_and_writes(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """msgraph-core over azure-identity, as the product uses them, but with none of its code."""
    sandbox.operator()
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, sandbox.environment[name])
    base = f"{sandbox.endpoints['graph']}/v1.0"
    path = f"{base}/servicePrincipals/{sandbox.seed['orders_api']['object_id']}"
    async with (
        ManagedIdentityCredential() as credential,
        # kiota wraps the transport of the client that it gets and does not close it
        httpx.AsyncHTTPTransport(verify=sandbox.trust) as transport,
        httpx.AsyncClient(transport=transport) as http,
    ):
        provider = AzureIdentityAuthenticationProvider(
            credential, scopes=[f"{GRAPH}/.default"], allowed_hosts=["localhost"]
        )
        client = GraphClientFactory.create_with_default_middleware(client=http)
        adapter = BaseGraphRequestAdapter(provider, http_client=client)

        patch = _information(Method.PATCH, path)
        patch.set_stream_content(b'{"accountEnabled":false}', "application/json")
        await adapter.send_no_response_content_async(patch, {})
        found = await adapter.send_primitive_async(_information(Method.GET, path), "bytes", {})

    assert isinstance(found, bytes)
    assert b'"accountEnabled": false' in found


def _information(method: Method, url: str) -> RequestInformation:
    information = RequestInformation(method)
    information.url = url
    return information
