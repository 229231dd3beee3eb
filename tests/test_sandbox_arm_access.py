"""Azure RBAC as the sandbox evaluates it: containment rests on removed rights really being gone, and late."""

from datetime import timedelta

import pytest

from sandbox.arm.access import allows, scopes_above
from sandbox.arm.definitions import find_role_definition, new_role_assignment, role_guid
from sandbox.world import World

READ_BLOB = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
WRITE_ROLE = "Microsoft.Authorization/roleAssignments/write"
SOMEBODY = "0a0a0a0a-0000-4000-8000-000000000001"


@pytest.fixture
def world() -> World:
    made = World({})
    made.delays.role_assignments = 10
    return made


def _scope(world: World, below: str = "") -> str:
    return f"/subscriptions/{world.subscription_id}{below}"


def _grant(world: World, role: str, scope: str) -> str:
    assignment = new_role_assignment(world, scope=scope, role=role, principal_id=SOMEBODY)
    world.azure.role_assignments.put(assignment["id"].lower(), assignment)
    return str(assignment["id"].lower())


def _wait(world: World) -> None:
    world.clock.advance(timedelta(seconds=11))


def _may(world: World, action: str, scope: str, *, data_action: bool = False) -> bool:
    return allows(world, SOMEBODY, action, scope, data_action=data_action)


def test_a_grant_and_its_removal_are_both_late(world: World) -> None:
    scope = _scope(world)
    name = _grant(world, "Reader", scope)
    assert not _may(world, "Microsoft.Web/sites/read", scope)
    _wait(world)
    assert _may(world, "Microsoft.Web/sites/read", scope)

    world.azure.role_assignments.remove(name)
    assert _may(world, "Microsoft.Web/sites/read", scope)
    _wait(world)
    assert not _may(world, "Microsoft.Web/sites/read", scope)


def test_rights_are_inherited_downwards_only(world: World) -> None:
    group = _scope(world, "/resourceGroups/rg-orders")
    _grant(world, "Reader", group)
    _wait(world)
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/one"

    assert _may(world, "Microsoft.Storage/storageAccounts/read", account)
    assert _may(world, "Microsoft.Storage/storageAccounts/read", account.upper())
    assert not _may(world, "Microsoft.Resources/subscriptions/read", _scope(world))
    sibling = _scope(world, "/resourceGroups/rg-orders-2")
    assert not _may(world, "Microsoft.Web/sites/read", sibling)


def test_a_management_group_reaches_the_subscription(world: World) -> None:
    _grant(world, "Reader", f"/providers/Microsoft.Management/managementGroups/{world.tenant_id}")
    _wait(world)
    assert _may(world, "Microsoft.Web/sites/read", _scope(world, "/resourceGroups/any"))


def test_actions_do_not_open_data_and_data_actions_open_nothing_else(world: World) -> None:
    account = _scope(world, "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/one")
    blob = f"{account}/blobServices/default/containers/orders"
    _grant(world, "Owner", account)
    _wait(world)
    assert not _may(world, READ_BLOB, blob, data_action=True)

    _grant(world, "Storage Blob Data Reader", account)
    _wait(world)
    assert _may(world, READ_BLOB, blob, data_action=True)
    assert not _may(world, READ_BLOB.replace("read", "write"), blob, data_action=True)


def test_what_not_actions_take_away_another_role_may_give(world: World) -> None:
    scope = _scope(world)
    _grant(world, "Contributor", scope)
    _wait(world)
    assert _may(world, "Microsoft.Compute/virtualMachines/write", scope)
    assert not _may(world, WRITE_ROLE, scope)

    _grant(world, "User Access Administrator", scope)
    _wait(world)
    assert _may(world, WRITE_ROLE, scope)


def test_a_role_that_does_not_exist_grants_nothing(world: World) -> None:
    _grant(world, "11111111-2222-4333-8444-555555555555", _scope(world))
    _wait(world)
    assert not _may(world, "Microsoft.Web/sites/read", _scope(world))


def test_scopes_go_from_the_resource_to_the_root(world: World) -> None:
    subscription = _scope(world)
    assert scopes_above(world, f"{subscription}/resourceGroups/rg")[0].endswith("/rg")
    assert scopes_above(world, subscription) == [
        subscription,
        f"/providers/Microsoft.Management/managementGroups/{world.tenant_id}",
        "/",
    ]
    assert scopes_above(world, "/") == scopes_above(world, subscription)[1:]


def test_built_in_roles_have_microsofts_ids(world: World) -> None:
    assert role_guid("Owner") == "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    found = find_role_definition(world, role_guid("Reader"), scope=_scope(world))
    assert found is not None
    assert found["id"].startswith(_scope(world))
    assert found["properties"]["permissions"][0]["actions"] == ["*/read"]
