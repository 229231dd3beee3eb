"""The new identity's token has to open something: chosen by what its roles allow, and never shown."""

import traceback
from typing import Any

import pytest

from responders import clusters, grants, identity_proofs, resource_reads, role_assignments
from responders.cloud import Cloud
from responders.endpoints import Endpoints
from responders.errors import ContractChangedError, TransientError
from responders.model import Grant
from responders.resource_reads import Read
from responders.token_exchange import Account
from tests.azure_fake import SUBSCRIPTION, FakeAzure, Say, page, problem
from tests.sandbox_fixture import RunningSandbox

SUB = f"/subscriptions/{SUBSCRIPTION}"
RG = f"{SUB}/resourceGroups/rg"
STORE = f"{RG}/providers/Microsoft.Storage/storageAccounts/store"
CONTAINERS = f"{STORE}/blobServices/default/containers"
VAULT = f"{RG}/providers/Microsoft.KeyVault/vaults/kv"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
SECRETS = "Microsoft.KeyVault/vaults/secrets/readMetadata/action"


def _role(azure: FakeAzure, name: str, actions: list[str], data: list[str]) -> str:
    at = f"/providers/Microsoft.Authorization/roleDefinitions/{name}"
    allowed = {"actions": actions, "dataActions": data, "notActions": [], "notDataActions": []}
    azure.on("GET", at, Say(200, {"properties": {"roleName": name, "permissions": [allowed]}}))
    return at


def _grant(scope: str, role: str, condition: str | None = None) -> Grant:
    found: Any = {"scope": scope, "role_definition_id": role, "condition": condition}
    one: Grant = found
    return one


@pytest.fixture
def resources(azure: FakeAzure) -> FakeAzure:
    blob = {"primaryEndpoints": {"blob": f"{azure.url}/store/"}}
    azure.on("GET", STORE, Say(200, {"name": "store", "properties": blob}))
    azure.on("GET", CONTAINERS, page({"name": "orders"}, {"name": "$logs"}, {"name": "archive"}))
    vault = {"vaultUri": f"{azure.url}/kv/", "enableRbacAuthorization": True}
    azure.on("GET", VAULT, Say(200, {"name": "kv", "properties": vault}))
    return azure


async def test_of_an_account_and_of_a_container_blobs_are_listed(
    resources: FakeAzure, cloud: Cloud
) -> None:
    role = _role(resources, "data", [], [f"{BLOBS}/blobs/read"])
    (whole,) = await resource_reads.choose(cloud, [_grant(STORE, role)])
    inside = f"{STORE}/blobServices/default/containers/orders"
    (part,) = await resource_reads.choose(cloud, [_grant(inside, role)])

    listed = "?restype=container&comp=list&maxresults=1"
    assert whole.url == f"{resources.url}/store/archive{listed}"
    assert part.url == f"{resources.url}/store/orders{listed}"
    assert {whole.scope, part.scope} == {"https://storage.azure.com/.default"}


async def test_a_role_without_the_data_action_is_not_asked_to_list_blobs(
    resources: FakeAzure, cloud: Cloud
) -> None:
    role = _role(resources, "no-data", [f"{BLOBS}/read"], [])

    assert await resource_reads.choose(cloud, [_grant(STORE, role)]) == []


async def test_an_account_whose_containers_we_may_not_see_is_no_proof(
    resources: FakeAzure, cloud: Cloud
) -> None:
    resources.on("GET", CONTAINERS, problem(403, "AuthorizationFailed"))
    role = _role(resources, "data", [], [f"{BLOBS}/blobs/read"])

    assert await resource_reads.choose(cloud, [_grant(STORE, role)]) == []


async def test_of_a_vault_the_names_of_secrets_are_listed(
    resources: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = _role(resources, "secrets", [], [SECRETS])
    assert await resource_reads.choose(cloud, [_grant(VAULT, role)]) == []  # no audience is known

    monkeypatch.setattr(cloud, "endpoints", _endpoints(cloud, vault_scope="https://v/.default"))
    (read,) = await resource_reads.choose(cloud, [_grant(VAULT, role)])
    assert read.url == f"{resources.url}/kv/secrets?maxresults=1&api-version=7.4"
    assert read.scope == "https://v/.default"


def _endpoints(cloud: Cloud, **more: Any) -> Endpoints:
    was = cloud.endpoints
    kept = {name: getattr(was, name) for name in Endpoints.__dataclass_fields__}
    return Endpoints(**{**kept, **more})


async def test_data_comes_before_resource_manager_and_what_a_condition_narrows_is_left_alone(
    resources: FakeAzure, cloud: Cloud
) -> None:
    reader = _role(resources, "reader", ["*/read"], [])
    data = _role(resources, "data", [], [f"{BLOBS}/blobs/read"])
    both = await resource_reads.choose(cloud, [_grant(RG, reader), _grant(STORE, data)])
    (narrowed,) = await resource_reads.choose(
        cloud, [_grant(RG, reader), _grant(STORE, data, "@Resource[x] StringEquals 'y'")]
    )

    assert [one.what for one in both] == ["blobs of store/archive", RG]
    assert narrowed.what == RG
    assert narrowed.url == f"{cloud.endpoints.arm}{RG}?api-version=2021-04-01"


async def test_without_a_role_that_reads_there_is_nothing_to_read(
    resources: FakeAzure, cloud: Cloud
) -> None:
    writer = _role(resources, "writer", ["Microsoft.Storage/storageAccounts/write"], [])

    assert await resource_reads.choose(cloud, []) == []
    assert await resource_reads.choose(cloud, [_grant(RG, writer)]) == []
    assert await resource_reads.choose(cloud, [_grant("/unknown", "/not-readable")]) == []


async def test_a_resource_that_is_gone_leaves_the_next_one(
    resources: FakeAzure, cloud: Cloud
) -> None:
    data = _role(resources, "data", [], [f"{BLOBS}/blobs/read"])
    gone = STORE.replace("store", "gone")
    (read,) = await resource_reads.choose(cloud, [_grant(gone, data), _grant(STORE, data)])

    assert read.what == "blobs of store/archive"


async def test_a_token_is_sent_to_no_address_that_is_not_https(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", CONTAINERS, page({"name": "orders"}))
    data = _role(azure, "data", [], [f"{BLOBS}/blobs/read"])
    blob = {"primaryEndpoints": {"blob": "http://elsewhere/"}}
    azure.on("GET", STORE, Say(200, {"name": "store", "properties": blob}))

    with pytest.raises(ContractChangedError, match="https"):
        await resource_reads.choose(cloud, [_grant(STORE, data)])


SHUT = {"error": {"code": "Forbidden", "innererror": {"code": "ForbiddenByFirewall"}}}
NO_ROLE = {"error": {"code": "Forbidden", "innererror": {"code": "ForbiddenByRbac"}}}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Say(403, None, {"x-ms-error-code": "AuthorizationFailure"}), "shut"),
        (Say(403, None, {"x-ms-error-code": "AuthorizationPermissionMismatch"}), "not yet"),
        (Say(403, SHUT), "shut"),
        (Say(403, NO_ROLE), "not yet"),
        (Say(403, b"not json"), "not yet"),
        (Say(403, b"x" * 20_000), "not yet"),
        (Say(401), "not yet"),
    ],
)
async def test_a_network_that_is_shut_says_nothing_of_the_identity(
    azure: FakeAzure, cloud: Cloud, answer: Say, said: str
) -> None:
    azure.on("GET", "/thing", answer)
    read = Read("a thing", f"{azure.url}/thing", "s")

    assert await resource_reads.attempt(cloud, read, "t") == said


async def test_an_address_that_nobody_answers_at_is_shut(cloud: Cloud) -> None:
    assert (
        await resource_reads.attempt(cloud, Read("x", "https://localhost:9/", "s"), "t") == "shut"
    )


async def test_an_answer_that_is_neither_is_a_change_of_the_contract(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", "/thing", Say(404))

    with pytest.raises(ContractChangedError, match="neither a yes nor a no"):
        await resource_reads.attempt(cloud, Read("x", f"{azure.url}/thing", "s"), "t")


async def test_what_is_read_is_a_status_and_no_error_shows_the_token(
    azure: FakeAzure, cloud: Cloud
) -> None:
    token = "-".join(("the", "token"))  # not in a line of this file, which a traceback shows
    read = Read("a thing", f"{azure.url}/thing", "s", {"x-ms-version": "1"})
    azure.on("GET", "/thing", Say(200, {"secret": 1}), problem(403, "no"), problem(503, "busy"))

    assert await resource_reads.attempt(cloud, read, token) == "yes"
    assert azure.asked("GET", "/thing")[0].headers["authorization"] == f"Bearer {token}"
    assert await resource_reads.attempt(cloud, read, token) == "not yet"
    with pytest.raises(TransientError):
        await resource_reads.attempt(cloud, read, token)
    azure.on("GET", "/thing", Say(200, drop=True))
    with pytest.raises(TransientError) as broken:
        await resource_reads.attempt(cloud, read, token)
    assert token not in "".join(traceback.format_exception(broken.value))
    assert broken.value.__cause__ is None and broken.value.__suppress_context__


@pytest.mark.parametrize(
    ("login", "audience"),
    [
        ("https://login.microsoftonline.com", "api://AzureADTokenExchange"),
        ("https://login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"),
        ("https://login.partner.microsoftonline.cn", "api://AzureADTokenExchangeChina"),
        ("https://localhost:8443", "api://AzureADTokenExchange"),
    ],
)
def test_each_cloud_has_an_audience_of_its_own(login: str, audience: str) -> None:
    named = Endpoints("a", "a", "g", "g", login, "l", "l")

    assert named.token_audience == audience


# --- sandbox -------------------------------------------------------------------------------------


async def test_in_the_sandbox_a_workload_proves_its_token_by_what_it_opens(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    orders = sandbox.seed["orders_api"]
    held = await role_assignments.read_all(sandbox_cloud, orders["object_id"])
    data = [one for one in held if one["role_name"] == "Storage Blob Data Reader"]
    (cluster, *_) = await clusters.list_all(sandbox_cloud)
    kube = await clusters.connect(sandbox_cloud, cluster)
    account = Account("shop", "orders-api", orders["app_id"])

    reads = await resource_reads.choose(sandbox_cloud, data)
    (read,) = reads
    proof = await identity_proofs.prove(sandbox_cloud, kube, account, reads)
    assert proof == {
        "status": "done",
        "detail": f"shop/orders-api gets a token and reads {read.what}",
    }
    by_token = await identity_proofs.prove(sandbox_cloud, kube, account, [])
    assert "no protected resource to read: proven by token only" in by_token["detail"]
    away = Read("a closed account", "https://localhost:9/", read.scope)
    passed = await identity_proofs.prove(sandbox_cloud, kube, account, [away, read])
    assert passed == proof
    nowhere = await identity_proofs.prove(sandbox_cloud, kube, account, [away])
    assert "the network of a closed account keeps Firebreak out" in nowhere["detail"]

    await _take_away(sandbox_cloud, orders["object_id"], data)
    early = await identity_proofs.prove(sandbox_cloud, kube, account, reads)
    assert early["status"] == "failed"
    assert "is refused to it: not yet" in early["detail"]


async def _take_away(cloud: Cloud, object_id: str, data: list[Grant]) -> None:
    """Its own grant and, so that no group opens it, every other one at that account."""
    client = cloud.authorization(grants.ANY_SUBSCRIPTION)
    carried = await role_assignments.group_grants(cloud, object_id)
    scopes = {one["scope"] for one in data}
    for one in [*data, *(each for each in carried if each["scope"] in scopes)]:
        await client.role_assignments.delete_by_id(one["id"])
