"""ARM's front door: a client that works here must not fail on Azure for want of a version, a header or a right."""

import base64
import ssl
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from azure.core.exceptions import HttpResponseError
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.resource.subscriptions.aio import SubscriptionClient

from tests.arm_caller import as_firebreak, as_user, managed_identity_token
from tests.sandbox_fixture import RunningSandbox

AKS = "2026-08-01"
SUBSCRIPTIONS = "2022-12-01"


def _error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_metadata_endpoint_needs_no_token_and_names_this_sandbox(
    sandbox: RunningSandbox,
) -> None:
    url = f"{sandbox.endpoints['arm']}/metadata/endpoints"
    described = sandbox.http.get(url, params={"api-version": "2022-09-01"}).json()

    assert described["authentication"]["loginEndpoint"] == sandbox.endpoints["login"]
    assert described["authentication"]["audiences"]
    assert described["microsoftGraphResourceId"] == sandbox.endpoints["graph"] + "/"
    assert described["logAnalyticsResourceId"] == sandbox.endpoints["loganalytics"]
    assert described["resourceManager"] == sandbox.endpoints["arm"] + "/"
    assert _error(sandbox.http.get(url)) == (400, "MissingApiVersionParameter")
    old = sandbox.http.get(url, params={"api-version": "2019-05-01"}).json()
    assert isinstance(old, list)


def test_a_call_without_a_valid_token_is_challenged(sandbox: RunningSandbox) -> None:
    arm = as_firebreak(sandbox)
    url, query = f"{sandbox.endpoints['arm']}/subscriptions", {"api-version": SUBSCRIPTIONS}

    absent = sandbox.http.get(url, params=query)
    assert _error(absent) == (401, "AuthenticationFailed")
    assert absent.headers["www-authenticate"].startswith("Bearer ")

    arm.token = "not-a-token"
    assert _error(arm("GET", "/subscriptions")) == (401, "InvalidAuthenticationToken")
    arm.token = managed_identity_token(sandbox, "https://graph.microsoft.com")
    assert _error(arm("GET", "/subscriptions")) == (401, "InvalidAuthenticationTokenAudience")
    arm = as_firebreak(sandbox)
    sandbox.control("POST", "clock", {"advance_seconds": 2 * 86_400})
    assert _error(arm("GET", "/subscriptions")) == (401, "ExpiredAuthenticationToken")


REJECTED: list[tuple[str, str | None, tuple[int, str]]] = [
    ("/subscriptions", None, (400, "MissingApiVersionParameter")),
    ("/subscriptions", "2000-01-01", (400, "InvalidApiVersionParameter")),
    (
        "/subscriptions/{s}/providers/Microsoft.ContainerService/managedClusters",
        "2000-01-01",
        (400, "NoRegisteredProviderFound"),
    ),
    (
        "/subscriptions/{s}/providers/Microsoft.ContainerService/nothings",
        AKS,
        (404, "InvalidResourceType"),
    ),
    ("/subscriptions/{s}/providers/Contoso.Nothing/x", AKS, (404, "InvalidResourceNamespace")),
    (
        "/subscriptions/{s}/resourceGroups/rg-none",
        SUBSCRIPTIONS,
        (404, "ResourceGroupNotFound"),
    ),
    (
        "/subscriptions/{s}/resourceGroups/rg-platform/providers/"
        "Microsoft.ContainerService/managedClusters/none",
        AKS,
        (404, "ResourceNotFound"),
    ),
    (
        "/subscriptions/11111111-2222-4333-8444-555555555555",
        SUBSCRIPTIONS,
        (404, "SubscriptionNotFound"),
    ),
    (
        "/subscriptions/{s}/resourceGroups/rg-platform/providers/"
        "Microsoft.ContainerService/managedClusters/aks-weu/rotateClusterCertificates",
        AKS,
        (404, "NotFound"),
    ),
]


def test_what_azure_rejects_is_rejected(sandbox: RunningSandbox) -> None:
    arm = as_firebreak(sandbox)
    for template, version, expected in REJECTED:
        path = template.replace("{s}", sandbox.described["subscription_id"])
        assert _error(arm("GET", path, version=version)) == expected, path


def test_paths_are_read_in_any_case(sandbox: RunningSandbox) -> None:
    arm = as_firebreak(sandbox)
    path = f"{arm.group}/providers/Microsoft.Storage/storageAccounts/stordersprod"
    for variant in (path, path.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), path + "/"):
        answer = arm("GET", variant, version="2023-05-01")
        assert answer.status_code == 200, variant
        assert answer.json()["name"] == "stordersprod"


def test_an_account_lists_its_containers_and_nothing_of_what_is_in_them(
    sandbox: RunningSandbox,
) -> None:
    arm = as_firebreak(sandbox)
    path = f"{arm.group}/providers/Microsoft.Storage/storageAccounts/stordersprod"
    answer = arm("GET", f"{path}/blobServices/default/containers", version="2025-01-01")
    assert [one["name"] for one in answer.json()["value"]] == ["orders"]
    gone = arm("GET", f"{path}x/blobServices/default/containers", version="2025-01-01")
    assert gone.status_code == 404


def test_every_answer_can_be_traced(sandbox: RunningSandbox) -> None:
    arm = as_firebreak(sandbox)
    mine = {"x-ms-client-request-id": "abc", "x-ms-correlation-request-id": "def"}

    answer = arm("GET", "/subscriptions", version=SUBSCRIPTIONS, headers=mine)
    assert answer.headers["x-ms-correlation-request-id"] == "def"
    assert answer.headers["x-ms-request-id"]
    assert "x-ms-client-request-id" not in answer.headers

    wanted = {**mine, "x-ms-return-client-request-id": "true"}
    answer = arm("GET", "/nothing", version=SUBSCRIPTIONS, headers=wanted)
    assert answer.headers["x-ms-client-request-id"] == "abc"


def test_a_caller_without_rights_sees_nothing_and_is_told_so(sandbox: RunningSandbox) -> None:
    vera = as_user(sandbox, "vera")
    assert vera("GET", "/subscriptions", version=SUBSCRIPTIONS).json() == {"value": []}

    clusters = f"{vera.subscription}/providers/Microsoft.ContainerService/managedClusters"
    assert vera("GET", clusters, version=AKS).json() == {"value": []}

    refused = vera("GET", vera.group, version=SUBSCRIPTIONS)
    assert _error(refused) == (403, "AuthorizationFailed")
    person = sandbox.seed["users"]["vera"]
    assert refused.json()["error"]["message"] == (
        f"The client '{person['upn']}' with object id '{person['object_id']}' does not have "
        "authorization to perform action 'Microsoft.Resources/subscriptions/resourceGroups/read' "
        f"over scope '{vera.group}' or the scope is invalid. If access was recently granted, "
        "please refresh your credentials."
    )


def test_lists_show_what_the_caller_may_read(sandbox: RunningSandbox) -> None:
    dana, firebreak = as_user(sandbox, "dana"), as_firebreak(sandbox)
    groups = f"{dana.subscription}/resourcegroups"

    assert [
        each["name"] for each in dana("GET", groups, version=SUBSCRIPTIONS).json()["value"]
    ] == ["rg-orders"]
    seen = firebreak("GET", groups, version=SUBSCRIPTIONS).json()["value"]
    assert {each["name"] for each in seen} >= {"rg-orders", "rg-platform", "rg-security"}

    found = firebreak("GET", f"{dana.subscription}/resources", version="2024-07-01").json()["value"]
    assert {each["name"] for each in found} >= {"stordersprod", "log-security", "aks-weu"}
    assert all("properties" not in each for each in found)
    only = firebreak(
        "GET",
        f"{dana.subscription}/resources",
        version="2024-07-01",
        filter="resourceType eq 'Microsoft.Storage/storageAccounts'",
    ).json()["value"]
    assert "stordersprod" in [each["name"] for each in only]
    assert {each["type"] for each in only} == {"Microsoft.Storage/storageAccounts"}


def test_providers_permissions_and_deny_assignments_answer(sandbox: RunningSandbox) -> None:
    arm = as_firebreak(sandbox)
    listed = arm("GET", f"{arm.subscription}/providers", version=SUBSCRIPTIONS).json()["value"]
    assert "Microsoft.Authorization" in [each["namespace"] for each in listed]
    aks = arm(
        "GET", f"{arm.subscription}/providers/microsoft.containerservice", version=SUBSCRIPTIONS
    ).json()
    assert AKS in aks["resourceTypes"][0]["apiVersions"]

    authorization = f"{arm.group}/providers/Microsoft.Authorization"
    mine = arm("GET", f"{authorization}/permissions").json()["value"]
    assert ["*/read"] in [block["actions"] for block in mine]
    assert as_user(sandbox, "vera")("GET", f"{authorization}/permissions").json() == {"value": []}
    assert arm("GET", f"{authorization}/denyAssignments").json() == {"value": []}


async def test_the_pinned_clients_find_the_clusters_and_the_way_in(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.as_operator().items():
        monkeypatch.setenv(name, value)
    shared: Any = {
        "base_url": sandbox.endpoints["arm"],
        "credential_scopes": ["https://management.azure.com/.default"],
        "connection_verify": sandbox.ca_bundle,
    }
    subscription = sandbox.described["subscription_id"]
    async with (
        ManagedIdentityCredential(connection_verify=sandbox.ca_bundle) as credential,
        SubscriptionClient(credential, **shared) as subscriptions,
        ContainerServiceClient(credential, subscription, **shared) as containers,
    ):
        assert [each.subscription_id async for each in subscriptions.subscriptions.list()] == [
            subscription
        ]
        clusters = {each.name async for each in containers.managed_clusters.list()}
        assert clusters == set(sandbox.seed["clusters"])
        answer = await containers.managed_clusters.list_cluster_user_credentials(
            "rg-platform", "aks-weu", format="exec"
        )
        with pytest.raises(HttpResponseError) as refused:
            await containers.managed_clusters.list_cluster_admin_credentials(
                "rg-platform", "aks-weu"
            )
    assert refused.value.status_code == 403

    assert answer.kubeconfigs and answer.kubeconfigs[0].value
    config = yaml.safe_load(bytes(answer.kubeconfigs[0].value))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    assert cluster["server"] == sandbox.seed["clusters"]["aks-weu"]["server"]
    assert user["exec"]["command"] == "kubelogin"
    assert "6dae42f8-4368-4678-94ff-3960e28e3630" in user["exec"]["args"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    trust = ssl.create_default_context(cadata=authority)
    async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
        await client.get(f"{cluster['server']}/version")  # the certificate is what matters here


def test_an_admin_credential_is_refused_even_to_who_may_ask(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    arm = as_firebreak(sandbox)
    cluster = sandbox.seed["clusters"]["aks-weu"]["resource_id"]
    role = "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8"
    assignment = f"{cluster}/providers/Microsoft.Authorization/roleAssignments/{role}"
    properties = {
        "roleDefinitionId": f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        "principalId": sandbox.seed["firebreak"]["object_id"],
    }
    assert arm("PUT", assignment, json={"properties": properties}).status_code == 201

    refused = arm("POST", f"{cluster}/listClusterAdminCredential", version=AKS)
    assert _error(refused) == (400, "BadRequest")
    assert "local accounts" in refused.json()["error"]["message"]
    strange = arm(
        "POST", f"{cluster}/listClusterUserCredential", version=AKS, params={"format": "x"}
    )
    assert _error(strange) == (400, "BadRequest")
