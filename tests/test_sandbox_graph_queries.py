"""Reads of the pretend Graph: late where the real one is late, and as picky about filters."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from sandbox.graph.shapes import new_application
from sandbox.seed.names import ORDERS_API, user_id
from tests.sandbox_graph_calls import EVENTUAL, ORDERS, LocalCaller


@pytest.fixture
def graph() -> LocalCaller:
    return LocalCaller()


def _names(graph: LocalCaller, query: str, **headers: str) -> list[str]:
    found = graph.ok("GET", f"/applications?$select=displayName&{query}", **headers)["value"]
    return sorted(each["displayName"] for each in found)


def test_a_list_lags_behind_what_a_read_by_key_knows(graph: LocalCaller) -> None:
    graph.world.delays.directory = 60
    created = graph.new_application(tags=["t"])
    query = "$filter=tags/any(t:t eq 't')"

    assert _names(graph, query) == []
    graph.ok("GET", f"/applications/{created['id']}")
    graph.world.clock.advance(timedelta(seconds=61))
    assert _names(graph, query) == ["new"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("$filter=displayName eq 'ORDERS-api'", ["orders-api"]),
        ("$filter=displayName in ('orders-api','nobody')", ["orders-api"]),
        ("$filter=startswith(displayName,'orders')", ["orders-api"]),
        ("$filter=startsWith(displayName,'orders') eq true", ["orders-api"]),
        (
            "$filter=displayName eq 'orders-api' or displayName eq 'billing-api'",
            ["billing-api", "orders-api"],
        ),
        (
            "$filter=(displayName eq 'orders-api') and signInAudience eq 'AzureADMyOrg'",
            ["orders-api"],
        ),
        ("$filter=identifierUris/any(u:u eq 'api://firebreak')", ["firebreak-api"]),
        ("$filter=identifierUris/any(u:startswith(u,'api://'))", ["firebreak-api"]),
        ("$filter=createdDateTime ge 2100-01-01T00:00:00Z", []),
        ("$filter=displayName eq 'it''s'", []),
    ],
)
def test_supported_filters(graph: LocalCaller, query: str, found: list[str]) -> None:
    assert _names(graph, query) == found


def test_ids_in_filters(graph: LocalCaller) -> None:
    names = f"servicePrincipalNames/any(c:c eq '{ORDERS_API.app_id}')"

    assert _names(graph, f"$filter=appId eq '{ORDERS_API.app_id.upper()}'") == ["orders-api"]
    found = graph.ok("GET", f"/servicePrincipals?$filter={names}&$select=id")["value"]
    assert found == [{"id": ORDERS_API.object_id}]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$filter=federatedIdentityCredentials/any(f:f/issuer eq 'x')", "Request_UnsupportedQuery"),
        ("$filter=notes eq 'x'", "Request_UnsupportedQuery"),
        ("$filter=endswith(displayName,'api')", "Request_UnsupportedQuery"),
        ("$filter=displayName ne 'x'", "Request_UnsupportedQuery"),
        ("$filter=not startswith(displayName,'x')", "Request_UnsupportedQuery"),
        ("$filter=owners/$count eq 0", "Request_UnsupportedQuery"),
        ("$filter=startswith(displayName,'a')&$orderby=displayName", "Request_UnsupportedQuery"),
        ("$top=1000", "Request_UnsupportedQuery"),
        ("$filter=appId eq 'orders-api'", "Request_BadRequest"),
        ("$skip=1", "Request_BadRequest"),
        ('$search="displayName:api"', "Request_BadRequest"),
        ("$filter=colour eq 'red'", "BadRequest"),
        ("$filter=displayName eq 'x", "BadRequest"),
        ("$filter=displayName eq", "BadRequest"),
        ("$filter=displayName = 'x'", "BadRequest"),
        ("$filter=displayName eq 'x' displayName", "BadRequest"),
        ("$select=colour", "BadRequest"),
        ("$expand=colour", "BadRequest"),
        ("$orderby=colour", "BadRequest"),
        ("$top=many", "BadRequest"),
        ("$colour=red", "BadRequest"),
    ],
)
def test_what_the_index_does_not_have_is_refused_not_ignored(
    graph: LocalCaller, query: str, code: str
) -> None:
    assert graph.refused("GET", f"/applications?{query}") == f"400 {code}"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("$filter=displayName ne 'orders-api'", 3),
        ("$filter=not startswith(displayName,'orders')", 3),
        ("$filter=endswith(displayName,'-api')", 3),
        ("$filter=owners/$count eq 1", 1),
        ("$filter=federatedIdentityCredentials/$count ne 0", 2),
        ('$search="displayName:orders"', 1),
    ],
)
def test_an_advanced_query_needs_the_header_and_the_count(
    graph: LocalCaller, query: str, count: int
) -> None:
    path = f"/applications?{query}&$count=true"

    assert graph.ok("GET", path, **EVENTUAL)["@odata.count"] == count
    assert graph.call("GET", path).status_code == 400


def test_an_advanced_query_makes_no_index_either(graph: LocalCaller) -> None:
    path = "/applications?$filter=notes eq 'x'&$count=true"

    assert graph.refused("GET", path, **EVENTUAL) == "400 Request_UnsupportedQuery"


def test_counting(graph: LocalCaller) -> None:
    answer = graph.call("GET", "/applications/$count", **EVENTUAL)

    assert answer.text == "4"
    assert answer.headers["content-type"].startswith("text/plain")
    assert graph.refused("GET", "/applications/$count") == "400 Request_UnsupportedQuery"


def test_pages_lead_through_everything_on_the_same_origin_and_show_one_moment(
    graph: LocalCaller,
) -> None:
    graph.world.delays.directory = 0
    page = graph.ok("GET", "/applications?$top=2&$select=id,displayName")
    found = [each["displayName"] for each in page["value"]]
    graph.new_application(displayName="late")

    link = page["@odata.nextLink"]
    assert link.startswith(f"{graph.world.endpoints['graph']}/v1.0/applications?")
    parts = urlsplit(link)
    rest = graph.ok("GET", f"/applications?{parts.query}")

    assert "@odata.nextLink" not in rest
    found += [each["displayName"] for each in rest["value"]]
    assert sorted(found) == ["billing-api", "firebreak-api", "incident-bot", "orders-api"]


def test_a_page_has_100_items_unless_said_otherwise(graph: LocalCaller) -> None:
    graph.world.delays.directory = 0
    for _ in range(100):
        one = new_application("many", created=graph.world.clock.now())
        graph.world.directory.applications.put(one["id"], one)

    page = graph.ok("GET", "/applications?$select=id")

    assert len(page["value"]) == 100
    assert "@odata.nextLink" in page


def test_keys_show_only_when_they_are_selected(graph: LocalCaller) -> None:
    unselected = graph.ok("GET", ORDERS)["keyCredentials"][0]
    selected = graph.ok("GET", f"{ORDERS}?$select=keyCredentials")["keyCredentials"][0]

    assert unselected["key"] is None
    assert selected["key"]


def test_expanding_relationships(graph: LocalCaller) -> None:
    query = "$select=id&$expand=federatedIdentityCredentials($select=name;$top=20)"

    found = graph.ok("GET", f"{ORDERS}?{query}")
    owners = graph.ok("GET", f"{ORDERS}?$expand=owners")["owners"]

    assert set(found) == {"@odata.context", "id", "federatedIdentityCredentials"}
    assert len(found["federatedIdentityCredentials"]) == 4
    assert set(found["federatedIdentityCredentials"][0]) == {"name"}
    assert [each["userPrincipalName"] for each in owners] == ["dana@contoso.com"]


def test_pages_below_an_alternate_key(graph: LocalCaller) -> None:
    path = f"/applications(appId='{ORDERS_API.app_id}')/federatedIdentityCredentials"

    page = graph.ok("GET", f"{path}?$top=3&$select=name")
    link = page["@odata.nextLink"].removeprefix(f"{graph.world.endpoints['graph']}/v1.0")

    assert link.startswith(f"{path}?")
    assert len(page["value"]) + len(graph.ok("GET", link)["value"]) == 4


def test_people_are_found_by_name_and_key(graph: LocalCaller) -> None:
    by_name = graph.ok("GET", "/users/dana@contoso.com")
    query = "$filter=userPrincipalName eq 'dana@contoso.com'"
    listed = graph.ok("GET", f"/users?{query}")["value"]

    assert by_name["id"] == listed[0]["id"] == user_id("dana")
    assert graph.refused("GET", "/users/nobody@contoso.com").startswith("404")


def test_objects_of_unknown_type(graph: LocalCaller) -> None:
    ids = [ORDERS_API.object_id, user_id("dana"), "nobody"]

    found = graph.ok("POST", "/directoryObjects/getByIds", {"ids": ids, "types": ["user"]})
    one = graph.ok("GET", f"/directoryObjects/{ids[0]}")

    partners = {"ids": ids, "types": ["directoryObjectPartnerReference"]}  # az asks for these
    assert graph.ok("POST", "/directoryObjects/getByIds", partners)["value"] == []
    assert [each["@odata.type"] for each in found["value"]] == ["#microsoft.graph.user"]
    assert one["@odata.type"] == "#microsoft.graph.servicePrincipal"
    assert graph.refused("POST", "/directoryObjects/getByIds", {"ids": []}).startswith("400")


def test_the_tenant(graph: LocalCaller) -> None:
    tenants = graph.ok("GET", "/organization")["value"]

    assert [each["id"] for each in tenants] == [graph.world.tenant_id]
