"""Owners: of both objects, all but ourselves."""

import uuid

import pytest

from responders import owners, patience, principals
from responders.cloud import Cloud, read_only
from responders.errors import TransientError
from tests.a_principal import (
    APPLICATION_PATH,
    FOREIGN,
    MANAGED,
    PRINCIPAL,
    SERVICE_PRINCIPAL_PATH,
    WITHOUT_PRINCIPAL,
)
from tests.azure_fake import OURSELVES, FakeAzure, Say, page, problem
from tests.sandbox_fixture import RunningSandbox

OF_APPLICATION = f"{APPLICATION_PATH}/owners"
OF_PRINCIPAL = f"{SERVICE_PRINCIPAL_PATH}/owners"
DANA = str(uuid.UUID(int=0xDA))


def _user(object_id: str = DANA) -> dict[str, object]:
    return {
        "@odata.type": "#microsoft.graph.user",
        "id": object_id,
        "displayName": "Dana",
        "userPrincipalName": "dana@contoso.com",
    }


async def test_who_owns_both_loses_both(azure: FakeAzure, cloud: Cloud) -> None:
    for path in (OF_APPLICATION, OF_PRINCIPAL):
        azure.on("GET", path, page(_user()), page())
        azure.on("DELETE", f"{path}/{DANA}/$ref", Say(204))
    result = await owners.remove_all(cloud, PRINCIPAL)
    assert (result["status"], [one["of"] for one in result["items"]]) == (
        "done",
        ["application", "service_principal"],
    )
    named = f"dana@contoso.com ({DANA}) of the application"
    assert result["changes"][0] == {"object": named, "before": "owner", "after": "removed"}


async def test_we_stay_an_owner_where_we_are_one(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", OF_APPLICATION, page(_user(OURSELVES)))
    azure.on("GET", OF_PRINCIPAL, page())
    assert (await owners.remove_all(cloud, PRINCIPAL))["status"] == "nothing_to_do"
    assert azure.writes() == []
    assert len(await owners.read_all(cloud, PRINCIPAL)) == 1, "it is written down all the same"


async def test_one_refused_object_does_not_keep_the_other(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", OF_APPLICATION, page(_user()), page())
    azure.on("GET", OF_PRINCIPAL, page(_user()))
    azure.on("DELETE", f"{OF_APPLICATION}/{DANA}/$ref", Say(204))
    azure.on("DELETE", f"{OF_PRINCIPAL}/{DANA}/$ref", problem(403, "Authorization_RequestDenied"))
    result = await owners.remove_all(cloud, PRINCIPAL)
    assert result["status"] == "refused"
    assert [one["of"] for one in result["items"]] == ["application"]


async def test_only_what_is_there_is_asked(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", OF_APPLICATION, page())
    azure.on("GET", OF_PRINCIPAL, page())
    await owners.read_all(cloud, FOREIGN)
    assert azure.asked("GET", OF_APPLICATION) == []
    await owners.read_all(cloud, WITHOUT_PRINCIPAL)
    assert len(azure.asked("GET", OF_PRINCIPAL)) == 1
    assert (await owners.remove_all(cloud, MANAGED))["status"] == "nothing_to_do"


def test_by_hand_is_about_the_objects_that_exist() -> None:
    assert not any("/applications/" in one for one in owners.by_hand(FOREIGN))
    assert not any("/servicePrincipals/" in one for one in owners.by_hand(WITHOUT_PRINCIPAL))


# --- sandbox ------------------------------------------------------------------------------------


async def test_a_second_run_finds_nothing_to_do(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    object_id = sandbox.seed["orders_api"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})
    planted = f"{sandbox.endpoints['graph']}/v1.0/directoryObjects/"
    planted += sandbox.seed["billing_api"]["object_id"]
    path = f"/servicePrincipals/{object_id}/owners/$ref"
    await sandbox_cloud.graph.post(path, {"@odata.id": planted})
    before = await owners.read_all(sandbox_cloud, principal)
    assert sandbox.seed["billing_api"]["object_id"] in {one["id"] for one in before}

    with read_only():
        planned = await owners.remove_all(sandbox_cloud, principal)
    assert planned["status"] == "planned"
    runs = [await owners.remove_all(sandbox_cloud, principal) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert await owners.read_all(sandbox_cloud, principal) == []


async def test_owners_that_one_replica_does_not_find_are_owners_all_the_same(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "AGAIN_S", 0)
    gone = problem(404, "Request_ResourceNotFound")
    azure.on("GET", OF_APPLICATION, gone, page(_user()))
    azure.on("GET", OF_PRINCIPAL, page())
    assert [one["id"] for one in await owners.read_all(cloud, PRINCIPAL)] == [DANA]


async def test_owners_that_are_not_found_of_an_object_that_is_there_are_unread_and_not_none(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "AGAIN_S", 0)
    gone = problem(404, "Request_ResourceNotFound")
    azure.on("GET", OF_APPLICATION, gone)
    azure.on("GET", APPLICATION_PATH, Say(200, {"id": "x"}))
    azure.on("GET", OF_PRINCIPAL, page())
    with pytest.raises(TransientError, match="owners are not found"):
        await owners.read_all(cloud, PRINCIPAL)


async def test_an_object_that_is_gone_has_no_owners(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "AGAIN_S", 0)
    gone = problem(404, "Request_ResourceNotFound")
    azure.on("GET", OF_APPLICATION, gone)
    azure.on("GET", APPLICATION_PATH, gone)
    azure.on("GET", OF_PRINCIPAL, page(_user()))
    assert [one["of"] for one in await owners.read_all(cloud, PRINCIPAL)] == ["service_principal"]
