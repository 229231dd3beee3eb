"""Directory roles of the pretend directory: who has them, who may see and change that, and what they allow."""

from dataclasses import replace

import pytest

from sandbox.graph import directory_role_definitions as definitions
from sandbox.graph import group_shapes
from sandbox.seed import names
from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import ORDERS, ORDERS_PRINCIPAL, LocalCaller, person

ASSIGNMENTS = "/roleManagement/directory/roleAssignments"
DEFINITIONS = "/roleManagement/directory/roleDefinitions"
ORDERS_ID = names.ORDERS_API.object_id
WRITING = ("RoleManagement.ReadWrite.Directory",)
WISH = {
    "@odata.type": "#microsoft.graph.unifiedRoleAssignment",
    "principalId": ORDERS_ID,
    "roleDefinitionId": definitions.APPLICATION_ADMINISTRATOR,
    "directoryScopeId": "/",
}


@pytest.fixture
def graph() -> LocalCaller:
    """An app that gives roles."""
    return LocalCaller(WRITING)


def test_a_role_is_given_found_by_principal_and_taken(graph: LocalCaller) -> None:
    given = graph.ok("POST", ASSIGNMENTS, WISH)
    query = f"{ASSIGNMENTS}?$filter=principalId eq '{ORDERS_ID}'"

    (found,) = graph.ok("GET", f"{query}&$expand=roleDefinition")["value"]
    assert found["id"] == given["id"]
    assert found["roleDefinition"]["displayName"] == "Application Administrator"
    (found,) = graph.ok("GET", f"{query}&$expand=principal")["value"]
    assert found["principal"]["@odata.type"] == "#microsoft.graph.servicePrincipal"
    assert graph.refused("POST", ASSIGNMENTS, WISH) == "400 Request_BadRequest"
    graph.ok("DELETE", f"{ASSIGNMENTS}/{given['id']}")
    assert graph.ok("GET", query)["value"] == []
    assert graph.refused("DELETE", f"{ASSIGNMENTS}/{given['id']}").startswith("404")


def test_an_assignments_id_is_that_of_the_documentation() -> None:
    """The example of https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments."""
    made = group_shapes.new_directory_role_assignment(
        "ace08ec9-aa11-4ada-9145-addf0398233e", definitions.GLOBAL_ADMINISTRATOR
    )

    assert made["id"] == "lAPpYvVpN0KRkAEhdxReEMmO4KwRqtpKkUWt3wOYIz4-1"


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        ("RoleManagement.ReadWrite.Directory", True, True),
        ("RoleManagement.Read.Directory", True, False),
        ("Directory.Read.All", True, False),
        ("Directory.ReadWrite.All", True, False),
        ("Application.ReadWrite.All", False, False),
    ],
)
def test_what_each_permission_covers(role: str, *, reads: bool, writes: bool) -> None:
    caller = LocalCaller([role])
    (assignment, *_) = caller.world.directory.role_assignments

    assert caller.call("GET", ASSIGNMENTS).is_success is reads
    assert caller.call("GET", DEFINITIONS).is_success is reads
    assert caller.call("DELETE", f"{ASSIGNMENTS}/{assignment}").is_success is writes


def test_a_principals_roles_are_among_its_memberships(graph: LocalCaller) -> None:
    graph.ok("POST", ASSIGNMENTS, WISH)

    found = replace(graph, roles=["Directory.Read.All"]).ok("GET", f"{ORDERS_PRINCIPAL}/memberOf")

    (role,) = [each for each in found["value"] if each["@odata.type"].endswith("directoryRole")]
    assert role["roleTemplateId"] == definitions.APPLICATION_ADMINISTRATOR


def test_a_role_allows_what_no_permission_does(graph: LocalCaller) -> None:
    orders = replace(graph, roles=[], who=names.ORDERS_API)
    billing = f"/applications/{names.BILLING_API.application_object_id}"
    assert orders.refused("PATCH", billing, {"notes": "x"}).startswith("403")

    given = graph.ok("POST", ASSIGNMENTS, WISH)
    orders.ok("PATCH", billing, {"notes": "x"})

    graph.ok("DELETE", f"{ASSIGNMENTS}/{given['id']}")
    assert orders.refused("PATCH", billing, {"notes": "y"}).startswith("403")


def test_only_a_group_made_for_it_carries_a_role(graph: LocalCaller) -> None:
    plain = WISH | {"principalId": names.group_id(names.DATA_READERS)}
    special = WISH | {"principalId": names.group_id(names.ROLE_ASSIGNABLE_GROUP)}

    assert graph.refused("POST", ASSIGNMENTS, plain) == "400 Request_BadRequest"
    graph.ok("POST", ASSIGNMENTS, special)


def test_people_see_roles_only_with_one_and_act_by_their_groups(sandbox: RunningSandbox) -> None:
    rosa, vera = person(sandbox, "rosa"), person(sandbox, "vera")

    assert vera.refused("GET", ASSIGNMENTS).startswith("403")
    rosa.ok("PATCH", ORDERS, {"notes": "by the group's role"})
