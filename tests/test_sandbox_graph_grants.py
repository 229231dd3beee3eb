"""Permissions granted in the pretend Graph: app roles and delegated ones."""

from dataclasses import replace

import pytest

from sandbox.seed import names
from sandbox.seed.first_party import GRAPH_ROLES
from sandbox.world import Json
from tests.sandbox_graph_calls import NOBODY, LocalCaller
from tests.sandbox_graph_calls import ORDERS_PRINCIPAL as ORDERS

ASSIGNED = f"{ORDERS}/appRoleAssignments"
GRANTS = "/oauth2PermissionGrants"


@pytest.fixture
def graph() -> LocalCaller:
    """An app that grants permissions of both kinds."""
    return LocalCaller(
        [
            "AppRoleAssignment.ReadWrite.All",
            "DelegatedPermissionGrant.ReadWrite.All",
            "Directory.Read.All",
        ]
    )


def _graph_id(graph: LocalCaller) -> str:
    found = graph.world.directory.service_principals.values()
    return next(str(each["id"]) for each in found if each["displayName"] == "Microsoft Graph")


def _values(graph: LocalCaller) -> set[str]:
    """What orders-api may call."""
    by_id = {role_id: value for value, role_id in GRAPH_ROLES.items()}
    return {by_id[each["appRoleId"]] for each in graph.ok("GET", ASSIGNED)["value"]}


def _wish(graph: LocalCaller) -> Json:
    return {
        "principalId": names.ORDERS_API.object_id,
        "resourceId": _graph_id(graph),
        "appRoleId": GRAPH_ROLES["Application.Read.All"],
    }


def _consent() -> Json:
    return {
        "clientId": names.ORDERS_API.object_id,
        "consentType": "AllPrincipals",
        "resourceId": names.BILLING_API.object_id,
        "scope": "Mail.Read",
    }


def test_an_app_role_is_granted_shown_on_both_sides_and_revoked(graph: LocalCaller) -> None:
    granted = graph.ok("POST", ASSIGNED, _wish(graph))
    assert granted["principalDisplayName"] == "orders-api"
    assert granted["resourceDisplayName"] == "Microsoft Graph"

    other = f"/servicePrincipals/{_graph_id(graph)}/appRoleAssignedTo"
    before = {"User.Read.All"}
    assert _values(graph) == before | {"Application.Read.All"}
    assert granted["id"] in [each["id"] for each in graph.ok("GET", other)["value"]]
    graph.ok("DELETE", f"{other}/{granted['id']}")
    assert _values(graph) == before
    assert graph.refused("DELETE", f"{ASSIGNED}/{granted['id']}").startswith("404")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"appRoleId": NOBODY}, 400),
        ({"principalId": names.BILLING_API.object_id}, 400),
        ({"resourceId": NOBODY}, 404),
        ({"appRoleId": None}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_a_grant_names_a_role_that_exists(
    graph: LocalCaller, changed: dict[str, object], status: int
) -> None:
    assert graph.call("POST", ASSIGNED, _wish(graph) | changed).status_code == status


def test_the_same_role_is_granted_once(graph: LocalCaller) -> None:
    graph.ok("POST", ASSIGNED, _wish(graph))

    assert graph.refused("POST", ASSIGNED, _wish(graph)) == "400 Request_BadRequest"


def test_managing_applications_is_not_managing_their_app_roles() -> None:
    graph = LocalCaller()
    held = f"{ORDERS}/appRoleAssignments"
    assignments = graph.ok("GET", held)["value"]

    refusal = graph.refused("DELETE", f"{held}/{assignments[0]['id']}")

    assert len(assignments) == 1
    assert refusal == "403 Authorization_RequestDenied"


def test_grants_go_with_the_service_principal(graph: LocalCaller) -> None:
    graph.ok("POST", ASSIGNED, _wish(graph))
    replace(graph, roles=["Application.ReadWrite.All"]).ok("DELETE", ORDERS)

    left = graph.world.directory.app_role_assignments.values()
    assert names.ORDERS_API.object_id not in [each["principalId"] for each in left]


def test_a_delegated_grant_is_given_listed_and_revoked(graph: LocalCaller) -> None:
    grant = graph.ok("POST", GRANTS, _consent())

    listed = graph.ok("GET", f"{ORDERS}/oauth2PermissionGrants")["value"]
    assert [each["scope"] for each in listed] == ["User.Read openid profile", "Mail.Read"]
    query = f"$filter=clientId eq '{names.ORDERS_API.object_id}'"
    assert len(graph.ok("GET", f"{GRANTS}?{query}")["value"]) == 2
    other = replace(graph, roles=["Application.ReadWrite.All"])
    assert other.refused("DELETE", f"{GRANTS}/{grant['id']}").startswith("403")
    graph.ok("DELETE", f"{GRANTS}/{grant['id']}")
    left = graph.ok("GET", GRANTS)["value"]
    assert [each["scope"] for each in left] == ["User.Read openid profile"]


@pytest.mark.parametrize(
    "changed",
    [
        {"consentType": "Everybody"},
        {"consentType": "Principal"},
        {"principalId": names.user_id("dana")},
    ],
)
def test_a_delegated_grant_is_for_all_or_for_one(
    graph: LocalCaller, changed: dict[str, str]
) -> None:
    assert graph.refused("POST", GRANTS, _consent() | changed) == "400 Request_BadRequest"


def test_an_update_changes_the_scopes_of_a_grant_and_nothing_else(graph: LocalCaller) -> None:
    grant = f"{GRANTS}/{graph.ok('POST', GRANTS, _consent())['id']}"

    graph.ok("PATCH", grant, {"scope": "Mail.Read Mail.Send"})

    assert graph.ok("GET", grant)["scope"] == "Mail.Read Mail.Send"
    assert graph.refused("PATCH", grant, {"consentType": "Principal"}) == "400 Request_BadRequest"
    assert graph.refused("PATCH", f"{GRANTS}/{NOBODY}", {"scope": "x"}).startswith("404")
    other = replace(graph, roles=["Application.ReadWrite.All"])
    assert other.refused("PATCH", grant, {"scope": "x"}).startswith("403")
    _, row = graph.world.logs.tables["AuditLogs"][-1]
    change = row["TargetResources"][0]["modifiedProperties"][0]
    assert (change["oldValue"], change["newValue"]) == ('"Mail.Read"', '"Mail.Read Mail.Send"')


def test_a_client_is_granted_scopes_of_a_resource_once(graph: LocalCaller) -> None:
    """So a grant that comes back after a containment is not doubled where somebody consented meanwhile."""
    (held,) = graph.ok("GET", GRANTS)["value"]
    again = {name: held[name] for name in ("clientId", "consentType", "resourceId")}

    taken = graph.refused("POST", GRANTS, again | {"scope": "User.Read"})

    assert taken == "409 Request_MultipleObjectsWithSameKeyValue"
    person = {"consentType": "Principal", "principalId": names.user_id("dana")}
    assert graph.ok("POST", GRANTS, again | person | {"scope": "User.Read"})["id"]
