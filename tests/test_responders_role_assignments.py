"""Grants: every one that is the principal's own, in every subscription, and nobody else's.

What it defends: half a list is never the whole, one that is locked does not keep the others, a filter
that Azure ignores deletes nothing foreign, and names make creating them repeatable.
"""

import asyncio
import json
import uuid
from typing import Any

import pytest

from responders import grant_additions, grant_removals, role_assignments, scopes
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.model import Grant
from tests.azure_fake import (
    OURSELVES,
    RESOURCE_GRAPH,
    SUBSCRIPTION,
    FakeAzure,
    Say,
    Seen,
    page,
    problem,
)
from tests.sandbox_fixture import RunningSandbox
from tests.suspects import OBJECT, suspect

NEW = str(uuid.UUID(int=0xB3))
OTHER = str(uuid.UUID(int=0x5B6))  # another subscription
READER = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
GONE = problem(404, "RoleAssignmentNotFound")


def _path(scope: str, name: str) -> str:
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"


def _listing(subscription: str) -> str:
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments"


def _assignment(scope: str, name: str, principal: str = OBJECT, **more: object) -> dict[str, Any]:
    return {
        "id": _path(scope, name),
        "name": name,
        "properties": {
            "scope": scope,
            "roleDefinitionId": READER,
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "createdOn": "2026-01-01T00:00:00.1234567Z",
            **more,
        },
    }


class Rbac:
    """What each scope lists, until it is deleted. Everything can be read by its id."""

    def __init__(self, azure: FakeAzure, at: dict[str, list[dict[str, Any]]]) -> None:
        self.azure, self.at, self.gone = azure, at, set[str]()
        for scope in at:
            azure.on("GET", _listing_at(scope), self._list(scope))
        for one in {one["id"]: one for listed in at.values() for one in listed}.values():
            self.knows(one)

    def knows(self, one: dict[str, Any]) -> None:
        """Deletable and readable, whether a list shows it or not."""
        at = one["id"]
        self.azure.on("DELETE", at, lambda _: self.gone.add(at) or Say(200, one))  # type: ignore[func-returns-value]
        self.azure.on("GET", at, lambda _: GONE if at in self.gone else Say(200, one))

    def _list(self, scope: str) -> Any:
        return lambda _: page(*(one for one in self.at[scope] if one["id"] not in self.gone))


def _listing_at(scope: str) -> str:
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments"


HERE = f"/subscriptions/{SUBSCRIPTION}"
ABOVE = "/providers/Microsoft.Management/managementGroups/root"


@pytest.fixture(autouse=True)
def _two_subscriptions(azure: FakeAzure) -> None:
    azure.on(
        "GET", "/subscriptions", page({"subscriptionId": SUBSCRIPTION}, {"subscriptionId": OTHER})
    )
    azure.on("GET", _listing(SUBSCRIPTION), page())
    azure.on("GET", _listing(OTHER), page())
    azure.on("GET", READER, Say(200, {"id": READER, "properties": {"roleName": "Reader"}}))


async def test_a_grant_from_above_is_listed_once(azure: FakeAzure, cloud: Cloud) -> None:
    for subscription in (SUBSCRIPTION, OTHER):
        azure.on("GET", _listing(subscription), page(_assignment(ABOVE, "a")))
    found = await role_assignments.read_all(cloud, OBJECT)
    assert [(one["scope"], one["role_name"]) for one in found] == [(ABOVE, "Reader")]
    assert found[0]["created_on"] == "2026-01-01T00:00:00.123456+00:00"
    assert azure.asked("GET", _listing(OTHER))[0].query["$filter"] == f"principalId eq '{OBJECT}'"


async def test_a_filter_that_is_ignored_deletes_nothing_of_others(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", _listing(SUBSCRIPTION), page(_assignment(HERE, "a", principal=OURSELVES)))
    result = await role_assignments.remove_all(cloud, suspect())
    assert result["status"] == "nothing_to_do"
    assert azure.writes() == []


async def test_a_subscription_that_can_not_be_read_fails_the_list(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", _listing(SUBSCRIPTION), page(_assignment(HERE, "a")))
    azure.on("GET", _listing(OTHER), problem(503, "ServerBusy"))
    with pytest.raises(TransientError, match=OTHER):
        await role_assignments.read_all(cloud, OBJECT)
    azure.on("GET", _listing(OTHER), problem(403, "AuthorizationFailed"))
    with pytest.raises(RefusedError, match=OTHER):
        await role_assignments.read_all(cloud, OBJECT)


async def test_what_can_be_read_is_known_and_what_can_not_is_said(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", _listing(SUBSCRIPTION), page(_assignment(HERE, "a")))
    azure.on("GET", _listing(OTHER), problem(403, "AuthorizationFailed"))
    known, why = await role_assignments.read_known(cloud, OBJECT, insist=True)
    assert [one["id"] for one in known] == [_path(HERE, "a")]
    assert why is not None
    assert OTHER in why

    azure.on("GET", _listing(OTHER), problem(503, "ServerBusy"))
    with pytest.raises(TransientError, match=OTHER):
        await role_assignments.read_known(cloud, OBJECT, insist=True)
    known, why = await role_assignments.read_known(cloud, OBJECT, insist=False)
    assert (len(known), "503" in str(why)) == (1, True)


async def test_a_subscription_that_can_not_be_read_does_not_keep_the_grants_of_others(
    azure: FakeAzure, cloud: Cloud
) -> None:
    Rbac(azure, {HERE: [_assignment(HERE, "a")]})
    azure.on("GET", _listing(OTHER), problem(403, "AuthorizationFailed"))
    result = await role_assignments.remove_all(cloud, suspect())
    assert result["status"] == "refused"
    assert OTHER in result["detail"]
    assert [one["id"] for one in result["items"]] == [_path(HERE, "a")]

    azure.on("GET", _listing(SUBSCRIPTION), page())
    azure.on("GET", _listing(OTHER), problem(503, "ServerBusy"))
    with pytest.raises(TransientError, match=OTHER):  # nothing found, but not all was seen
        await role_assignments.remove_all(cloud, suspect())


async def test_a_plan_over_half_of_the_subscriptions_is_no_plan(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", _listing(OTHER), problem(403, "AuthorizationFailed"))
    with read_only(), pytest.raises(RefusedError, match=OTHER):
        await role_assignments.remove_all(cloud, suspect())


async def test_a_subscription_that_is_gone_by_now_grants_nothing(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", _listing(OTHER), problem(404, "SubscriptionNotFound"))
    assert await role_assignments.read_all(cloud, OBJECT) == []


async def test_a_role_without_a_readable_name_keeps_its_id(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", _listing(SUBSCRIPTION), page(_assignment(HERE, "a")))
    azure.on("GET", READER, problem(404, "RoleDefinitionDoesNotExist"))
    found = await role_assignments.read_all(cloud, OBJECT)
    assert found[0]["role_name"] == "acdd72a7-3385-48ef-bd42-f606fba81ae7"


async def test_one_that_is_locked_does_not_keep_the_others(azure: FakeAzure, cloud: Cloud) -> None:
    names = ("a", "b", "c")
    Rbac(azure, {HERE: [_assignment(HERE, name) for name in names]})
    azure.on("DELETE", _path(HERE, "b"), problem(409, "ScopeLocked", "lock 'prod' on /x"))
    result = await role_assignments.remove_all(cloud, suspect())
    assert result["status"] == "refused"
    assert [one["id"] for one in result["items"]] == [_path(HERE, "a"), _path(HERE, "c")]
    assert "lock 'prod' on /x" in result["detail"]
    assert "Remove that lock by hand" in result["detail"]


async def test_one_from_above_is_deleted_at_its_own_scope(azure: FakeAzure, cloud: Cloud) -> None:
    Rbac(azure, {HERE: [_assignment(ABOVE, "a")]})
    assert (await role_assignments.remove_all(cloud, suspect()))["status"] == "done"
    assert [one.path for one in azure.writes()] == [_path(ABOVE, "a")]


async def test_one_that_reads_back_is_not_called_deleted(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", _listing(SUBSCRIPTION), page(_assignment(HERE, "a")))
    azure.on("DELETE", _path(HERE, "a"), Say(200, _assignment(HERE, "a")))
    with pytest.raises(TransientError, match="still reads back"):
        await role_assignments.remove_all(cloud, suspect())


def _grant(**changed: object) -> Grant:
    plain = {
        "id": _path(HERE, "a"),
        "scope": HERE,
        "role_definition_id": READER,
        "role_name": "Reader",
        "principal_id": OBJECT,
        "principal_type": "ServicePrincipal",
        "condition": "@Resource[x] StringEquals 'y'",
        "condition_version": "2.0",
        "description": "for orders",
        "created_on": None,
        "created_by": None,
    }
    grant: Grant = json.loads(json.dumps({**plain, **changed}))
    return grant


NAME = grant_additions.assignment_name(HERE, NEW, READER)


async def test_a_grant_is_given_again_with_all_that_it_had(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("PUT", _path(HERE, NAME), Say(201, _assignment(HERE, NAME, NEW)))
    result = await role_assignments.ensure(cloud, NEW, [_grant()])
    assert result["status"] == "done"
    assert azure.writes()[0].body == {
        "properties": {
            "roleDefinitionId": READER,
            "principalId": NEW,
            "principalType": "ServicePrincipal",
            "condition": "@Resource[x] StringEquals 'y'",
            "conditionVersion": "2.0",
            "description": "for orders",
        }
    }


async def test_the_same_grant_under_another_name_is_enough(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("PUT", _path(HERE, NAME), problem(409, "RoleAssignmentExists"))
    result = await role_assignments.ensure(cloud, NEW, [_grant()])
    assert (result["status"], result["items"][0]["created"]) == ("nothing_to_do", False)


async def test_a_principal_that_rbac_has_not_heard_of_is_a_matter_of_time(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("PUT", _path(HERE, NAME), problem(400, "PrincipalNotFound"))
    with pytest.raises(TransientError, match="PrincipalNotFound"):
        await role_assignments.ensure(cloud, NEW, [_grant()])


async def test_one_grant_that_is_refused_does_not_keep_the_others(
    azure: FakeAzure, cloud: Cloud
) -> None:
    there = f"/subscriptions/{OTHER}"
    other = grant_additions.assignment_name(there, NEW, READER)
    azure.on("PUT", _path(HERE, NAME), problem(403, "AuthorizationFailed"))
    azure.on("PUT", _path(there, other), Say(201, _assignment(there, other, NEW)))
    result = await role_assignments.ensure(cloud, NEW, [_grant(), _grant(scope=there)])
    assert result["status"] == "refused"
    assert [one["scope"] for one in result["items"]] == [there]
    assert f"Reader at {HERE}" in result["detail"]


async def test_a_refused_grant_comes_with_its_command(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("PUT", _path(HERE, NAME), problem(403, "AuthorizationFailed"))
    result = await role_assignments.ensure(cloud, NEW, [_grant()])
    (command,) = result["by_hand"]
    assert f"--assignee-object-id {NEW}" in command
    assert "--condition-version 2.0" in command


async def test_a_scope_that_is_gone_is_left_out_and_said(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("PUT", _path(HERE, NAME), problem(404, "ResourceGroupNotFound"))
    result = await role_assignments.ensure(cloud, NEW, [_grant()])
    assert result["status"] == "nothing_to_do"
    assert f"the scope is gone: {HERE}" in result["detail"]


async def test_a_role_definition_that_is_gone_is_not_taken_for_a_scope_that_is(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("PUT", _path(HERE, NAME), problem(404, "RoleDefinitionDoesNotExist"))
    with pytest.raises(ContractChangedError):
        await role_assignments.ensure(cloud, NEW, [_grant()])


async def test_a_delegated_grant_stays_one(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("PUT", _path(HERE, NAME), Say(201, _assignment(HERE, NAME, NEW)))
    await role_assignments.ensure(
        cloud, NEW, [_grant(delegated_managed_identity_resource_id="/id/x")]
    )
    body = azure.writes()[0].body["properties"]
    assert body["delegatedManagedIdentityResourceId"] == "/id/x"


async def test_a_name_that_belongs_to_another_is_refused(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", _path(HERE, NAME), Say(200, _assignment(HERE, NAME, OURSELVES)))
    result = await role_assignments.ensure(cloud, NEW, [_grant()])
    assert result["status"] == "refused"
    assert azure.writes() == []


def test_names_differ_by_scope_principal_and_role_and_not_by_case() -> None:
    name = grant_additions.assignment_name
    assert name(HERE.upper(), NEW.upper(), READER.upper()) == NAME
    assert name(f"{HERE}/", NEW, f"{HERE}{READER}") == NAME  # built-in roles are written both ways
    assert len({NAME, name(ABOVE, NEW, READER), name(HERE, OBJECT, READER)}) == 3


# --- every scope, and nothing for granted --------------------------------------------------------

GROUPS = "/providers/Microsoft.Management/managementGroups"
PLATFORM = f"{GROUPS}/mg-platform"


def _graph_says(azure: FakeAzure, *ids: str) -> None:
    rows = [{"id": one, "type": "microsoft.authorization/roleassignments"} for one in ids]
    azure.on("POST", RESOURCE_GRAPH, Say(200, {"data": rows, "resultTruncated": "false"}))


async def test_a_management_group_without_subscription_in_sight_is_asked_too(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", GROUPS, page({"id": PLATFORM, "name": "mg-platform"}))
    Rbac(azure, {PLATFORM: [_assignment(PLATFORM, "a")]})
    result = await role_assignments.remove_all(cloud, suspect())
    assert result["status"] == "done"
    assert result["changes"] == [
        {
            "object": f"role assignment {_path(PLATFORM, 'a')}",
            "before": f"Reader at {PLATFORM}",
            "after": "deleted",
        }
    ]
    assert (
        azure.asked("GET", _listing_at(PLATFORM))[0].query["$filter"]
        == f"principalId eq '{OBJECT}'"
    )


async def test_not_to_be_allowed_to_list_management_groups_is_named_and_no_failure(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", GROUPS, problem(403, "AuthorizationFailed"))
    Rbac(azure, {HERE: [_assignment(ABOVE, "a")]})
    result = await role_assignments.remove_all(cloud, suspect())
    assert result["status"] == "done"
    assert "management groups can't be listed" in result["detail"]

    azure.on("GET", GROUPS, problem(503, "ServerBusy"))  # time can heal this one
    with pytest.raises(TransientError, match="managementGroups"):
        await role_assignments.remove_all(cloud, suspect())


async def test_what_only_resource_graph_knows_is_read_before_it_is_deleted(
    azure: FakeAzure, cloud: Cloud
) -> None:
    stranger, stale = _assignment(ABOVE, "theirs", principal=OURSELVES), _path(ABOVE, "stale")
    rbac = Rbac(azure, {})
    rbac.knows(_assignment(ABOVE, "a"))
    rbac.knows(stranger)
    _graph_says(azure, _path(ABOVE, "a"), stranger["id"], stale)
    result = await role_assignments.remove_all(cloud, suspect())
    assert result["status"] == "done"
    assert [one.path for one in azure.writes()] == [_path(ABOVE, "a")]


async def test_what_only_resource_graph_knows_is_read_back_too(
    azure: FakeAzure, cloud: Cloud
) -> None:
    there = _path(ABOVE, "a")
    azure.on("GET", there, Say(200, _assignment(ABOVE, "a")))
    azure.on("DELETE", there, problem(409, "Conflict"))
    _graph_says(azure, there)
    with pytest.raises(TransientError, match="still reads back"):
        await role_assignments.remove_all(cloud, suspect())


async def test_without_resource_graph_the_lists_stand_alone_and_that_is_said(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("POST", RESOURCE_GRAPH, problem(403, "AuthorizationFailed"))
    result = await role_assignments.remove_all(cloud, suspect())
    assert result["status"] == "nothing_to_do"
    assert "Resource Graph could not be asked" in result["detail"]


async def test_one_that_is_given_meanwhile_goes_too(azure: FakeAzure, cloud: Cloud) -> None:
    rbac = Rbac(azure, {HERE: [_assignment(HERE, "a")]})
    planted = _assignment(HERE, "planted")
    rbac.knows(planted)

    def delete_and_plant(_: Seen) -> Say:
        rbac.gone.add(_path(HERE, "a"))
        rbac.at[HERE].append(planted)
        return Say(200, {})

    azure.on("DELETE", _path(HERE, "a"), delete_and_plant)
    result = await role_assignments.remove_all(cloud, suspect())
    assert [one["id"] for one in result["items"]] == [_path(HERE, "a"), _path(HERE, "planted")]


async def test_a_lost_race_is_run_again(azure: FakeAzure, cloud: Cloud) -> None:
    rbac = Rbac(azure, {HERE: [_assignment(HERE, "a")]})

    def delete(_: Seen) -> Say:
        rbac.gone.add(_path(HERE, "a"))
        return Say(200, {})

    azure.on("DELETE", _path(HERE, "a"), problem(409, "Conflict"), delete)
    assert (await role_assignments.remove_all(cloud, suspect()))["status"] == "done"


async def test_the_last_administrator_is_a_persons_matter(azure: FakeAzure, cloud: Cloud) -> None:
    Rbac(azure, {HERE: [_assignment(HERE, "a")]})
    azure.on("DELETE", _path(HERE, "a"), problem(412, "DeletingLastRbacAdminAssignment"))
    result = await role_assignments.remove_all(cloud, suspect())
    assert (result["status"], result["items"]) == ("refused", [])


async def test_a_hundred_are_deleted_side_by_side_and_read_back_by_one_list(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    rbac = Rbac(azure, {HERE: [_assignment(HERE, f"a{number}") for number in range(100)]})
    under_way, most = 0, 0

    async def delete(_: Cloud, one: Any) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        rbac.gone.add(one.id)

    monkeypatch.setattr(grant_removals, "_delete", delete)
    assert len((await role_assignments.remove_all(cloud, suspect()))["items"]) == 100
    assert most >= 50  # so latency counts twice, not a hundred times
    assert len(azure.asked("GET", _listing(SUBSCRIPTION))) == 2


async def test_what_groups_carry_is_reported_with_the_group_and_direct_ones_are_not(
    azure: FakeAzure, cloud: Cloud
) -> None:
    carried = _assignment(HERE, "g", principal=NEW, principalType="Group")
    azure.on("GET", _listing(SUBSCRIPTION), page(carried, _assignment(HERE, "a")))
    found = await role_assignments.group_grants(cloud, OBJECT)
    assert [(one["id"], one["group_id"], one["role_name"]) for one in found] == [
        (_path(HERE, "g"), NEW, "Reader")
    ]
    assert azure.asked("GET", _listing(OTHER))[0].query["$filter"] == f"assignedTo('{OBJECT}')"
    azure.on("GET", _listing(OTHER), problem(403, "AuthorizationFailed"))
    with pytest.raises(RefusedError, match=OTHER):
        await role_assignments.group_grants(cloud, OBJECT)


async def test_a_condition_is_kept_and_shown(azure: FakeAzure, cloud: Cloud) -> None:
    condition = "@Resource[x] StringEquals 'y'"
    conditional = _assignment(HERE, "a", condition=condition, conditionVersion="2.0")
    azure.on("GET", _listing(SUBSCRIPTION), page(conditional))
    with read_only():
        planned = await role_assignments.remove_all(cloud, suspect())
    assert (planned["items"][0]["condition"], planned["items"][0]["condition_version"]) == (
        condition,
        "2.0",
    )
    assert condition in planned["changes"][0]["before"]


# --- sandbox ------------------------------------------------------------------------------------


async def test_what_was_removed_can_be_given_to_another_and_nothing_else_is_touched(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    old = sandbox.seed["orders_api"]["object_id"]
    new = sandbox.seed["firebreak_api"]["object_id"]
    bystander = sandbox.seed["billing_api"]["object_id"]
    others = await role_assignments.read_all(sandbox_cloud, bystander)
    before = await role_assignments.read_all(sandbox_cloud, old)
    assert {one["role_name"] for one in before} == {"Reader", "Storage Blob Data Reader"}

    with read_only():
        planned = await role_assignments.remove_all(sandbox_cloud, suspect(object_id=old))
    assert planned["status"] == "planned"
    assert await role_assignments.read_all(sandbox_cloud, old) == before

    runs = [
        await role_assignments.remove_all(sandbox_cloud, suspect(object_id=old)) for _ in range(2)
    ]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert await role_assignments.read_all(sandbox_cloud, old) == []
    assert await role_assignments.read_all(sandbox_cloud, bystander) == others

    with read_only():
        wished = await role_assignments.ensure(sandbox_cloud, new, before)
    assert wished["status"] == "planned"
    puts = [await role_assignments.ensure(sandbox_cloud, new, before) for _ in range(2)]
    assert [one["status"] for one in puts] == ["done", "nothing_to_do"]
    given = await role_assignments.read_all(sandbox_cloud, new)
    assert _what(given) == _what(before)


def _what(grants: list[Grant]) -> list[tuple[str, str]]:
    return sorted((one["scope"], one["role_definition_id"]) for one in grants)


async def test_what_a_group_of_the_sandbox_carries_is_reported_and_what_hangs_above_goes(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    sandbox.control("POST", "delays", {"resource_graph": 0})
    victim = sandbox.seed["orders_api"]["object_id"]
    carried = await role_assignments.group_grants(sandbox_cloud, victim)
    assert [one["role_name"] for one in carried] == ["Storage Blob Data Reader"]
    assert carried[0]["group_id"] != victim

    groups = await scopes.visible(sandbox_cloud)
    platform = next(one for one in groups.management_groups if one.endswith("mg-platform"))
    (reader,) = (
        one
        for one in await role_assignments.read_all(sandbox_cloud, victim)
        if one["role_name"] == "Reader"
    )
    above: Grant = {**reader, "scope": platform}
    given = await role_assignments.ensure(sandbox_cloud, victim, [above])
    assert given["status"] == "done"
    removed = await role_assignments.remove_all(sandbox_cloud, suspect(object_id=victim))
    assert removed["status"] == "done"
    assert platform in {one["scope"] for one in removed["items"]}
    assert await role_assignments.read_all(sandbox_cloud, victim) == []
    assert await role_assignments.group_grants(sandbox_cloud, victim) == carried
