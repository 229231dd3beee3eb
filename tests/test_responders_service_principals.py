"""The switch: it is off when the object itself says so, not when Graph said thank you."""

import uuid

import pytest

from responders import principals, service_principals
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, NotFoundError, RefusedError, TransientError
from responders.model import Principal
from tests.a_principal import (
    APPLICATION_PATH,
    FOREIGN,
    MANAGED,
    OBJECT,
    PRINCIPAL,
    SERVICE_PRINCIPAL_PATH,
    WITHOUT_PRINCIPAL,
)
from tests.azure_fake import FakeAzure, Say, problem
from tests.sandbox_fixture import RunningSandbox

PATH = SERVICE_PRINCIPAL_PATH


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
    with pytest.raises(RefusedError, match="names for this step"):
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


async def test_a_plan_says_before_and_after(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", PATH, _is(True))
    with read_only():
        planned = await service_principals.ensure_disabled(cloud, PRINCIPAL)
    assert planned["status"] == "planned"
    assert planned["changes"][0]["before"] == "accountEnabled true"
    assert planned["changes"][0]["after"] == "accountEnabled false"
    assert azure.writes() == []


BY_CLIENT = f"/v1.0/servicePrincipals(appId='{PRINCIPAL['app_id']}')"
MADE = str(uuid.UUID(int=0xB1))
MADE_PATH = f"/v1.0/servicePrincipals/{MADE}"
NONE = problem(404, "Request_ResourceNotFound")


def _made(enabled: bool) -> Say:
    return Say(200, {"id": MADE, "accountEnabled": enabled})


async def test_a_missing_one_is_created_disabled_and_read_back(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", BY_CLIENT, NONE, NONE, _made(False))
    azure.on("POST", "/v1.0/servicePrincipals", Say(201, {"id": MADE}))
    result = await service_principals.ensure_disabled(cloud, WITHOUT_PRINCIPAL)
    assert (result["status"], result["items"][0]["object_id"]) == ("done", MADE)
    assert [one.body for one in azure.writes()] == [
        {"appId": PRINCIPAL["app_id"], "accountEnabled": False}
    ]


async def test_one_that_somebody_made_meanwhile_is_disabled(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", BY_CLIENT, NONE, _made(True))
    taken = problem(409, "Request_MultipleObjectsWithSameKeyValue")
    azure.on("POST", "/v1.0/servicePrincipals", taken)
    azure.on("GET", MADE_PATH, _made(True), _made(False))
    azure.on("PATCH", MADE_PATH, Say(204))
    result = await service_principals.ensure_disabled(cloud, WITHOUT_PRINCIPAL)
    assert (result["status"], MADE in result["detail"]) == ("done", True)
    assert azure.asked("PATCH", MADE_PATH)[0].body == {"accountEnabled": False}


async def test_one_that_was_created_enabled_against_the_order_is_disabled(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", BY_CLIENT, NONE, _made(True))
    azure.on("POST", "/v1.0/servicePrincipals", Say(201, {"id": MADE}))
    azure.on("GET", MADE_PATH, _made(True), _made(False))
    azure.on("PATCH", MADE_PATH, Say(204))
    assert (await service_principals.ensure_disabled(cloud, WITHOUT_PRINCIPAL))["status"] == "done"
    assert len(azure.asked("PATCH", MADE_PATH)) == 1


async def test_one_that_vanished_while_its_application_lives_is_created_disabled(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", APPLICATION_PATH, Say(200, {"id": PRINCIPAL["application_object_id"]}))
    azure.on("GET", BY_CLIENT, NONE, _made(False))
    azure.on("POST", "/v1.0/servicePrincipals", Say(201, {"id": MADE}))
    result = await service_principals.ensure_disabled(cloud, PRINCIPAL)
    assert (result["status"], result["items"][0]["created"]) == ("done", True)


async def test_one_of_a_foreign_application_that_vanished_is_created_disabled(
    azure: FakeAzure, cloud: Cloud
) -> None:
    """Its owner's tenant is not ours to look into: the next consent would make an enabled one."""
    azure.on("GET", BY_CLIENT, NONE, _made(False))
    azure.on("POST", "/v1.0/servicePrincipals", Say(201, {"id": MADE}))
    result = await service_principals.ensure_disabled(cloud, FOREIGN)
    assert (result["status"], result["items"][0]["created"]) == ("done", True)


@pytest.mark.parametrize("application_id", [PRINCIPAL["application_object_id"], None])
async def test_one_that_vanished_with_its_application_is_not_created(
    azure: FakeAzure, cloud: Cloud, application_id: str | None
) -> None:
    principal: Principal = {**PRINCIPAL, "application_object_id": application_id}
    result = await service_principals.ensure_disabled(cloud, principal)
    assert result["status"] == "nothing_to_do"
    assert azure.writes() == []


async def test_a_plan_creates_nothing(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", BY_CLIENT, NONE)
    with read_only():
        planned = await service_principals.ensure_disabled(cloud, WITHOUT_PRINCIPAL)
    assert (planned["status"], planned["changes"][0]["before"]) == ("planned", "none")
    assert azure.writes() == []


async def test_one_that_can_not_be_made_is_not_done(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", BY_CLIENT, NONE)
    azure.on("POST", "/v1.0/servicePrincipals", problem(503, "ServiceUnavailable"))
    with pytest.raises(TransientError, match="503"):
        await service_principals.ensure_disabled(cloud, WITHOUT_PRINCIPAL)


def test_by_hand_is_what_the_lever_does() -> None:
    assert "accountEnabled=false" in service_principals.by_hand(PRINCIPAL)[0]
    assert "--method POST" in service_principals.by_hand(WITHOUT_PRINCIPAL)[0]
    assert service_principals.by_hand(MANAGED) == []


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


async def test_an_application_that_nobody_signed_in_as_gets_a_disabled_service_principal(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    app_id = sandbox.seed["legacy_job"]["app_id"]
    principal = await principals.resolve(sandbox_cloud, {"app_id": app_id})
    assert principal["kind"] == "application_without_principal"
    runs = [await service_principals.ensure_disabled(sandbox_cloud, principal) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    made = runs[0]["items"][0]["object_id"]
    assert not await service_principals.is_enabled(sandbox_cloud, made)


async def test_of_a_foreign_application_the_service_principal_is_disabled(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    object_id = sandbox.seed["partner_sync"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})
    assert principal["kind"] == "foreign_application"
    runs = [await service_principals.ensure_disabled(sandbox_cloud, principal) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
