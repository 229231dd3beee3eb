"""Groups of the pretend directory: who is in them, and who may change that."""

from dataclasses import replace

import pytest

from sandbox.seed import names
from sandbox.world import Json, World
from tests.sandbox_graph_calls import EVENTUAL, NOBODY, ORDERS_PRINCIPAL, LocalCaller

READERS = f"/groups/{names.group_id(names.DATA_READERS)}"
ORDERS_ID = names.ORDERS_API.object_id
MEMBER = f"{READERS}/members/{ORDERS_ID}/$ref"
BILLING = {
    "@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{names.BILLING_API.object_id}"
}


@pytest.fixture
def graph() -> LocalCaller:
    """An app that changes members and reads the rest, as Firebreak does."""
    return LocalCaller(["Application.Read.All", "Directory.Read.All", "GroupMember.ReadWrite.All"])


def _named(found: Json) -> list[str]:
    return sorted(each["displayName"] for each in found["value"])


def test_a_principal_is_in_groups_directly_and_through_groups(graph: LocalCaller) -> None:
    direct = graph.ok("GET", f"{ORDERS_PRINCIPAL}/memberOf")
    everything = graph.ok("GET", f"{ORDERS_PRINCIPAL}/transitiveMemberOf")

    assert _named(direct) == ["sg-data-readers"]
    assert direct["value"][0]["@odata.type"] == "#microsoft.graph.group"
    assert direct["value"][0]["securityEnabled"] is True
    assert _named(everything) == ["sg-data-readers", "sg-orders"]


def test_a_group_shows_its_members_with_their_types(graph: LocalCaller) -> None:
    orders = f"/groups/{names.group_id(names.ORDERS_GROUP)}"

    direct = graph.ok("GET", f"{orders}/members")["value"]
    everything = graph.ok("GET", f"{orders}/transitiveMembers")["value"]

    assert {each["@odata.type"] for each in direct} == {
        "#microsoft.graph.group",
        "#microsoft.graph.user",
    }
    assert ORDERS_ID in {each["id"] for each in everything}
    assert ORDERS_ID not in {each["id"] for each in direct}


def test_groups_that_contain_each_other_are_no_endless_chain(graph: LocalCaller) -> None:
    inside = graph.world.directory.group_members
    inside[names.group_id(names.DATA_READERS)].append(names.group_id(names.ORDERS_GROUP))

    found = graph.ok("GET", f"{ORDERS_PRINCIPAL}/transitiveMemberOf")
    members = graph.ok("GET", f"{READERS}/transitiveMembers")["value"]

    assert _named(found) == ["sg-data-readers", "sg-orders"]
    assert names.group_id(names.DATA_READERS) not in {each["id"] for each in members}


def test_a_member_is_removed_once(graph: LocalCaller) -> None:
    assert graph.call("DELETE", MEMBER).status_code == 204

    assert graph.ok("GET", f"{ORDERS_PRINCIPAL}/memberOf")["value"] == []
    assert graph.refused("DELETE", MEMBER) == "404 Request_ResourceNotFound"


def test_a_removal_is_in_the_audit_log(graph: LocalCaller) -> None:
    graph.world.delays.ingestion = 0
    graph.ok("DELETE", MEMBER)

    row = graph.world.logs.rows("AuditLogs")[-1]

    assert (row["OperationName"], row["Category"]) == (
        "Remove member from group",
        "GroupManagement",
    )
    assert [each["type"] for each in row["TargetResources"]] == ["ServicePrincipal", "Group"]
    assert row["TargetResources"][0]["id"] == ORDERS_ID


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [
        (["GroupMember.ReadWrite.All"], True),
        (["Group.ReadWrite.All"], True),
        (["Directory.ReadWrite.All"], True),
        (["Group.Read.All", "Directory.Read.All", "Application.ReadWrite.All"], False),
        (["RoleManagement.ReadWrite.Directory"], False),
    ],
)
def test_removing_takes_a_permission_of_its_own(roles: list[str], *, allowed: bool) -> None:
    assert LocalCaller(roles).call("DELETE", MEMBER).status_code == (204 if allowed else 403)


@pytest.mark.parametrize(
    ("group", "member", "roles", "answer"),
    [
        (names.ROLE_ASSIGNABLE_GROUP, "rosa", [], 403),
        (names.ROLE_ASSIGNABLE_GROUP, "rosa", ["RoleManagement.ReadWrite.Directory"], 204),
        (names.DYNAMIC_GROUP, "vera", ["RoleManagement.ReadWrite.Directory"], 403),
    ],
)
def test_some_groups_are_harder_to_change(
    graph: LocalCaller, group: str, member: str, roles: list[str], answer: int
) -> None:
    stronger = replace(graph, roles=[*graph.roles, *roles])
    path = f"/groups/{names.group_id(group)}/members/{names.user_id(member)}/$ref"

    assert stronger.call("DELETE", path).status_code == answer


def test_a_group_from_on_premises_is_changed_there(graph: LocalCaller) -> None:
    groups = graph.world.directory.groups
    group = groups.get(names.group_id(names.DATA_READERS)) or {}
    groups.put(group["id"], {**group, "onPremisesSyncEnabled": True})

    assert graph.refused("DELETE", MEMBER) == "400 Request_BadRequest"


def test_without_ref_the_member_itself_is_deleted(graph: LocalCaller) -> None:
    """The trap in the documentation: the address of the reference without `$ref`."""
    assert graph.refused("DELETE", MEMBER.removesuffix("/$ref")).startswith("403")
    stronger = replace(graph, roles=[*graph.roles, "Application.ReadWrite.All"])

    stronger.ok("DELETE", MEMBER.removesuffix("/$ref"))

    assert graph.refused("GET", ORDERS_PRINCIPAL).startswith("404")


def test_a_service_principal_joins_only_by_who_may_write_applications(graph: LocalCaller) -> None:
    path = f"{READERS}/members/$ref"
    stronger = replace(graph, roles=[*graph.roles, "Application.ReadWrite.All"])

    assert graph.refused("POST", path, BILLING) == "403 Authorization_RequestDenied"
    stronger.ok("POST", path, BILLING)
    assert stronger.refused("POST", path, BILLING) == "400 Request_BadRequest"
    unknown = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{NOBODY}"}
    assert stronger.refused("POST", path, unknown).startswith("404")
    references = graph.ok("GET", path)["value"]
    assert len(references) == 2


def test_a_new_group_is_empty_and_strictly_read() -> None:
    graph = LocalCaller(["Group.ReadWrite.All"])
    body = {
        "displayName": "sg-new",
        "mailEnabled": False,
        "mailNickname": "new",
        "securityEnabled": True,
    }

    created = graph.ok("POST", "/groups", body)

    assert created["securityIdentifier"].startswith("S-1-12-1-")
    assert graph.ok("GET", f"/groups/{created['id']}/members")["value"] == []
    assert graph.refused("POST", "/groups", {**body, "colour": "red"}).startswith("400")
    assert graph.refused("POST", "/groups", {"displayName": "x"}).startswith("400")
    assert graph.refused("POST", "/groups", {**body, "isAssignableToRole": True}).startswith("403")


def test_what_may_not_be_read_is_shown_by_type_and_id_only() -> None:
    graph = LocalCaller(["Application.Read.All"])

    (group,) = graph.ok("GET", f"{ORDERS_PRINCIPAL}/memberOf")["value"]

    assert group["@odata.type"] == "#microsoft.graph.group"
    assert group["id"] == names.group_id(names.DATA_READERS)
    assert group["displayName"] is None
    assert graph.refused("GET", READERS).startswith("403")
    (member,) = LocalCaller(["GroupMember.Read.All"]).ok("GET", f"{READERS}/members")["value"]
    assert (member["id"], member["displayName"], member["keyCredentials"]) == (
        ORDERS_ID,
        None,
        None,
    )


def test_a_cast_comes_from_the_index(graph: LocalCaller) -> None:
    path = f"{ORDERS_PRINCIPAL}/memberOf/microsoft.graph.group"

    assert graph.refused("GET", path) == "400 Request_UnsupportedQuery"
    assert _named(graph.ok("GET", f"{path}?$count=true", **EVENTUAL)) == ["sg-data-readers"]
    assert graph.call("GET", f"{path}/$count", **EVENTUAL).text == "1"


def test_a_deleted_principal_is_in_no_group(graph: LocalCaller) -> None:
    world: World = graph.world
    replace(graph, roles=["Application.ReadWrite.All"]).ok("DELETE", ORDERS_PRINCIPAL)

    assert not any(ORDERS_ID in inside for inside in world.directory.group_members.values())
