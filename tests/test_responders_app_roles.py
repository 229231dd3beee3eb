"""Application permissions: gone when the list says so, and a plan names the role, not its id."""

import uuid

import pytest

from responders import app_roles, principals
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, TransientError
from tests.a_principal import OBJECT, PRINCIPAL, SERVICE_PRINCIPAL_PATH
from tests.azure_fake import FakeAzure, Say, page, problem
from tests.sandbox_fixture import RunningSandbox

LIST = f"{SERVICE_PRINCIPAL_PATH}/appRoleAssignments"
GRAPH = str(uuid.UUID(int=0x9A))
ROLE = str(uuid.UUID(int=0x901))
READING = f"app role {ROLE} on Microsoft Graph"


def _role(key: str, **changed: object) -> dict[str, object]:
    return {
        "id": key,
        "appRoleId": ROLE,
        "principalId": OBJECT,
        "resourceId": GRAPH,
        "resourceDisplayName": "Microsoft Graph",
        **changed,
    }


async def test_a_plan_names_the_role_before_and_after(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_role("a")))
    roles = {"id": GRAPH, "appRoles": [{"id": ROLE, "value": "User.Read.All"}]}
    azure.on("GET", f"/v1.0/servicePrincipals/{GRAPH}", Say(200, roles))
    with read_only():
        planned = await app_roles.remove_all(cloud, PRINCIPAL)
    assert planned["status"] == "planned"
    assert "plan mode" not in planned["detail"], "it is not tried either"
    named = "app role User.Read.All on Microsoft Graph"
    assert planned["changes"] == [{"object": named, "before": "granted", "after": "removed"}]
    assert azure.writes() == []


async def test_an_api_that_can_not_be_read_costs_the_name_alone(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", LIST, page(_role("a")))
    found = await app_roles.read_all(cloud, PRINCIPAL)
    assert (found[0]["role_name"], found[0]["app_role_id"]) == (None, ROLE)


async def test_each_is_removed_and_read_back(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_role("a"), _role("b")), page(_role("b")), page())
    azure.on("DELETE", f"{LIST}/a", Say(204))
    azure.on("DELETE", f"{LIST}/b", Say(204), problem(404, "Request_ResourceNotFound"))
    result = await app_roles.remove_all(cloud, PRINCIPAL)
    assert (result["status"], len(result["items"])) == ("done", 2)
    assert result["changes"][0] == {"object": READING, "before": "granted", "after": "removed"}


async def test_one_that_is_refused_does_not_keep_the_others(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_role("a"), _role("b")), page(_role("a")))
    azure.on("DELETE", f"{LIST}/a", problem(403, "Authorization_RequestDenied"))
    azure.on("DELETE", f"{LIST}/b", Say(204))
    result = await app_roles.remove_all(cloud, PRINCIPAL)
    assert result["status"] == "refused"
    assert [one["id"] for one in result["items"]] == ["b"]
    assert "names for this step" in result["detail"]
    assert len(azure.asked("DELETE", f"{LIST}/a")) == 1, "a refusal is not asked again"


async def test_a_refused_one_that_is_gone_all_the_same_is_gone(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", LIST, page(_role("a")), page())
    azure.on("DELETE", f"{LIST}/a", problem(403, "Authorization_RequestDenied"))
    assert (await app_roles.remove_all(cloud, PRINCIPAL))["status"] == "done"


async def test_one_that_reads_back_is_not_called_removed(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_role("a")))
    azure.on("DELETE", f"{LIST}/a", Say(204))
    with pytest.raises(TransientError, match="still read back"):
        await app_roles.remove_all(cloud, PRINCIPAL)


async def test_what_a_group_holds_stays_and_is_said(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_role("a", principalId=str(uuid.UUID(int=0x6)))))
    result = await app_roles.remove_all(cloud, PRINCIPAL)
    assert (result["status"], result["items"]) == ("refused", [])
    assert "as a group" in result["detail"]
    assert azure.writes() == []


@pytest.mark.parametrize("key", ["../../x", "a/b", "", None])
async def test_an_id_that_graph_would_not_write_reaches_no_path(
    azure: FakeAzure, cloud: Cloud, key: str | None
) -> None:
    azure.on("GET", LIST, page(_role("a", id=key)))
    with pytest.raises(ContractChangedError):
        await app_roles.remove_all(cloud, PRINCIPAL)
    assert azure.writes() == []


async def test_a_list_that_can_not_be_read_is_not_empty(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, problem(503, "ServiceUnavailable"))
    with pytest.raises(TransientError):
        await app_roles.remove_all(cloud, PRINCIPAL)


def test_by_hand_names_the_principal_by_its_id() -> None:
    assert all(OBJECT in one and "az rest" in one for one in app_roles.by_hand(PRINCIPAL))


# --- sandbox ------------------------------------------------------------------------------------


async def test_a_second_run_finds_nothing_to_do(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    object_id = sandbox.seed["orders_api"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})
    before = await app_roles.read_all(sandbox_cloud, principal)
    assert "User.Read.All" in {one["role_name"] for one in before}
    with read_only():
        planned = await app_roles.remove_all(sandbox_cloud, principal)
    assert len(planned["changes"]) == len(before)
    assert await app_roles.read_all(sandbox_cloud, principal) == before

    runs = [await app_roles.remove_all(sandbox_cloud, principal) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert await app_roles.read_all(sandbox_cloud, principal) == []
