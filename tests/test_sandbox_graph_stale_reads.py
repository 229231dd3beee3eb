"""Replicas of the pretend directory: a read may show the past for a while, a write never works on it."""

from datetime import timedelta

import pytest

from tests.sandbox_graph_calls import ORDERS, ORDERS_PRINCIPAL, LocalCaller

LAG_S = 60


@pytest.fixture
def graph() -> LocalCaller:
    graph = LocalCaller(
        ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Directory.Read.All"]
    )
    graph.world.delays.directory_reads = LAG_S
    return graph


def _later(graph: LocalCaller) -> None:
    graph.world.clock.advance(timedelta(seconds=LAG_S + 1))


def test_a_switch_reads_back_late(graph: LocalCaller) -> None:
    graph.ok("PATCH", ORDERS_PRINCIPAL, {"accountEnabled": False})

    assert graph.ok("GET", ORDERS_PRINCIPAL)["accountEnabled"] is True
    _later(graph)
    assert graph.ok("GET", ORDERS_PRINCIPAL)["accountEnabled"] is False


def test_a_deleted_object_is_read_for_a_while_and_not_deleted_twice(graph: LocalCaller) -> None:
    graph.ok("DELETE", ORDERS_PRINCIPAL)

    assert graph.ok("GET", ORDERS_PRINCIPAL)["displayName"] == "orders-api"
    assert graph.refused("DELETE", ORDERS_PRINCIPAL).startswith("404")
    _later(graph)
    assert graph.refused("GET", ORDERS_PRINCIPAL).startswith("404")


@pytest.mark.parametrize(
    "listing",
    [f"{ORDERS}/federatedIdentityCredentials", f"{ORDERS_PRINCIPAL}/appRoleAssignments"],
)
def test_what_was_taken_away_is_listed_for_a_while(graph: LocalCaller, listing: str) -> None:
    before = graph.ok("GET", listing)["value"]
    graph.ok("DELETE", f"{listing}/{before[0]['id']}")

    assert graph.ok("GET", listing)["value"] == before
    _later(graph)
    assert graph.ok("GET", listing)["value"] == before[1:]


def test_a_write_works_on_what_is_there_and_not_on_what_is_shown(graph: LocalCaller) -> None:
    key_id = graph.ok("GET", ORDERS)["passwordCredentials"][0]["keyId"]
    graph.ok("POST", f"{ORDERS}/removePassword", {"keyId": key_id})

    shown = [each["keyId"] for each in graph.ok("GET", ORDERS)["passwordCredentials"]]

    assert shown == [key_id]
    again = graph.refused("POST", f"{ORDERS}/removePassword", {"keyId": key_id})
    assert again == "400 Request_BadRequest"
    graph.ok("PATCH", ORDERS, {"displayName": "renamed"})
    _later(graph)
    assert graph.ok("GET", ORDERS)["passwordCredentials"] == []
