"""Applications of the pretend Graph: strict about what comes in, and in no hurry to forget what is deleted."""

from datetime import timedelta

import pytest

from sandbox.graph.schema import APPLICATION
from sandbox.seed.names import ORDERS_API
from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import ORDERS, ORDERS_PRINCIPAL, LocalCaller, person


@pytest.fixture
def graph() -> LocalCaller:
    return LocalCaller()


def test_a_new_application_has_every_property_with_its_default(graph: LocalCaller) -> None:
    created = graph.new_application()

    ordinary = {name for name, known in APPLICATION.properties.items() if known.access != "nav"}
    assert set(created) - {"@odata.context"} == ordinary - {"authenticationBehaviors"}
    assert created["signInAudience"] == "AzureADandPersonalMicrosoftAccount"
    assert created["passwordCredentials"] == created["keyCredentials"] == []


def test_what_was_written_is_read_at_once_by_either_key(graph: LocalCaller) -> None:
    created = graph.new_application(tags=["a"])

    by_id = graph.ok("GET", f"/applications/{created['id']}")
    by_app_id = graph.ok("GET", f"/applications(appId='{created['appId']}')")

    assert by_id == by_app_id
    assert by_id["tags"] == ["a"]


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"displayName": "x", "colour": "red"}, "400 Request_BadRequest"),
        ({"displayName": "x", "appId": "a"}, "400 Request_BadRequest"),
        ({"displayName": 1}, "400 Request_BadRequest"),
        ({"displayName": "x", "tags": [None]}, "400 Request_BadRequest"),
        ({"displayName": "x", "tags": "a"}, "400 Request_BadRequest"),
        ({"displayName": "x", "web": {"colour": "red"}}, "400 BadRequest"),
        ({"displayName": "x", "signInAudience": "Everybody"}, "400 Request_BadRequest"),
        ({"displayName": "x", "owners": []}, "400 Request_BadRequest"),
        ({"displayName": "x", "passwordCredentials": [{}]}, "400 Request_BadRequest"),
        ({"displayName": "x", "@odata.type": "#microsoft.graph.user"}, "400 BadRequest"),
        ({}, "400 Request_BadRequest"),
        ([], "400 BadRequest"),
    ],
)
def test_a_wrong_body_creates_nothing(graph: LocalCaller, body: object, refusal: str) -> None:
    before = len(graph.world.directory.applications)

    assert graph.refused("POST", "/applications", body) == refusal
    assert len(graph.world.directory.applications) == before


def test_an_unknown_property_is_named(graph: LocalCaller) -> None:
    answer = graph.call("POST", "/applications", {"displayName": "x", "colour": "red"})

    assert answer.json()["error"]["message"] == "Invalid property 'colour'."


def test_an_identifier_uri_is_taken_once(graph: LocalCaller) -> None:
    body = {"displayName": "x", "identifierUris": ["api://firebreak"]}

    refusal = graph.refused("POST", "/applications", body)

    assert refusal == "400 Request_MultipleObjectsWithSameKeyValue"


def test_patch_changes_what_it_names_and_merges_complex_values(graph: LocalCaller) -> None:
    graph.ok("PATCH", ORDERS, {"web": {"homePageUrl": "https://x.example"}, "notes": "n"})
    graph.ok("PATCH", ORDERS, {"web": {"logoutUrl": "https://y.example"}})

    found = graph.ok("GET", f"{ORDERS}?$select=web,notes,displayName")
    assert found["web"]["homePageUrl"] == "https://x.example"
    assert found["web"]["logoutUrl"] == "https://y.example"
    assert (found["notes"], found["displayName"]) == ("n", "orders-api")


def test_the_service_principal_follows_its_application(graph: LocalCaller) -> None:
    graph.ok(
        "PATCH", ORDERS, {"isDisabled": True, "displayName": "o", "identifierUris": ["api://o"]}
    )

    found = graph.ok("GET", ORDERS_PRINCIPAL)
    assert found["isDisabled"] is True
    assert found["appDisplayName"] == "o"
    assert found["servicePrincipalNames"] == [found["appId"], "api://o"]


def test_a_deleted_application_lies_in_the_bin_with_its_service_principal(
    graph: LocalCaller,
) -> None:
    graph.world.delays.directory = 0
    graph.ok("DELETE", ORDERS)

    assert graph.refused("GET", ORDERS) == "404 Request_ResourceNotFound"
    assert graph.refused("GET", ORDERS_PRINCIPAL).startswith("404")
    applications = graph.ok("GET", "/directory/deletedItems/microsoft.graph.application")
    principals = graph.ok("GET", "/directory/deletedItems/graph.servicePrincipal?$select=id")
    assert [each["id"] for each in applications["value"]] == [ORDERS_API.application_object_id]
    assert principals["value"] == [{"id": ORDERS_API.object_id}]
    assert applications["value"][0]["deletedDateTime"] is not None


def test_federated_credentials_outlive_the_deletion_and_end_with_the_purge(
    graph: LocalCaller,
) -> None:
    """Deleting is no revocation: what was trusted comes back with a restore."""
    application = ORDERS_API.application_object_id

    def trusted() -> int:
        found = graph.world.directory.federated_credentials.values()
        return sum(each["applicationId"] == application for each in found)

    graph.ok("DELETE", ORDERS)
    assert trusted() == 4
    graph.ok("DELETE", f"/directory/deletedItems/{application}")
    assert trusted() == 0
    assert graph.refused("GET", f"/directory/deletedItems/{application}").startswith("404")


def test_the_bin_forgets_after_30_days(graph: LocalCaller) -> None:
    application = ORDERS_API.application_object_id
    graph.ok("DELETE", ORDERS)
    graph.world.clock.advance(timedelta(days=30, seconds=1))

    assert graph.refused("GET", f"/directory/deletedItems/{application}").startswith("404")


def test_whoever_registers_an_application_owns_it(sandbox: RunningSandbox) -> None:
    vera = person(sandbox, "vera")

    created = vera.ok("POST", "/applications", {"displayName": "mine"})

    owners = vera.ok("GET", f"/applications/{created['id']}/owners")["value"]
    assert [each["userPrincipalName"] for each in owners] == ["vera@contoso.com"]
    vera.ok("POST", "/servicePrincipals", {"appId": created["appId"]})
