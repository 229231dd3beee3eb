"""The bin of the pretend Graph: what a restore brings back, and what has to be given again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.graph import directory_role_definitions as roles
from sandbox.seed import names
from tests.sandbox_graph_calls import ORDERS, ORDERS_PRINCIPAL, LocalCaller

APPLICATION = f"/directory/deletedItems/{names.ORDERS_API.application_object_id}"
PRINCIPAL = f"/directory/deletedItems/{names.ORDERS_API.object_id}"


@pytest.fixture
def graph() -> LocalCaller:
    """An app that may write every application, as an Application Administrator."""
    return LocalCaller(wids=[roles.APPLICATION_ADMINISTRATOR])


def test_an_application_comes_back_with_its_service_principal_and_its_credentials(
    graph: LocalCaller,
) -> None:
    graph.ok("PATCH", ORDERS, {"isDisabled": True})
    before, principal = graph.ok("GET", ORDERS), graph.ok("GET", ORDERS_PRINCIPAL)
    trusts = graph.ok("GET", f"{ORDERS}/federatedIdentityCredentials")["value"]
    owners = graph.ok("GET", f"{ORDERS}/owners")["value"]
    graph.ok("DELETE", ORDERS)

    restored = graph.ok("POST", f"{APPLICATION}/restore")

    assert restored["id"] == names.ORDERS_API.application_object_id
    assert graph.ok("GET", ORDERS) == before
    assert graph.ok("GET", ORDERS_PRINCIPAL) == principal
    assert graph.ok("GET", f"{ORDERS}/federatedIdentityCredentials")["value"] == trusts
    assert graph.ok("GET", f"{ORDERS}/owners")["value"] == owners
    assert graph.refused("GET", APPLICATION).startswith("404")
    operations = [row["OperationName"] for _, row in graph.world.logs.tables["AuditLogs"]]
    assert operations[-2:] == ["Restore application", "Restore service principal"]


def test_what_was_granted_to_a_deleted_principal_does_not_come_back(graph: LocalCaller) -> None:
    assert graph.ok("GET", f"{ORDERS_PRINCIPAL}/appRoleAssignments")["value"]
    assert graph.ok("GET", f"{ORDERS_PRINCIPAL}/memberOf")["value"]
    graph.ok("DELETE", ORDERS_PRINCIPAL)

    graph.ok("POST", f"{PRINCIPAL}/restore")

    reader = replace(graph, roles=["Directory.Read.All"])
    for relation in ("appRoleAssignments", "memberOf", "oauth2PermissionGrants"):
        assert reader.ok("GET", f"{ORDERS_PRINCIPAL}/{relation}")["value"] == [], relation


def test_restoring_takes_an_app_a_directory_role_as_well(graph: LocalCaller) -> None:
    graph.ok("DELETE", ORDERS)

    assert replace(graph, wids=[]).refused("POST", f"{APPLICATION}/restore").startswith("403")
    stranger = replace(graph, roles=["Directory.Read.All"])
    assert stranger.refused("POST", f"{APPLICATION}/restore").startswith("403")


def test_a_taken_place_stops_a_restore(graph: LocalCaller) -> None:
    graph.ok("DELETE", ORDERS_PRINCIPAL)
    graph.ok("POST", "/servicePrincipals", {"appId": names.ORDERS_API.app_id})

    assert graph.refused("POST", f"{PRINCIPAL}/restore").startswith("409")


def test_after_30_days_nothing_is_left_to_restore(graph: LocalCaller) -> None:
    graph.ok("DELETE", ORDERS)
    graph.world.clock.advance(timedelta(days=30, seconds=1))

    assert graph.refused("POST", f"{APPLICATION}/restore").startswith("404")
