"""The application's switch is read back; its successor is one per incident, whatever fails."""

import uuid
from typing import Any

import pytest

from responders import application_successors, applications, new_applications, principals
from responders.cloud import Cloud, read_only
from responders.errors import RefusedError, TransientError
from responders.model import Principal
from tests.azure_fake import NOT_REPLICATED, TENANT, FakeAzure, Say, Seen, page, problem
from tests.sandbox_fixture import RunningSandbox

OLD_APP = str(uuid.UUID(int=0xA2))
NEW = str(uuid.UUID(int=0xB1))
NEW_APP = str(uuid.UUID(int=0xB2))
NEW_SP = str(uuid.UUID(int=0xB3))
PRINCIPAL: Principal = {
    "kind": "application",
    "object_id": str(uuid.UUID(int=0xA1)),
    "app_id": OLD_APP,
    "application_object_id": str(uuid.UUID(int=0xA3)),
    "display_name": "orders-api",
    "tenant_id": TENANT,
    "owner_tenant_id": TENANT,
    "service_principal_type": "Application",
    "resource_id": None,
    "unsupported_because": None,
}
APPLICATIONS = "/v1.0/applications"
SP_BY_APP = f"/v1.0/servicePrincipals(appId='{NEW_APP}')"
MADE = {"id": NEW, "appId": NEW_APP, "displayName": "orders-api-r1"}


@pytest.fixture(autouse=True)
def _no_long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_applications, "INDEX_S", 0.2)


def _ready(azure: FakeAzure) -> None:
    """Everything that comes after the application is there."""
    azure.on("GET", SP_BY_APP, Say(200, {"id": NEW_SP, "appId": NEW_APP}))
    azure.on("GET", f"{APPLICATIONS}/{NEW}", Say(200, MADE))


async def _ensure(cloud: Cloud, *, intent_on_record: bool = False) -> dict[str, Any]:
    made = await application_successors.ensure(
        cloud, PRINCIPAL, "inc-1", "orders-api-r1", intent_on_record=intent_on_record
    )
    return dict(made)


async def test_it_says_whose_place_it_takes_and_locks_its_service_principal(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", APPLICATIONS, page())
    azure.on("POST", APPLICATIONS, Say(201, MADE))
    _ready(azure)
    assert await _ensure(cloud) == {
        "kind": "application",
        "app_id": NEW_APP,
        "object_id": NEW_SP,
        "application_object_id": NEW,
        "resource_id": None,
        "display_name": "orders-api-r1",
    }
    assert azure.writes()[0].body == {
        "displayName": "orders-api-r1",
        "signInAudience": "AzureADMyOrg",
        "tags": ["firebreak:incident:inc-1", f"firebreak:replaces:{OLD_APP}"],
        "servicePrincipalLockConfiguration": {"isEnabled": True, "allProperties": True},
    }


async def test_one_that_an_earlier_run_made_is_used(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", APPLICATIONS, page(MADE))
    _ready(azure)
    assert (await _ensure(cloud, intent_on_record=True))["app_id"] == NEW_APP
    assert azure.writes() == []
    assert azure.seen[0].query["$filter"] == "tags/any(t:t eq 'firebreak:incident:inc-1')"


async def test_one_that_was_prepared_under_our_tag_is_refused(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", APPLICATIONS, page(MADE))
    with pytest.raises(RefusedError, match="was not made by incident inc-1"):
        await _ensure(cloud)
    assert azure.writes() == []


@pytest.mark.parametrize("kind", ["passwordCredentials", "keyCredentials"])
async def test_one_that_somebody_put_a_credential_on_is_refused(
    azure: FakeAzure, cloud: Cloud, kind: str
) -> None:
    azure.on("GET", APPLICATIONS, page({**MADE, kind: [{"keyId": "k"}]}))
    with pytest.raises(RefusedError, match="has a secret or key"):
        await _ensure(cloud, intent_on_record=True)


async def test_after_a_crash_the_index_is_given_time(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", APPLICATIONS, page(), page(), page(), page(MADE))
    azure.on("POST", APPLICATIONS, problem(500, "second one"))
    _ready(azure)
    assert (await _ensure(cloud, intent_on_record=True))["app_id"] == NEW_APP
    assert azure.writes() == []


async def test_a_create_whose_answer_was_lost_is_found_not_repeated(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", APPLICATIONS, page(), page(), page(MADE))
    azure.on("POST", APPLICATIONS, Say(201, MADE, drop=True))
    _ready(azure)
    assert (await _ensure(cloud))["app_id"] == NEW_APP
    assert len(azure.asked("POST", APPLICATIONS)) == 1


async def test_a_create_that_failed_is_not_repeated_here(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", APPLICATIONS, page())
    azure.on("POST", APPLICATIONS, problem(503, "ServiceUnavailable"))
    with pytest.raises(TransientError):
        await _ensure(cloud)
    assert len(azure.asked("POST", APPLICATIONS)) == 1


async def test_two_successors_are_for_a_person_to_sort_out(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", APPLICATIONS, page(MADE, {"id": OLD_APP, "appId": OLD_APP}))
    with pytest.raises(RefusedError, match="more than one successor"):
        await _ensure(cloud)


async def test_a_quote_in_the_incident_id_stays_a_quote(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", APPLICATIONS, page(MADE))
    _ready(azure)
    await application_successors.ensure(
        cloud, PRINCIPAL, "a' or 1 eq 1", "x", intent_on_record=True
    )
    wanted = "tags/any(t:t eq 'firebreak:incident:a'' or 1 eq 1')"
    assert azure.seen[0].query["$filter"] == wanted


async def test_the_service_principal_is_made_when_the_application_is_known(
    azure: FakeAzure, cloud: Cloud
) -> None:
    made: list[object] = []

    def create(seen: Seen) -> Say:
        made.append(seen.body)
        return Say(201, {"id": NEW_SP})

    azure.on("GET", APPLICATIONS, page(MADE))
    _ready(azure)
    missing = problem(404, "Request_ResourceNotFound")
    azure.on("GET", SP_BY_APP, missing, missing, Say(200, {"id": NEW_SP}))
    azure.on("POST", "/v1.0/servicePrincipals", NOT_REPLICATED, create)
    assert (await _ensure(cloud, intent_on_record=True))["object_id"] == NEW_SP
    assert made == [{"appId": NEW_APP, "accountEnabled": True}]


async def test_a_service_principal_that_somebody_made_meanwhile_is_used(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", APPLICATIONS, page(MADE))
    _ready(azure)
    missing = problem(404, "Request_ResourceNotFound")
    azure.on("GET", SP_BY_APP, missing, Say(200, {"id": NEW_SP}))
    taken = problem(409, "Request_MultipleObjectsWithSameKeyValue")
    azure.on("POST", "/v1.0/servicePrincipals", taken)
    assert (await _ensure(cloud, intent_on_record=True))["object_id"] == NEW_SP


async def test_plan_mode_creates_nothing(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", APPLICATIONS, page())
    with read_only(), pytest.raises(RefusedError, match="plan mode"):
        await _ensure(cloud)
    assert azure.writes() == []


OLD = f"{APPLICATIONS}/{PRINCIPAL['application_object_id']}"


async def test_an_application_is_off_when_it_says_so(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on(
        "GET", OLD, Say(200, {}), Say(200, {"isDisabled": None}), Say(200, {"isDisabled": True})
    )
    azure.on("PATCH", OLD, Say(204))
    assert (await applications.deactivate(cloud, PRINCIPAL))["status"] == "done"
    assert [one.body for one in azure.writes()] == [{"isDisabled": True}]
    azure.on("GET", OLD, Say(200, {"isDisabled": False}))
    with pytest.raises(TransientError, match="isDisabled true does not read back"):
        await applications.deactivate(cloud, PRINCIPAL)


async def test_an_application_elsewhere_is_not_ours_to_switch(
    azure: FakeAzure, cloud: Cloud
) -> None:
    foreign: Principal = {**PRINCIPAL, "application_object_id": None}
    assert (await applications.deactivate(cloud, foreign))["status"] == "nothing_to_do"
    assert azure.seen == []


async def test_a_plan_to_deactivate_says_before_and_after(azure: FakeAzure, cloud: Cloud) -> None:
    path = f"{APPLICATIONS}/{PRINCIPAL['application_object_id']}"
    azure.on("GET", path, Say(200, {"id": PRINCIPAL["application_object_id"]}))
    with read_only():
        planned = await applications.deactivate(cloud, PRINCIPAL)
    assert [(one["before"], one["after"]) for one in planned["changes"]] == [
        ("isDisabled not set", "isDisabled true")
    ]
    assert azure.writes() == []


def test_by_hand_deactivates_the_application_that_is_ours() -> None:
    (command,) = applications.by_hand(PRINCIPAL)
    assert f"/applications/{PRINCIPAL['application_object_id']} " in command
    assert applications.by_hand({**PRINCIPAL, "application_object_id": None}) == []


# --- sandbox ------------------------------------------------------------------------------------


async def test_a_second_run_finds_the_first_ones_application(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    ids = sandbox.seed["orders_api"]
    old = await principals.resolve(sandbox_cloud, {"object_id": ids["object_id"]})
    made = [
        await application_successors.ensure(
            sandbox_cloud, old, "inc-9", "orders-api-r9", intent_on_record=again
        )
        for again in (False, True)
    ]
    assert made[0] == made[1]

    new = await principals.resolve(sandbox_cloud, {"object_id": made[0]["object_id"]})
    assert new["kind"] == "application"
    assert new["app_id"] == made[0]["app_id"] != old["app_id"]
    path = f"/applications/{made[0]['application_object_id']}"
    application = await sandbox_cloud.graph.get(path)
    assert application["servicePrincipalLockConfiguration"]["isEnabled"] is True
    assert f"firebreak:replaces:{ids['app_id']}" in application["tags"]
    assert application["passwordCredentials"] == []


async def test_a_deactivated_application_gets_no_token(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    ids = sandbox.seed["orders_api"]
    old = await principals.resolve(sandbox_cloud, {"object_id": ids["object_id"]})
    secret = await sandbox_cloud.graph.post(
        f"/applications/{ids['application_object_id']}/addPassword", {"passwordCredential": {}}
    )
    with read_only():
        assert (await applications.deactivate(sandbox_cloud, old))["status"] == "planned"
    runs = [await applications.deactivate(sandbox_cloud, old) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]

    form = {
        "grant_type": "client_credentials",
        "client_id": ids["app_id"],
        "client_secret": secret["secretText"],
        "scope": "https://storage.azure.com/.default",
    }
    login = sandbox_cloud.endpoints.login
    said = await sandbox_cloud.http.post(f"{login}/{old['tenant_id']}/oauth2/v2.0/token", data=form)
    assert said.status_code in {400, 401}
    assert said.json()["error_codes"] == [7000112]
