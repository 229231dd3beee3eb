"""Who may do what in the pretend Graph: what an app's token says, and what a person owns."""

from dataclasses import replace

import pytest

from sandbox.seed import names
from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import (
    NOBODY,
    ORDERS,
    ORDERS_PRINCIPAL,
    GraphCaller,
    LocalCaller,
    federated,
    firebreak,
    person,
)

APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("Application.ReadWrite.All", {"read", "update", "create", "delete"}),
        ("Application.ReadUpdate.All", {"read", "update"}),
        ("Application.Read.All", {"read"}),
        ("Directory.Read.All", {"read"}),
        ("Directory.ReadWrite.All", {"read", "update", "create", "delete"}),
        ("Application.ReadWrite.OwnedBy", {"read", "create"}),
        ("AppRoleAssignment.ReadWrite.All", set()),
        ("User.Read.All", set()),
    ],
)
def test_what_each_permission_covers(role: str, allowed: set[str]) -> None:
    graph = LocalCaller([role])
    calls: dict[str, tuple[str, str, object]] = {
        "read": ("GET", ORDERS, None),
        "update": ("POST", f"{ORDERS}/federatedIdentityCredentials", federated("ci-main")),
        "create": ("POST", "/applications", {"displayName": "new"}),
        "delete": ("DELETE", ORDERS, None),
    }

    statuses = {name: graph.call(*call).status_code for name, call in calls.items()}

    assert {name for name, status in statuses.items() if status < 300} == allowed
    assert {status for name, status in statuses.items() if name not in allowed} <= {403}


def test_owned_by_covers_what_the_app_made() -> None:
    graph = LocalCaller(["Application.ReadWrite.OwnedBy"])
    other = replace(graph, who=names.ORDERS_API)
    created = graph.new_application()
    mine = f"/applications/{created['id']}"

    graph.ok("PATCH", mine, {"notes": "x"})
    assert other.refused("PATCH", mine, {"notes": "x"}) == "403 Authorization_RequestDenied"
    principal = {"appId": created["appId"]}
    assert other.refused("POST", "/servicePrincipals", principal).startswith("403")
    graph.ok("POST", "/servicePrincipals", principal)
    graph.ok("DELETE", mine)


def test_a_token_keeps_its_roles_when_the_grant_is_gone() -> None:
    """App-only permissions are baked into the token: taking a grant away stops nobody who has one."""
    graph = LocalCaller(["Application.ReadWrite.All"])
    for each in graph.world.directory.app_role_assignments.values():
        graph.world.directory.app_role_assignments.remove(each["id"])

    graph.ok("PATCH", ORDERS, {"notes": "x"})


def test_restoring_takes_a_directory_role_on_top() -> None:
    graph = LocalCaller(["Application.ReadWrite.All"])
    administrator = replace(graph, wids=[APPLICATION_ADMINISTRATOR])
    graph.ok("DELETE", ORDERS)
    path = f"/directory/deletedItems/{names.ORDERS_API.application_object_id}/restore"

    assert graph.refused("POST", path) == "403 Authorization_RequestDenied"
    restored = administrator.ok("POST", path)

    assert restored["@odata.type"] == "#microsoft.graph.application"
    assert restored["deletedDateTime"] is None
    graph.ok("GET", ORDERS_PRINCIPAL)
    assert len(graph.world.directory.deleted_items) == 0


def test_nothing_is_restored_into_a_place_that_is_taken() -> None:
    graph = LocalCaller(wids=[APPLICATION_ADMINISTRATOR])
    graph.ok("DELETE", ORDERS_PRINCIPAL)
    graph.ok("POST", "/servicePrincipals", {"appId": names.ORDERS_API.app_id})

    refusal = graph.refused("POST", f"/directory/deletedItems/{names.ORDERS_API.object_id}/restore")

    assert refusal == "409 Request_MultipleObjectsWithSameKeyValue"


@pytest.mark.parametrize(
    ("method", "path", "body", "allowed"),
    [
        ("GET", ORDERS, None, {"dana", "vera"}),
        ("GET", "/users", None, {"dana", "vera"}),
        ("GET", "/auditLogs/directoryAudits", None, set()),
        ("PATCH", ORDERS, {"notes": "x"}, {"dana"}),
        ("PATCH", ORDERS_PRINCIPAL, {"accountEnabled": False}, {"dana"}),
        ("POST", f"{ORDERS_PRINCIPAL}/appRoleAssignments", {}, set()),
        ("DELETE", ORDERS, None, {"dana"}),
    ],
)
def test_people_manage_what_they_own(
    sandbox: RunningSandbox, method: str, path: str, body: object, allowed: set[str]
) -> None:
    # vera first: what dana is allowed to do may leave nothing to be refused
    statuses = {name: person(sandbox, name).call(method, path, body) for name in ("vera", "dana")}

    assert {name for name, answer in statuses.items() if answer.is_success} == allowed


def test_owners_come_and_go(sandbox: RunningSandbox) -> None:
    graph, vera = firebreak(sandbox), sandbox.seed["users"]["vera"]["object_id"]
    body = {"@odata.id": f"{sandbox.endpoints['graph']}/v1.0/directoryObjects/{vera}"}

    def owners() -> set[str]:
        found = graph.ok("GET", f"{ORDERS}/owners")["value"]
        return {each["displayName"] for each in found}

    graph.ok("POST", f"{ORDERS}/owners/$ref", body)
    assert owners() == {"Dana", "Vera"}
    assert graph.refused("POST", f"{ORDERS}/owners/$ref", body) == "400 Request_BadRequest"
    _may_add_secret(person(sandbox, "vera"), expected=200)
    graph.ok("DELETE", f"{ORDERS}/owners/{vera}/$ref")
    assert owners() == {"Dana"}
    assert graph.refused("DELETE", f"{ORDERS}/owners/{vera}/$ref").startswith("404")
    _may_add_secret(person(sandbox, "vera"), expected=403)


def test_an_application_owns_nothing_but_a_service_principal_may() -> None:
    graph = LocalCaller()

    def add(object_id: str) -> int:
        body = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{object_id}"}
        return graph.call("POST", f"{ORDERS}/owners/$ref", body).status_code

    assert add(names.BILLING_API.application_object_id) == 400
    assert add(names.BILLING_API.object_id) == 204
    assert add(NOBODY) == 404


def _may_add_secret(who: GraphCaller, *, expected: int) -> None:
    assert who.call("POST", f"{ORDERS}/addPassword", {}).status_code == expected
