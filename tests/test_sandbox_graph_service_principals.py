"""Service principals of the pretend Graph: one for each application, and managed identities are nobody's to change."""

from datetime import timedelta

import pytest

from sandbox.seed.names import FIREBREAK, ORDERS_API
from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import ORDERS, ORDERS_PRINCIPAL, LocalCaller, firebreak, person


@pytest.fixture
def graph() -> LocalCaller:
    return LocalCaller()


def test_a_service_principal_takes_its_names_from_the_application(graph: LocalCaller) -> None:
    application = graph.new_application(signInAudience="AzureADMyOrg")

    created = graph.ok("POST", "/servicePrincipals", {"appId": application["appId"]})

    assert created["accountEnabled"] is True
    assert created["servicePrincipalNames"] == [application["appId"]]
    assert created["signInAudience"] == "AzureADMyOrg"
    assert created["appOwnerOrganizationId"] == graph.world.tenant_id
    assert created == graph.ok("GET", f"/servicePrincipals(appId='{application['appId']}')")


def test_there_is_one_service_principal_for_an_application(graph: LocalCaller) -> None:
    refusal = graph.refused("POST", "/servicePrincipals", {"appId": ORDERS_API.app_id})

    assert refusal == "409 Request_MultipleObjectsWithSameKeyValue"


@pytest.mark.parametrize("wrong", [ORDERS_API.application_object_id, ORDERS_API.object_id])
def test_an_app_id_must_be_one(graph: LocalCaller, wrong: str) -> None:
    refusal = graph.refused("POST", "/servicePrincipals", {"appId": wrong})

    assert refusal == "400 Request_BadRequest"


def test_one_can_be_created_disabled(graph: LocalCaller) -> None:
    """Or the next sign-in would create it enabled."""
    application = graph.new_application()
    body = {"appId": application["appId"], "accountEnabled": False}

    assert graph.ok("POST", "/servicePrincipals", body)["accountEnabled"] is False


def test_disabling_shows_at_once(graph: LocalCaller) -> None:
    body = {"@odata.type": "#microsoft.graph.servicePrincipal", "accountEnabled": False}

    assert graph.call("PATCH", ORDERS_PRINCIPAL, body).status_code == 204
    found = graph.ok("GET", f"{ORDERS_PRINCIPAL}?$select=accountEnabled")
    assert found["accountEnabled"] is False


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("PATCH", "", {"accountEnabled": False}),
        ("DELETE", "", None),
        ("POST", "/addPassword", {}),
        ("POST", "/owners/$ref", {"@odata.id": "https://graph.microsoft.com/v1.0/users/x"}),
    ],
)
def test_a_managed_identity_cannot_be_changed_here(
    graph: LocalCaller, method: str, action: str, body: object
) -> None:
    path = f"/servicePrincipals/{FIREBREAK.object_id}{action}"

    assert graph.refused(method, path, body) == "403 Authorization_RequestDenied"


def test_app_id_never_changes(graph: LocalCaller) -> None:
    body = {"appId": ORDERS_API.application_object_id}

    assert graph.refused("PATCH", ORDERS_PRINCIPAL, body) == "400 Request_BadRequest"


def test_deleting_one_leaves_the_application_and_what_it_trusts(graph: LocalCaller) -> None:
    """`az ad sp delete` revokes nothing that hangs on the application."""
    graph.ok("DELETE", ORDERS_PRINCIPAL)

    assert len(graph.ok("GET", f"{ORDERS}/federatedIdentityCredentials")["value"]) == 4
    again = graph.ok("POST", "/servicePrincipals", {"appId": ORDERS_API.app_id})
    assert again["id"] != ORDERS_API.object_id


def test_a_stranger_cannot_bring_a_service_principal_back(sandbox: RunningSandbox) -> None:
    firebreak(sandbox).ok("DELETE", ORDERS_PRINCIPAL)
    body = {"appId": ORDERS_API.app_id}

    assert person(sandbox, "vera").refused("POST", "/servicePrincipals", body).startswith("403")
    assert person(sandbox, "dana").call("POST", "/servicePrincipals", body).status_code == 201


def test_what_one_has_created_and_owns_is_listed(graph: LocalCaller) -> None:
    application = graph.new_application()
    me = f"/servicePrincipals/{FIREBREAK.object_id}"

    created = graph.ok("GET", f"{me}/createdObjects")["value"]

    assert [(each["@odata.type"], each["id"]) for each in created] == [
        ("#microsoft.graph.application", application["id"])
    ]
    assert graph.ok("GET", f"{me}/ownedObjects")["value"] == []
    assert graph.ok("GET", f"{me}/transitiveMemberOf")["value"] == []


def test_a_new_application_may_not_have_arrived_where_its_service_principal_is_made(
    graph: LocalCaller,
) -> None:
    graph.world.delays.replication = 60
    created = graph.new_application()

    early = graph.call("POST", "/servicePrincipals", {"appId": created["appId"]})

    assert early.status_code == 400
    error = early.json()["error"]
    assert error["code"] == "Request_BadRequest"
    assert error["details"][0]["code"] == "NoBackingApplicationObject"
    graph.world.clock.advance(timedelta(seconds=61))
    assert graph.ok("POST", "/servicePrincipals", {"appId": created["appId"]})["id"]
