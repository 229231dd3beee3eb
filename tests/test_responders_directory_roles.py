"""Directory roles: never taken away, always named, with the command that a person runs."""

import uuid

import pytest

from responders import directory_roles, principals
from responders.cloud import Cloud
from responders.errors import RefusedError
from tests.a_principal import OBJECT, PRINCIPAL
from tests.azure_fake import FakeAzure, Say, page, problem
from tests.sandbox_fixture import RunningSandbox

LIST = "/v1.0/roleManagement/directory/roleAssignments"
READERS = str(uuid.UUID(int=0x88D8))
ASSIGNMENT = {
    "id": "lAPpYvVpN0KRkAEhdxReEMmO4KwRqtpKkUWt3wOYIz4-1",
    "principalId": OBJECT,
    "roleDefinitionId": READERS,
    "directoryScopeId": "/",
}


async def test_a_role_is_named_with_its_command_and_stays(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(ASSIGNMENT))
    definition = f"/v1.0/roleManagement/directory/roleDefinitions/{READERS}"
    azure.on("GET", definition, Say(200, {"id": READERS, "displayName": "Directory Readers"}))
    result = await directory_roles.report(cloud, PRINCIPAL)
    assert result["status"] == "refused"
    assert "Directory Readers at /" in result["detail"]
    assert result["by_hand"][0].endswith(f"roleAssignments/{ASSIGNMENT['id']}")
    assert azure.writes() == []
    assert azure.asked("GET", LIST)[0].query == {"$filter": f"principalId eq '{OBJECT}'"}


async def test_a_role_whose_name_can_not_be_read_is_a_role(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(ASSIGNMENT))
    found = await directory_roles.read_all(cloud, PRINCIPAL)
    assert (found[0]["role_name"], found[0]["role_definition_id"]) == (None, READERS)


async def test_none_is_nothing_to_do(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page())
    assert (await directory_roles.report(cloud, PRINCIPAL))["status"] == "nothing_to_do"


async def test_not_allowed_to_look_is_not_none(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, problem(403, "Authorization_RequestDenied"))
    with pytest.raises(RefusedError):
        await directory_roles.report(cloud, PRINCIPAL)


# --- sandbox ------------------------------------------------------------------------------------


async def test_the_sandbox_is_asked_as_entra_is(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    object_id = sandbox.seed["orders_api"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})
    assert (await directory_roles.report(sandbox_cloud, principal))["status"] == "nothing_to_do"
