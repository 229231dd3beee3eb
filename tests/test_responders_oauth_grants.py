"""Delegated permissions: those of all users and those of one go, and nobody else's."""

import uuid

import pytest

from responders import oauth_grants, principals
from responders.cloud import Cloud, read_only
from responders.errors import TransientError
from tests.a_principal import PRINCIPAL, SERVICE_PRINCIPAL_PATH
from tests.azure_fake import FakeAzure, Say, page, problem
from tests.sandbox_fixture import RunningSandbox

LIST = f"{SERVICE_PRINCIPAL_PATH}/oauth2PermissionGrants"
GRAPH = str(uuid.UUID(int=0x9A))
DANA = str(uuid.UUID(int=0xDA))


def _grant(key: str, user: str | None = None) -> dict[str, object]:
    return {
        "id": key,
        "clientId": PRINCIPAL["object_id"],
        "consentType": "Principal" if user else "AllPrincipals",
        "principalId": user,
        "resourceId": GRAPH,
        "scope": " User.Read Mail.Read ",
    }


async def test_a_plan_says_what_for_whom(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_grant("a"), _grant("b", DANA)))
    with read_only():
        planned = await oauth_grants.remove_all(cloud, PRINCIPAL)
    assert [one["object"] for one in planned["changes"]] == [
        f"User.Read Mail.Read on {GRAPH} for every user",
        f"User.Read Mail.Read on {GRAPH} for user {DANA}",
    ]
    assert planned["changes"][0]["before"] == "consented"
    assert azure.writes() == []


async def test_one_that_was_consented_to_meanwhile_goes_too(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_grant("a")), page(_grant("b", DANA)), page())
    for key in ("a", "b"):
        azure.on("DELETE", f"/v1.0/oauth2PermissionGrants/{key}", Say(204))
    result = await oauth_grants.remove_all(cloud, PRINCIPAL)
    assert (result["status"], [one["id"] for one in result["items"]]) == ("done", ["a", "b"])


async def test_a_storm_of_429_is_a_matter_of_time(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_grant("a")))
    azure.on("DELETE", "/v1.0/oauth2PermissionGrants/a", problem(429, "TooManyRequests"))
    with pytest.raises(TransientError, match="429"):
        await oauth_grants.remove_all(cloud, PRINCIPAL)
    assert len(azure.writes()) < 60


# --- sandbox ------------------------------------------------------------------------------------


async def test_a_second_run_finds_nothing_to_do(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    object_id = sandbox.seed["orders_api"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})
    assert await oauth_grants.read_all(sandbox_cloud, principal)
    everybody = await sandbox_cloud.graph.list("/oauth2PermissionGrants")

    runs = [await oauth_grants.remove_all(sandbox_cloud, principal) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    left = await sandbox_cloud.graph.list("/oauth2PermissionGrants")
    assert left == [one for one in everybody if one["clientId"] != object_id]
