"""The switch: it is off when the object itself says so, not when Graph said thank you."""

import uuid

import pytest

from responders import principals, service_principals
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, NotFoundError, RefusedError, TransientError
from responders.model import Principal
from tests.azure_fake import TENANT, FakeAzure, Say, problem
from tests.sandbox_fixture import RunningSandbox

OBJECT = str(uuid.UUID(int=0xA1))
PATH = f"/v1.0/servicePrincipals/{OBJECT}"
PRINCIPAL: Principal = {
    "kind": "application",
    "object_id": OBJECT,
    "app_id": str(uuid.UUID(int=0xA2)),
    "application_object_id": str(uuid.UUID(int=0xA3)),
    "display_name": "orders-api",
    "tenant_id": TENANT,
    "owner_tenant_id": TENANT,
    "service_principal_type": "Application",
    "resource_id": None,
    "unsupported_because": None,
}


def _is(enabled: object) -> Say:
    return Say(200, {"id": OBJECT, "accountEnabled": enabled})


async def test_it_waits_for_a_late_replica(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", PATH, _is(True), _is(True), _is(True), _is(False))
    azure.on("PATCH", PATH, Say(204))
    assert (await service_principals.disable(cloud, PRINCIPAL))["status"] == "done"
    assert [one.body for one in azure.writes()] == [{"accountEnabled": False}]


async def test_it_is_not_done_while_it_reads_as_enabled(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", PATH, _is(True))
    azure.on("PATCH", PATH, Say(204))
    with pytest.raises(TransientError, match="accountEnabled false does not read back"):
        await service_principals.disable(cloud, PRINCIPAL)


async def test_a_lost_race_is_run_again(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", PATH, _is(True), _is(False))
    azure.on("PATCH", PATH, problem(409, "Directory_ConcurrencyViolation"), Say(204))
    assert (await service_principals.disable(cloud, PRINCIPAL))["status"] == "done"


async def test_a_race_that_is_never_won_is_a_matter_of_time(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", PATH, _is(True))
    azure.on("PATCH", PATH, problem(409, "Directory_ConcurrencyViolation"))
    with pytest.raises(TransientError, match="lost every race"):
        await service_principals.disable(cloud, PRINCIPAL)


async def test_a_missing_permission_says_what_to_do(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", PATH, _is(True))
    azure.on("PATCH", PATH, problem(403, "Authorization_RequestDenied"))
    with pytest.raises(RefusedError, match="under Needs"):
        await service_principals.disable(cloud, PRINCIPAL)


async def test_an_answer_without_the_switch_is_not_read_as_off(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", PATH, _is(None))
    with pytest.raises(ContractChangedError):
        await service_principals.disable(cloud, PRINCIPAL)


async def test_a_principal_that_is_gone_is_not_a_disabled_one(cloud: Cloud) -> None:
    with pytest.raises(NotFoundError):
        await service_principals.disable(cloud, PRINCIPAL)


async def test_a_managed_identity_is_refused_without_a_call(azure: FakeAzure, cloud: Cloud) -> None:
    managed: Principal = {**PRINCIPAL, "kind": "user_assigned_identity"}
    result = await service_principals.disable(cloud, managed)
    assert result["status"] == "refused"
    assert "role assignments" in result["detail"]
    assert azure.seen == []


# --- sandbox ------------------------------------------------------------------------------------


async def test_a_second_run_finds_nothing_to_do(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    object_id = sandbox.seed["orders_api"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})

    with read_only():
        planned = await service_principals.disable(sandbox_cloud, principal)
    assert planned["status"] == "planned"
    assert await service_principals.is_enabled(sandbox_cloud, object_id)

    runs = [await service_principals.disable(sandbox_cloud, principal) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert not await service_principals.is_enabled(sandbox_cloud, object_id)
    bystander = sandbox.seed["billing_api"]["object_id"]
    assert await service_principals.is_enabled(sandbox_cloud, bystander)
