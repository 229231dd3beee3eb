"""Groups: out of those that we can change; each of the others is named, with the reason."""

import uuid

import pytest

from responders import memberships, principals
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError
from tests.a_principal import OBJECT, PRINCIPAL, SERVICE_PRINCIPAL_PATH
from tests.azure_fake import FakeAzure, Say, page, problem
from tests.sandbox_fixture import RunningSandbox

DIRECT = f"{SERVICE_PRINCIPAL_PATH}/memberOf"
TRANSITIVE = f"{SERVICE_PRINCIPAL_PATH}/transitiveMemberOf"


def _group(number: int, **changed: object) -> dict[str, object]:
    return {
        "@odata.type": "#microsoft.graph.group",
        "id": str(uuid.UUID(int=number)),
        "displayName": f"group-{number}",
        "groupTypes": [],
        "mailEnabled": False,
        "isAssignableToRole": None,
        "onPremisesSyncEnabled": None,
        **changed,
    }


def _member(number: int) -> str:
    return f"/v1.0/groups/{uuid.UUID(int=number)}/members/{OBJECT}/$ref"


ROLE = {"@odata.type": "#microsoft.graph.directoryRole", "id": str(uuid.UUID(int=0x7))}


async def test_groups_are_read_with_what_they_are_inside(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", DIRECT, page(_group(1), ROLE))
    azure.on("GET", TRANSITIVE, page(_group(1), _group(2), ROLE))
    found = await memberships.read_all(cloud, PRINCIPAL)
    assert [(one["display_name"], one["direct"]) for one in found] == [
        ("group-1", True),
        ("group-2", False),
    ]


async def test_leaving_a_group_leaves_what_it_is_inside(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", DIRECT, page(_group(1)), page())
    azure.on("GET", TRANSITIVE, page(_group(1), _group(2)), page())
    azure.on("DELETE", _member(1), Say(204))
    result = await memberships.remove_all(cloud, PRINCIPAL)
    assert result["status"] == "done"
    assert [(one["display_name"], one["direct"]) for one in result["items"]] == [
        ("group-1", True),
        ("group-2", False),
    ]
    assert result["changes"] == [
        {"object": f"group group-1 ({uuid.UUID(int=1)})", "before": "member", "after": "removed"}
    ]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"groupTypes": ["DynamicMembership"]}, "rule"),
        ({"isAssignableToRole": True}, "RoleManagement.ReadWrite.Directory"),
        ({"onPremisesSyncEnabled": True}, "local directory"),
        ({"mailEnabled": True}, "Exchange"),
    ],
)
async def test_a_group_that_is_not_ours_to_change_is_named_and_keeps_no_other(
    azure: FakeAzure, cloud: Cloud, changed: dict[str, object], why: str
) -> None:
    stuck = _group(3, **changed)
    azure.on("GET", DIRECT, page(_group(1), stuck), page(stuck))
    azure.on("GET", TRANSITIVE, page(_group(1), stuck, _group(4)), page(stuck, _group(4)))
    azure.on("DELETE", _member(1), Say(204))
    result = await memberships.remove_all(cloud, PRINCIPAL)
    assert result["status"] == "refused"
    assert [one["display_name"] for one in result["items"]] == ["group-1", "group-4"]
    assert why in result["detail"]
    assert "group-4" in result["detail"], "what comes through it stays as well"
    assert any("az ad group member remove" in one for one in result["by_hand"])
    assert azure.asked("DELETE", _member(3)) == []


async def test_a_group_of_microsoft_365_can_be_left(azure: FakeAzure, cloud: Cloud) -> None:
    teams = _group(1, mailEnabled=True, groupTypes=["Unified"])
    azure.on("GET", DIRECT, page(teams), page())
    azure.on("GET", TRANSITIVE, page(teams), page())
    azure.on("DELETE", _member(1), Say(204))
    assert (await memberships.remove_all(cloud, PRINCIPAL))["status"] == "done"


async def test_a_plan_with_nothing_but_what_we_can_not_change_is_a_refusal(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", DIRECT, page(_group(3, isAssignableToRole=True)))
    azure.on("GET", TRANSITIVE, page(_group(3, isAssignableToRole=True)))
    with read_only():
        assert (await memberships.remove_all(cloud, PRINCIPAL))["status"] == "refused"


async def test_a_group_that_says_no_is_refused(azure: FakeAzure, cloud: Cloud) -> None:
    hidden = {key: value for key, value in _group(1).items() if key in {"@odata.type", "id"}}
    azure.on("GET", DIRECT, page(hidden))
    azure.on("GET", TRANSITIVE, page(hidden))
    azure.on("DELETE", _member(1), problem(403, "Authorization_RequestDenied"))
    assert (await memberships.remove_all(cloud, PRINCIPAL))["status"] == "refused"


async def test_a_membership_without_a_type_is_not_no_group(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", DIRECT, page({"id": str(uuid.UUID(int=1))}))
    azure.on("GET", TRANSITIVE, page())
    with pytest.raises(ContractChangedError):
        await memberships.read_all(cloud, PRINCIPAL)


# --- sandbox ------------------------------------------------------------------------------------


async def test_a_second_run_finds_nothing_to_do(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    object_id = sandbox.seed["orders_api"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})
    before = await memberships.read_all(sandbox_cloud, principal)
    assert {one["display_name"]: one["direct"] for one in before} == {
        "sg-data-readers": True,
        "sg-orders": False,
    }
    runs = [await memberships.remove_all(sandbox_cloud, principal) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert await memberships.read_all(sandbox_cloud, principal) == []
