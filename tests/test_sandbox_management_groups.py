"""Management groups: a right granted up there opens everything below, so it has to be seen and removed from there."""

import uuid

import httpx
import pytest

from tests.arm_caller import ArmCaller, as_firebreak, as_user
from tests.sandbox_fixture import RunningSandbox

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
GROUPS = "/providers/Microsoft.Management/managementGroups"
TYPE = "providers/Microsoft.Authorization/roleAssignments"
VERSION = "2023-04-01"


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    return as_firebreak(sandbox)


def _names(answer: httpx.Response) -> list[str]:
    return [each["name"] for each in answer.json()["value"]]


def _grant(arm: ArmCaller, scope: str, principal: str) -> str:
    path = f"{scope}/{TYPE}/{uuid.uuid4()}"
    role = f"/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    body = {"properties": {"roleDefinitionId": role, "principalId": principal}}
    answer = arm("PUT", path, json=body)
    assert answer.status_code == 201, answer.text
    return path


def test_a_reader_of_the_root_sees_every_group_and_its_place(arm: ArmCaller) -> None:
    listed = arm("GET", GROUPS, version="2020-05-01")
    assert _names(listed) == [arm.sandbox.tenant_id, "mg-platform"]
    assert listed.json()["value"][1]["properties"] == {
        "tenantId": arm.sandbox.tenant_id,
        "displayName": "Platform",
    }
    platform = arm("GET", f"{GROUPS}/mg-platform", version=VERSION, params={"$expand": "children"})
    properties = platform.json()["properties"]
    assert properties["details"]["parent"]["name"] == arm.sandbox.tenant_id
    assert [each["id"] for each in properties["children"]] == [arm.subscription]


def test_a_recursive_read_reaches_the_subscription(arm: ArmCaller) -> None:
    query = {"$expand": "children", "$recurse": "true"}
    root = arm("GET", f"{GROUPS}/{arm.sandbox.tenant_id}", version=VERSION, params=query).json()
    (platform,) = root["properties"]["children"]
    assert [each["type"] for each in platform["children"]] == ["/subscriptions"]
    lone = arm(
        "GET", f"{GROUPS}/mg-platform", version=VERSION, params={"$expand": "ancestors"}
    ).json()
    assert lone["properties"]["details"]["managementGroupAncestors"] == [arm.sandbox.tenant_id]


def test_who_has_a_role_below_only_sees_no_management_group(arm: ArmCaller) -> None:
    dana = as_user(arm.sandbox, "dana")
    assert _names(dana("GET", GROUPS, version=VERSION)) == []
    refused = dana("GET", f"{GROUPS}/mg-platform", version=VERSION)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")


def test_a_group_that_is_not_there_is_404_for_itself_and_for_its_assignments(
    arm: ArmCaller,
) -> None:
    assert arm("GET", f"{GROUPS}/mg-none", version=VERSION).status_code == 404
    assert arm("GET", f"{GROUPS}/mg-none/{TYPE}").status_code == 404


def test_a_right_granted_above_opens_and_shows_below(arm: ArmCaller) -> None:
    vera = as_user(arm.sandbox, "vera")
    person = arm.sandbox.seed["users"]["vera"]["object_id"]
    cluster = arm.sandbox.seed["clusters"]["aks-weu"]["resource_id"]
    assert vera("GET", cluster, version="2024-05-01").status_code == 403

    granted = _grant(arm, f"{GROUPS}/mg-platform", person)
    assert vera("GET", cluster, version="2024-05-01").status_code == 200
    for scope in (arm.subscription, f"{GROUPS}/mg-platform", f"{GROUPS}/{arm.sandbox.tenant_id}"):
        shown = arm("GET", f"{scope}/{TYPE}", filter=f"principalId eq '{person}'")
        assert [each["id"] for each in shown.json()["value"]] == [granted], scope
    at_root = f"{GROUPS}/{arm.sandbox.tenant_id}/{TYPE}"
    assert granted.rsplit("/", 1)[1] not in _names(arm("GET", at_root, filter="atScope()"))

    assert arm("DELETE", granted).status_code == 200
    assert vera("GET", cluster, version="2024-05-01").status_code == 403


def test_an_assignment_at_a_management_group_leaves_an_activity_row(arm: ArmCaller) -> None:
    person = arm.sandbox.seed["users"]["vera"]["object_id"]
    granted = _grant(arm, f"{GROUPS}/mg-platform", person)
    row = arm.sandbox.control("GET", "state/logs/AzureActivity")[-1]
    assert row["_ResourceId"] == granted.lower()
    assert row["SubscriptionId"] == ""
