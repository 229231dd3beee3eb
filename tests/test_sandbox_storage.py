"""The blob that attackers want: 200 is a breach, 403 is containment, and both leave a row.

The drill's verdict rests on these answers: a token alone must not open the blob, and rights alone neither.
"""

import uuid

import httpx
import pytest

from tests.sandbox_entra_calls import SEEDED_SECRET, ask, graph, identity_token
from tests.sandbox_fixture import RunningSandbox

VERSION = "2021-08-06"


def _token(sandbox: RunningSandbox, **form: str) -> str:
    return str(ask(sandbox, client_secret=SEEDED_SECRET, **form).json()["access_token"])


def _read(
    sandbox: RunningSandbox, token: str | None, method: str = "GET", path: str = "", **headers: str
) -> httpx.Response:
    url = sandbox.seed["storage"]["blob_url"]
    if path:
        url = f"{sandbox.endpoints['storage']}/{path}"
    sent = {"x-ms-version": VERSION} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    if token is not None:
        sent["authorization"] = f"Bearer {token}"
    return sandbox.http.request(method, url, headers=sent)


def _code(answer: httpx.Response) -> str:
    return str(answer.headers.get("x-ms-error-code", ""))


def _arm(sandbox: RunningSandbox, method: str, path: str, body: object = None) -> httpx.Response:
    token = identity_token(sandbox, "https://management.azure.com").json()["access_token"]
    answer = sandbox.http.request(
        method,
        f"{sandbox.endpoints['arm']}{path}?api-version=2022-04-01",
        json=body,
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer


def _grants(sandbox: RunningSandbox) -> list[str]:
    """The role assignments that open the account to orders-api: its own first, then that of its group."""
    orders, group = sandbox.seed["orders_api"], sandbox.seed["groups"]["sg-data-readers"]
    found = [
        each
        for each in sandbox.control("GET", "state/roleAssignments")
        if each["properties"]["principalId"] in {orders["object_id"], group["object_id"]}
        and each["properties"]["scope"] == sandbox.seed["storage"]["account_id"]
    ]
    found.sort(key=lambda each: each["properties"]["principalId"] != orders["object_id"])
    return [each["id"] for each in found]


def test_token_and_role_together_open_the_blob(sandbox: RunningSandbox) -> None:
    answer = _read(sandbox, _token(sandbox), x_ms_client_request_id="mine")

    assert answer.status_code == 200
    assert answer.text.startswith("customer,name,card")
    assert answer.headers["x-ms-version"] == VERSION
    assert answer.headers["x-ms-client-request-id"] == "mine"
    assert uuid.UUID(answer.headers["x-ms-request-id"])


def test_head_answers_without_the_content(sandbox: RunningSandbox) -> None:
    answer = _read(sandbox, _token(sandbox), "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_a_token_without_a_role_is_refused(sandbox: RunningSandbox) -> None:
    token = identity_token(sandbox, "https://storage.azure.com").json()["access_token"]
    answer = _read(sandbox, token)
    assert (answer.status_code, _code(answer)) == (403, "AuthorizationPermissionMismatch")
    assert "<Code>AuthorizationPermissionMismatch</Code>" in answer.text


@pytest.mark.parametrize("scope", ["https://graph.microsoft.com", "https://management.azure.com"])
def test_a_token_for_another_api_opens_nothing(sandbox: RunningSandbox, scope: str) -> None:
    answer = _read(sandbox, _token(sandbox, scope=f"{scope}/.default"))
    assert (answer.status_code, _code(answer)) == (401, "InvalidAuthenticationInfo")
    assert "resource_id=https://storage.azure.com" in answer.headers["www-authenticate"]


def test_bad_tokens_are_401(sandbox: RunningSandbox) -> None:
    token = _token(sandbox)
    head, payload, signature = token.split(".")
    swapped = signature[:-10] + signature[-10:][::-1]
    for bad in ("nonsense", f"{head}.{payload}.{swapped}", f"{head}.{payload}."):
        assert _read(sandbox, bad).status_code == 401


def test_a_token_dies_with_its_time(sandbox: RunningSandbox) -> None:
    token = _token(sandbox)
    assert _read(sandbox, token).status_code == 200
    sandbox.control("POST", "clock", {"advance_seconds": 90 * 60 + 1})
    assert _read(sandbox, token).status_code == 401


def test_an_issued_token_outlives_the_disabling_of_its_principal(sandbox: RunningSandbox) -> None:
    """The reason why disabling is not containment."""
    sandbox.no_delays()
    token = _token(sandbox)
    orders = sandbox.seed["orders_api"]
    graph(sandbox, "PATCH", f"servicePrincipals/{orders['object_id']}", {"accountEnabled": False})
    assert ask(sandbox, client_secret=SEEDED_SECRET).status_code == 400
    assert _read(sandbox, token).status_code == 200

    graph(sandbox, "DELETE", f"applications/{orders['application_object_id']}")
    assert _read(sandbox, token).status_code == 200


def test_an_issued_token_opens_nothing_once_the_role_is_gone(sandbox: RunningSandbox) -> None:
    token = _token(sandbox)
    sandbox.control("POST", "delays", {"role_assignments": 300})
    for grant in _grants(sandbox):
        _arm(sandbox, "DELETE", grant)
    assert _read(sandbox, token).status_code == 200  # not everybody has heard of it yet

    sandbox.control("POST", "clock", {"advance_seconds": 301})
    assert _read(sandbox, token).status_code == 403


def test_nobody_reads_without_saying_who(sandbox: RunningSandbox) -> None:
    answer = _read(sandbox, None)
    assert (answer.status_code, _code(answer)) == (409, "PublicAccessNotPermitted")


def test_old_versions_know_no_bearer_tokens(sandbox: RunningSandbox) -> None:
    answer = _read(sandbox, _token(sandbox), x_ms_version="2015-04-05")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "stordersprod/orders/nothing.csv", 404, "BlobNotFound"),
        ("GET", "stordersprod/nothing/customers.csv", 404, "ContainerNotFound"),
        ("GET", "nobody/orders/customers.csv", 404, "ResourceNotFound"),
        ("GET", "stordersprod", 400, "InvalidUri"),
        ("POST", "stordersprod/orders/customers.csv", 405, "UnsupportedHttpVerb"),
    ],
)
def test_what_is_not_there_says_so(
    sandbox: RunningSandbox, method: str, path: str, status: int, code: str
) -> None:
    answer = _read(sandbox, _token(sandbox), method, path)
    assert (answer.status_code, _code(answer)) == (status, code)


def test_every_request_leaves_a_row(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    _read(sandbox, _token(sandbox), x_forwarded_for="203.0.113.66")
    token = identity_token(sandbox, "https://storage.azure.com").json()["access_token"]
    _read(sandbox, token)
    _read(sandbox, None)

    granted, denied, anonymous = sandbox.control("GET", "state/logs/StorageBlobLogs")

    orders = sandbox.seed["orders_api"]
    assert (granted["StatusCode"], granted["StatusText"]) == ("200", "Success")
    assert granted["RequesterObjectId"] == orders["object_id"]
    assert granted["RequesterAppId"] == orders["app_id"]
    assert granted["CallerIpAddress"].startswith("203.0.113.66:")
    assert granted["Uri"] == sandbox.seed["storage"]["blob_url"]
    opened_by = granted["AuthorizationDetails"][0]["roleAssignmentId"]
    assert _grants(sandbox)[0].endswith(opened_by)
    assert denied["StatusText"] == "AuthorizationPermissionMismatch"
    assert denied["AuthorizationDetails"][0]["result"] == "Denied"
    assert (anonymous["AuthenticationType"], anonymous["StatusCode"]) == ("Anonymous", "409")


ONE_FOLDER = (
    "((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'} "
    "AND NOT SubOperationMatches{'Blob.List'})) OR "
    "(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] "
    "StringLike 'CONDITION'))"
)


@pytest.mark.parametrize(("path", "status"), [("customers*", 200), ("invoices/*", 403)])
def test_a_conditional_role_opens_the_blobs_that_it_names(
    sandbox: RunningSandbox, path: str, status: int
) -> None:
    sandbox.no_delays()
    for grant in _grants(sandbox):
        _arm(sandbox, "DELETE", grant)
    token = _token(sandbox)
    assert _read(sandbox, token).status_code == 403
    account = sandbox.seed["storage"]["account_id"]
    role = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
    properties = {
        "principalId": sandbox.seed["orders_api"]["object_id"],
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
        "condition": ONE_FOLDER.replace("CONDITION", path),
        "conditionVersion": "2.0",
    }
    name = f"{account}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    _arm(sandbox, "PUT", name, {"properties": properties})

    assert _read(sandbox, token).status_code == status
    listing = sandbox.http.get(
        f"{sandbox.endpoints['storage']}/stordersprod/orders?restype=container&comp=list",
        headers={"authorization": f"Bearer {token}", "x-ms-version": VERSION},
    )
    assert listing.status_code == 200  # the condition as published leaves lists alone
