"""A role is judged by what it allows: names are anybody's to choose."""

from typing import Any

import pytest

from responders import role_assignments, role_definitions
from responders.cloud import Cloud
from responders.role_definitions import allows, owner_level
from tests.azure_fake import FakeAzure, Say, problem
from tests.sandbox_fixture import RunningSandbox

READER = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
OTHER = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae8"


def permission(*actions: str, but: tuple[str, ...] = (), data: tuple[str, ...] = ()) -> Any:
    return {
        "actions": list(actions),
        "not_actions": list(but),
        "data_actions": list(data),
        "not_data_actions": [],
    }


@pytest.mark.parametrize(
    "one",
    [
        permission("*"),
        permission("*", but=("Microsoft.Authorization/*/Write",)),  # Contributor
        permission("Microsoft.Authorization/*"),
        permission("microsoft.authorization/*/write"),
        permission("Microsoft.Authorization/roleAssignments/write"),
        permission("*/write"),
        permission("Microsoft.Authorization/roleDefinitions/*"),
        permission("Microsoft.Storage/*/read", data=("*",)),
    ],
)
def test_what_can_make_owners_or_do_everything_is_owner_level(one: Any) -> None:
    assert owner_level([one])


@pytest.mark.parametrize(
    "one",
    [
        permission("*/read"),
        permission("Microsoft.Storage/*", data=("Microsoft.Storage/*",)),
        permission("*/write", but=("Microsoft.Authorization/*",)),
        permission("Microsoft.Authorization/roleAssignments/read"),
        permission(),
    ],
)
def test_what_can_not_is_none(one: Any) -> None:
    assert owner_level([one]) is None


def test_one_entry_takes_off_only_what_it_gave_itself() -> None:
    """NotActions is no denial: another entry, or another role, may still allow it."""
    entries = [permission("*/write", but=("Microsoft.X/y/write",)), permission("Microsoft.X/*")]

    assert allows(entries, "Microsoft.X/y/write")
    assert not allows(entries[:1], "Microsoft.X/y/write")
    assert not allows(entries, "Microsoft.X/y/write", data=True)


async def test_a_definition_that_can_not_be_read_is_not_taken_for_harmless(
    azure: FakeAzure, cloud: Cloud
) -> None:
    said = {"properties": {"roleName": "Reader", "permissions": [{"actions": ["*/read"]}]}}
    azure.on("GET", READER, Say(200, said))
    azure.on("GET", OTHER, problem(403, "AuthorizationFailed"))

    found = await role_definitions.read(cloud, [READER, OTHER, READER])
    assert role_definitions.powers(found) == {READER: ""}


async def test_the_roles_of_the_sandbox_are_judged_as_azure_has_them(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    own = sandbox.seed["firebreak"]["object_id"]
    held = await role_assignments.read_all(sandbox_cloud, own)
    ids = [one["role_definition_id"] for one in held]
    powers = role_definitions.powers(await role_definitions.read(sandbox_cloud, ids))

    strong = {one["role_name"] for one in held if powers[one["role_definition_id"]]}
    assert strong == {"Role Based Access Control Administrator"}
