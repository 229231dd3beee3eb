"""The port to Azure: who is asked, with what, how long, and what each failure is called.

What it defends: plan mode can't write, our token goes nowhere but where it belongs, nothing waits for
long, a failure says who can help, and importing the port costs nothing.
"""

import asyncio
import subprocess
import sys

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from responders import endpoints, own_credential
from responders.calls import azure_call
from responders.cloud import Cloud, is_read_only, read_only, refuse_write_in_plan
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.read_only import asking_as_a_workload
from responders.settings import Settings
from tests.azure_fake import NOT_REPLICATED, OURSELVES, SUBSCRIPTION, FakeAzure, Say, page, problem

SP = f"/v1.0/servicePrincipals/{OURSELVES}"
BUSY = problem(503, "ServiceUnavailable")


def test_importing_the_port_loads_no_sdk() -> None:
    code = (
        "import sys, responders.cloud\n"
        "sdks = ('azure.core', 'azure.identity', 'azure.mgmt', 'httpx', 'aiohttp', 'msgraph_core')\n"
        "print([name for name in sdks if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


async def test_every_caller_in_a_loop_gets_the_same_cloud(cloud: Cloud) -> None:
    found = await asyncio.gather(*(Cloud.connect() for _ in range(5)))
    assert all(one is cloud for one in found)


async def test_a_fan_out_asks_for_one_token(azure: FakeAzure, cloud: Cloud) -> None:
    asked: list[str] = []
    platform = azure._platform
    azure._platform = lambda seen: asked.append(seen.path) or platform(seen)  # type: ignore[method-assign,func-returns-value]
    azure.on("GET", SP, Say(200, {"id": OURSELVES}))

    await asyncio.gather(*(cloud.graph.get(f"/servicePrincipals/{OURSELVES}") for _ in range(10)))

    assert asked.count("/msi/token") == 1


async def test_we_know_who_we_are(cloud: Cloud) -> None:
    assert await cloud.own_object_id() == OURSELVES


# --- Graph -------------------------------------------------------------------------------------


async def test_a_collection_is_read_to_its_last_page(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on(
        "GET",
        "/v1.0/applications",
        page({"id": 1}, {"id": 2}, next_link=f"{azure.url}/v1.0/applications?$skiptoken=x"),
        page({"id": 3}),
    )
    found = await cloud.graph.list("/applications")
    assert [one["id"] for one in found] == [1, 2, 3]
    assert azure.seen[1].query == {"$skiptoken": "x"}


async def test_a_next_page_on_another_host_never_gets_our_token(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", "/v1.0/applications", page(1, next_link="https://evil.example/v1.0/more"))
    with pytest.raises(ContractChangedError, match=r"another host: evil\.example"):
        await cloud.graph.list("/applications")
    assert len(azure.seen) == 1


async def test_a_collection_that_never_ends_is_given_up(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", "/v1.0/users", page(1, next_link=f"{azure.url}/v1.0/users"))
    with pytest.raises(ContractChangedError, match="did not end"):
        await cloud.graph.list("/users")


@pytest.mark.parametrize("path", ["/a/../b", "/a//b", "", "/a/./b"])
async def test_a_path_that_means_another_object_is_refused(cloud: Cloud, path: str) -> None:
    with pytest.raises(ValueError, match="not a Graph path"):
        await cloud.graph.get(path)


async def test_what_is_in_a_path_stays_in_it(azure: FakeAzure, cloud: Cloud) -> None:
    with pytest.raises(NotFoundError):
        await cloud.graph.get("/applications/x?$expand=owners#y")
    assert (azure.seen[0].path, azure.seen[0].query) == (
        "/v1.0/applications/x?$expand=owners#y",
        {},
    )


async def test_a_filter_arrives_as_it_was_written(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", "/v1.0/applications", page())
    query = {"$filter": "tags/any(t:t eq 'a b&c''d')", "$select": "id,appId"}
    await cloud.graph.list("/applications", query)
    assert azure.seen[0].query == query


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (problem(401, "InvalidAuthenticationToken"), RefusedError, "FIREBREAK_TENANT_ID"),
        (problem(403, "Authorization_RequestDenied"), RefusedError, "names for this step"),
        (problem(404, "Request_ResourceNotFound"), NotFoundError, "req-1"),
        (problem(409, "Directory_ConcurrencyViolation"), ConflictError, "409"),
        (problem(412, "PreconditionFailed"), ConflictError, "412"),
        (problem(400, "Request_BadRequest"), ContractChangedError, "a bug in Firebreak"),
        (problem(412, "DeletingLastRbacAdminAssignment"), RefusedError, "somebody else an owner"),
        (problem(400, "RoleAssignmentLimitExceeded"), RefusedError, "nobody needs there"),
        (
            problem(400, "CannotUpdateLockedServicePrincipalProperty"),
            RefusedError,
            "instance property lock",
        ),
        (NOT_REPLICATED, TransientError, "does not reference a valid application"),
        (problem(429, "TooManyRequests", retry_after="120"), TransientError, "429"),
        (BUSY, TransientError, "503"),
        (Say(502, b"<html>Bad Gateway</html>"), TransientError, "Bad Gateway"),
        (Say(302, None, {"Location": "https://evil.example/"}), ContractChangedError, "302"),
        (Say(200, b"not json"), ContractChangedError, "not a JSON object"),
        (Say(200, [1]), ContractChangedError, "not a JSON object"),
        (Say(200, None, drop=True), TransientError, "GET https://localhost"),
    ],
)
async def test_each_answer_of_graph_says_what_happens_next(
    azure: FakeAzure, cloud: Cloud, said: Say, error: type[ResponderError], words: str
) -> None:
    azure.on("GET", SP, said)
    with pytest.raises(error, match=words):
        await cloud.graph.get(f"/servicePrincipals/{OURSELVES}")


async def test_a_read_is_tried_three_times(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", SP, BUSY, BUSY, Say(200, {"id": "x"}))
    assert await cloud.graph.get(f"/servicePrincipals/{OURSELVES}") == {"id": "x"}
    ids = {one.headers["client-request-id"] for one in azure.seen}
    assert (len(azure.seen), len(ids)) == (3, 1)


async def test_a_long_retry_after_is_not_slept_through(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", SP, problem(429, "TooManyRequests", retry_after="120"))
    async with asyncio.timeout(5):
        with pytest.raises(TransientError):
            await cloud.graph.get(f"/servicePrincipals/{OURSELVES}")
    assert len(azure.seen) == 1


async def test_a_post_is_never_sent_twice(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", "/v1.0/applications", BUSY)
    with pytest.raises(TransientError):
        await cloud.graph.post("/applications", {"displayName": "x"})
    assert len(azure.seen) == 1


# --- Resource Manager and Log Analytics -----------------------------------------------------------


async def test_no_visible_subscription_is_refused_not_empty(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", "/subscriptions", page())
    with pytest.raises(RefusedError, match="sees no subscription"):
        await cloud.subscription_ids()


async def test_subscriptions_are_read_to_the_last_page(azure: FakeAzure, cloud: Cloud) -> None:
    first = page(
        {"subscriptionId": SUBSCRIPTION},
        next_link=f"{azure.url}/subscriptions?page=2",
        key="nextLink",
    )
    azure.on("GET", "/subscriptions", first, page({"subscriptionId": OURSELVES}))
    assert await cloud.subscription_ids() == [SUBSCRIPTION, OURSELVES]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (problem(403, "AuthorizationFailed"), RefusedError),
        (problem(409, "ScopeLocked"), RefusedError),
        (problem(400, "PrincipalNotFound"), TransientError),
        (problem(429, "TooManyRequests", retry_after="3600"), TransientError),
        (BUSY, TransientError),
        (Say(200, None, drop=True), TransientError),
    ],
)
async def test_each_answer_of_arm_says_what_happens_next(
    azure: FakeAzure, cloud: Cloud, said: Say, error: type[ResponderError]
) -> None:
    azure.on("GET", "/subscriptions", said)
    async with asyncio.timeout(10):
        with pytest.raises(error, match="list of subscriptions"):
            await cloud.subscription_ids()


async def test_a_call_that_hangs_is_given_up_and_named() -> None:
    with pytest.raises(TransientError, match="delete everything took longer than"):
        async with azure_call("delete everything", seconds=0.01):
            await asyncio.sleep(5)


# --- plan mode ----------------------------------------------------------------------------------

_CLUSTER = (
    f"https://h/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers"
    "/Microsoft.ContainerService/managedClusters/c"
)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "https://h/v1.0/applications"),
        ("POST", f"https://h/v1/workspaces/{SUBSCRIPTION}/query"),
        ("POST", f"{_CLUSTER}/listClusterUserCredential?format=exec"),
        ("POST", "https://h/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
        ("POST", "https://h/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"),
        ("POST", "https://h/v1.0/directoryObjects/getByIds"),
        ("POST", f"https://h/{SUBSCRIPTION}/oauth2/v2.0/token"),
    ],
)
def test_plan_mode_reads(method: str, url: str) -> None:
    with read_only():
        refuse_write_in_plan(method, url)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("DELETE", "https://h/v1.0/applications/x"),
        ("PATCH", "https://h/v1.0/applications/x"),
        ("post", "https://h/v1.0/applications"),
        ("PUT", f"https://h/v1/workspaces/{SUBSCRIPTION}/query"),
        ("POST", f"{_CLUSTER}/listClusterAdminCredential"),
        ("POST", f"{_CLUSTER}/listClusterUserCredential/x"),
        ("POST", "https://h/v1.0/applications?x=/v1.0/directoryObjects/getByIds"),
        ("POST", "https://h/x/v1.0/directoryObjects/getByIds"),
        ("POST", "https://h/api/v1/namespaces/shop/serviceaccounts/orders-api/token"),
        ("BREW", "https://h/v1.0/applications"),
    ],
)
def test_plan_mode_refuses_everything_else(method: str, url: str) -> None:
    refuse_write_in_plan(method, url)
    with read_only(), pytest.raises(RefusedError, match="plan mode"):
        refuse_write_in_plan(method, url)


def test_in_plan_mode_a_token_is_asked_for_only_where_that_is_said_and_nothing_else_then() -> None:
    account = "https://h/api/v1/namespaces/shop/serviceaccounts/orders-api"
    with read_only(), asking_as_a_workload():
        refuse_write_in_plan("POST", f"{account}/token")
        for method, url in (("PATCH", account), ("POST", account), ("PUT", f"{account}/token")):
            with pytest.raises(RefusedError, match="plan mode"):
                refuse_write_in_plan(method, url)
    with read_only(), pytest.raises(RefusedError, match="plan mode"):
        refuse_write_in_plan("POST", f"{account}/token")


async def test_in_plan_mode_no_byte_of_a_write_leaves(azure: FakeAzure, cloud: Cloud) -> None:
    role_assignments = cloud.authorization(SUBSCRIPTION).role_assignments
    with read_only():
        for write in (
            cloud.graph.delete(f"/servicePrincipals/{OURSELVES}"),
            cloud.graph.patch(f"/servicePrincipals/{OURSELVES}", {}),
            cloud.graph.post("/applications", {}),
            cloud.http.post(f"{azure.url}/teams"),
            role_assignments.delete_by_id(f"/subscriptions/{SUBSCRIPTION}/x"),
        ):
            with pytest.raises(RefusedError, match="plan mode"):
                await write
    assert azure.seen == []


async def test_plan_mode_follows_tasks_and_threads_and_ends(cloud: Cloud) -> None:
    with read_only():
        assert await asyncio.to_thread(is_read_only)
        assert await asyncio.create_task(asyncio.to_thread(is_read_only))
    assert not is_read_only()


# --- marks and log lines --------------------------------------------------------------------------


async def test_every_write_is_logged_before_and_after(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("DELETE", SP, BUSY, Say(204))
    with capture_logs() as lines:
        await cloud.graph.delete(f"/servicePrincipals/{OURSELVES}")

    assert [(one["event"], one["attempt"]) for one in lines] == [
        ("request.intent", 1),
        ("request.outcome", 1),
        ("request.intent", 2),
        ("request.outcome", 2),
    ]
    assert [lines[1]["status"], lines[3]["status"]] == [503, 204]
    assert lines[3]["request_id"] == "req-1"
    assert lines[3]["duration_ms"] >= 0


async def test_arm_counts_its_attempts_too(azure: FakeAzure, cloud: Cloud) -> None:
    path = f"/subscriptions/{SUBSCRIPTION}/x"
    azure.on("DELETE", path, BUSY, Say(204))
    with capture_logs() as lines:
        await cloud.authorization(SUBSCRIPTION).role_assignments.delete_by_id(path)
    assert [one["attempt"] for one in lines] == [1, 1, 2, 2]


async def test_a_write_without_an_answer_is_logged_as_unknown(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("POST", "/v1.0/applications", Say(200, drop=True))
    with capture_logs() as lines, pytest.raises(TransientError):
        await cloud.graph.post("/applications", {})
    assert [one["event"] for one in lines] == ["request.intent", "request.unknown"]


async def test_no_secret_reaches_the_log(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", "/hook", Say(202))
    with capture_logs() as lines:
        await cloud.http.post(f"{azure.url}/hook?sig=very-secret", json={"card": "private"})
    assert lines
    assert "very-secret" not in repr(lines)
    assert "private" not in repr(lines)
    assert "Bearer" not in repr(lines)


async def test_the_cloud_can_tell_which_incident_a_request_belongs_to(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", SP, Say(200, {}))
    azure.on("GET", "/subscriptions", page({"subscriptionId": SUBSCRIPTION}))
    with structlog.contextvars.bound_contextvars(incident_id="inc-7"):
        await cloud.graph.get(f"/servicePrincipals/{OURSELVES}")
        await cloud.subscription_ids()
    with structlog.contextvars.bound_contextvars(incident_id="inc\r\nX-Evil: 1"):
        await cloud.graph.get(f"/servicePrincipals/{OURSELVES}")

    agents = [one.headers["user-agent"] for one in azure.seen]
    assert [agent.rpartition(" ")[2] for agent in agents] == [
        "firebreak/inc-7",
        "firebreak/inc-7",
        "firebreak/none",
    ]


# --- settings and endpoints -----------------------------------------------------------------------

_ENVIRON = {"FIREBREAK_TENANT_ID": OURSELVES, "FIREBREAK_LOG_WORKSPACE_ID": SUBSCRIPTION}


def test_settings_default_to_the_public_cloud() -> None:
    settings = Settings.from_environ(_ENVIRON)
    assert settings.arm_endpoint == "https://management.azure.com"
    assert settings.policy.name == "policy.toml"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIREBREAK_TENANT_ID", ""),
        ("FIREBREAK_TENANT_ID", "contoso.onmicrosoft.com"),
        ("FIREBREAK_LOG_WORKSPACE_ID", "{" + SUBSCRIPTION + "}"),
        ("FIREBREAK_CLIENT_ID", "orders-api"),
        ("FIREBREAK_ARM_ENDPOINT", "http://management.azure.com"),
        ("FIREBREAK_ARM_ENDPOINT", "https://user@management.azure.com"),
        ("FIREBREAK_ARM_ENDPOINT", "https://management.azure.com/subscriptions"),
        ("FIREBREAK_CA_BUNDLE", "/no/such/file"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(RefusedError, match=name):
        Settings.from_environ({**_ENVIRON, name: value})


def test_the_webhook_is_not_shown() -> None:
    settings = Settings.from_environ(
        {**_ENVIRON, "FIREBREAK_TEAMS_WEBHOOK_URL": "https://x/?sig=s"}
    )
    assert "sig" not in repr(settings)


def test_scopes_have_no_double_slash() -> None:
    found = endpoints.parse(
        "https://management.azure.com",
        {
            "authentication": {
                "loginEndpoint": "https://login.microsoftonline.com/",
                "audiences": ["https://management.core.windows.net/", "https://x/"],
            },
            "microsoftGraphResourceId": "https://graph.microsoft.com/",
            "logAnalyticsResourceId": "https://api.loganalytics.io",
        },
    )
    assert found.arm_scope == "https://management.core.windows.net/.default"
    assert found.graph_scope == "https://graph.microsoft.com/.default"
    assert found.logs_scope == "https://api.loganalytics.io/.default"
    assert (found.graph, found.login) == (
        "https://graph.microsoft.com",
        "https://login.microsoftonline.com",
    )


@pytest.mark.parametrize("document", [[], {}, {"authentication": {}}, None, "<html>"])
def test_a_document_that_describes_no_cloud_is_refused(document: object) -> None:
    with pytest.raises(ContractChangedError, match="does not describe a cloud"):
        endpoints.parse("https://x", document)


def test_an_endpoint_without_tls_is_refused() -> None:
    document = {
        "authentication": {"loginEndpoint": "https://l/", "audiences": ["https://a/"]},
        "microsoftGraphResourceId": "http://graph.example/",
        "logAnalyticsResourceId": "https://o",
    }
    with pytest.raises(ContractChangedError, match=r"http://graph\.example"):
        endpoints.parse("https://x", document)


async def test_a_server_that_the_ca_did_not_sign_is_not_talked_to(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cloud.close()
    monkeypatch.delenv("FIREBREAK_CA_BUNDLE")
    with pytest.raises(TransientError, match="ConnectError"):
        await Cloud.connect()
    assert azure.seen == []
    async with httpx.AsyncClient(verify=False) as untrusting:  # noqa: S501 - it is there, just not trusted
        assert (await untrusting.get(f"{azure.url}/metadata/endpoints")).status_code == 200


@pytest.mark.parametrize(("named", "kind"), [(None, "ManagedIdentity"), ("azure-cli", "AzureCli")])
def test_who_acts_is_what_the_setting_says_and_nothing_else(
    named: str | None, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIREBREAK_TENANT_ID", "FIREBREAK_LOG_WORKSPACE_ID"):
        monkeypatch.setenv(name, SUBSCRIPTION)
    if named:
        monkeypatch.setenv("FIREBREAK_CREDENTIAL", named)
    settings = Settings.from_environ()
    assert type(own_credential.asynchronous(settings)).__name__ == f"{kind}Credential"
    assert type(own_credential.synchronous(settings)).__name__ == f"{kind}Credential"


def test_an_unknown_credential_is_refused_by_name() -> None:
    known = {"FIREBREAK_TENANT_ID": SUBSCRIPTION, "FIREBREAK_LOG_WORKSPACE_ID": SUBSCRIPTION}
    with pytest.raises(RefusedError, match="FIREBREAK_CREDENTIAL"):
        Settings.from_environ({**known, "FIREBREAK_CREDENTIAL": "default"})
