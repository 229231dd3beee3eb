"""Role assignments and locks: the writes that containment and rebuilding are made of, and how Azure refuses them."""

import uuid
from typing import Any

import httpx
import pytest

from tests.arm_caller import ArmCaller, as_firebreak, as_user, managed_identity_token
from tests.sandbox_fixture import RunningSandbox

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
BLOB_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
TYPE = "providers/Microsoft.Authorization/roleAssignments"
LOCKS = "providers/Microsoft.Authorization/locks"


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    return as_firebreak(sandbox)


def _error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def _orders(arm: ArmCaller) -> str:
    return str(arm.sandbox.seed["orders_api"]["object_id"])


def _body(arm: ArmCaller, principal: str, *, role: str = READER, **more: Any) -> dict[str, Any]:
    definition = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return {"properties": {"roleDefinitionId": definition, "principalId": principal, **more}}


def _names(answer: httpx.Response) -> list[str]:
    return [each["name"] for each in answer.json()["value"]]


def _held(arm: ArmCaller, principal: str) -> list[dict[str, Any]]:
    answer = arm("GET", f"{arm.subscription}/{TYPE}", filter=f"principalId eq '{principal}'")
    return list(answer.json()["value"])


def test_a_filter_by_principal_finds_assignments_below_the_scope(arm: ArmCaller) -> None:
    held = _held(arm, _orders(arm))
    assert len(held) == 2
    assert {each["properties"]["principalType"] for each in held} == {"ServicePrincipal"}


def test_assigned_to_sees_through_groups_and_a_filter_by_principal_does_not(
    arm: ArmCaller,
) -> None:
    listed = arm("GET", f"{arm.subscription}/{TYPE}", filter=f"assignedTo('{_orders(arm)}')")
    carried = [
        each
        for each in listed.json()["value"]
        if each["id"] not in [direct["id"] for direct in _held(arm, _orders(arm))]
    ]
    readers = arm.sandbox.seed["groups"]["sg-data-readers"]["object_id"]
    assert [each["properties"]["principalId"] for each in carried] == [readers]
    assert carried[0]["properties"]["principalType"] == "Group"
    assert len(listed.json()["value"]) == 3


def test_at_scope_leaves_out_what_is_below_and_keeps_what_is_above(arm: ArmCaller) -> None:
    root = f"/providers/Microsoft.Management/managementGroups/{arm.sandbox.tenant_id}"
    at_subscription = arm("GET", f"{arm.subscription}/{TYPE}", filter="atScope()").json()["value"]
    assert {each["properties"]["scope"] for each in at_subscription} == {root, arm.subscription}

    at_group = arm("GET", f"{arm.group}/{TYPE}", filter="atScope()").json()["value"]
    assert {each["properties"]["scope"] for each in at_group} == {
        root,
        arm.subscription,
        arm.group,
    }
    everything = arm("GET", f"{arm.group}/{TYPE}").json()["value"]
    assert len(everything) > len(at_group)
    both = arm("GET", f"{arm.group}/{TYPE}", filter=f"atScope() and assignedTo('{_orders(arm)}')")
    assert len(both.json()["value"]) == 1


def test_another_filter_is_refused(arm: ArmCaller) -> None:
    for text in (
        "principalId eq fa3b22ff",
        "atScope() and principalId eq 'a'",
        "roleDefinitionId eq 'a'",
        "assignedTo('a') or atScope()",
    ):
        answer = arm("GET", f"{arm.subscription}/{TYPE}", filter=text)
        assert _error(answer) == (400, "UnsupportedQuery"), text


def test_deleting_twice_is_200_and_then_204(arm: ArmCaller) -> None:
    target = _held(arm, _orders(arm))[0]["id"]

    first, second = arm("DELETE", target), arm("DELETE", target)
    assert first.status_code == 200
    assert first.json()["id"] == target
    assert (second.status_code, second.content) == (204, b"")
    assert _error(arm("GET", target)) == (404, "RoleAssignmentNotFound")


def test_a_removed_right_is_gone_from_what_it_opened(arm: ArmCaller) -> None:
    mine = arm.sandbox.seed["firebreak"]["object_id"]
    path = f"{arm.group}/providers/Microsoft.Storage/storageAccounts/stordersprod"
    assert arm("GET", path, version="2023-05-01").status_code == 200
    for held in _held(arm, mine):
        if not held["properties"]["roleDefinitionId"].endswith(
            "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
        ):
            arm("DELETE", held["id"])
    rbac_admin = next(each for each in _held(arm, mine))
    assert arm("DELETE", rbac_admin["id"]).status_code == 200
    assert _error(arm("GET", path, version="2023-05-01")) == (403, "AuthorizationFailed")


def test_writing_the_same_again_changes_nothing_and_another_name_conflicts(arm: ArmCaller) -> None:
    name, body = str(uuid.uuid4()), _body(arm, _orders(arm), role=BLOB_READER, description="why")
    path = f"{arm.group}/{TYPE}/{name}"

    created = arm("PUT", path, json=body)
    again = arm("PUT", path, json=body)
    assert (created.status_code, again.status_code) == (201, 200)
    assert again.json()["properties"]["createdOn"] == created.json()["properties"]["createdOn"]
    assert created.json()["properties"]["description"] == "why"
    assert created.json()["properties"]["createdBy"] == arm.sandbox.seed["firebreak"]["object_id"]

    other = arm("PUT", f"{arm.group}/{TYPE}/{uuid.uuid4()}", json=body)
    assert _error(other) == (409, "RoleAssignmentExists")
    assert name.replace("-", "") in other.json()["error"]["message"]


def test_a_name_never_moves_to_another_principal_or_scope(arm: ArmCaller) -> None:
    name = _held(arm, _orders(arm))[0]["name"]
    billing = arm.sandbox.seed["billing_api"]["object_id"]
    for scope, principal in ((arm.group, billing), (arm.subscription, _orders(arm))):
        answer = arm("PUT", f"{scope}/{TYPE}/{name}", json=_body(arm, principal))
        assert _error(answer) == (400, "RoleAssignmentUpdateNotPermitted")


def test_a_principal_that_has_not_replicated_needs_its_type_said(
    arm: ArmCaller, sandbox: RunningSandbox
) -> None:
    graph = sandbox.endpoints["graph"] + "/v1.0"
    token = managed_identity_token(sandbox, "https://graph.microsoft.com")
    headers = {"Authorization": f"Bearer {token}"}
    sandbox.control("POST", "delays", {"directory": 60})
    application = sandbox.http.post(
        f"{graph}/applications", json={"displayName": "new"}, headers=headers
    ).json()
    principal = sandbox.http.post(
        f"{graph}/servicePrincipals", json={"appId": application["appId"]}, headers=headers
    ).json()["id"]
    path = f"{arm.group}/{TYPE}/{uuid.uuid4()}"

    unsaid = arm("PUT", path, json=_body(arm, principal))
    assert _error(unsaid) == (400, "PrincipalNotFound")
    said = arm("PUT", path, json=_body(arm, principal, principalType="ServicePrincipal"))
    assert said.status_code == 201


WRONG: list[tuple[dict[str, str], tuple[int, str]]] = [
    ({"principalType": "User"}, (400, "UnmatchedPrincipalType")),
    ({"principalType": "Robot"}, (400, "InvalidRequestContent")),
    ({"principalId": "orders-api"}, (400, "InvalidPrincipalId")),
    ({"principalId": str(uuid.uuid4())}, (400, "PrincipalNotFound")),
    ({"roleDefinitionId": "/none"}, (400, "RoleDefinitionDoesNotExist")),
    ({"condition": "x", "conditionVersion": "1.0"}, (400, "InvalidConditionVersion")),
    ({"role": "Reader"}, (400, "InvalidRequestContent")),
]


def test_a_wrong_body_is_refused(arm: ArmCaller) -> None:
    for change, expected in WRONG:
        body = _body(arm, _orders(arm))
        body["properties"] |= change
        answer = arm("PUT", f"{arm.group}/{TYPE}/{uuid.uuid4()}", json=body)
        assert _error(answer) == expected, change


def test_the_application_object_is_no_principal(arm: ArmCaller) -> None:
    wrong = arm.sandbox.seed["orders_api"]["application_object_id"]
    answer = arm("PUT", f"{arm.group}/{TYPE}/{uuid.uuid4()}", json=_body(arm, wrong))
    assert _error(answer) == (400, "PrincipalTypeNotSupported")


def test_a_body_must_be_json_and_a_name_a_guid(arm: ArmCaller) -> None:
    path = f"{arm.group}/{TYPE}/{uuid.uuid4()}"
    text: Any = {"content": b"{}", "headers": {"Content-Type": "text/plain"}}
    assert _error(arm("PUT", path, **text)) == (415, "UnsupportedMediaType")
    broken: Any = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    assert _error(arm("PUT", path, **broken)) == (400, "InvalidRequestContent")
    unnamed = arm("PUT", f"{arm.group}/{TYPE}/mine", json=_body(arm, _orders(arm)))
    assert _error(unnamed) == (400, "InvalidRoleAssignmentId")


def test_only_who_may_assign_roles_assigns_them(arm: ArmCaller) -> None:
    dana, vera = as_user(arm.sandbox, "dana"), as_user(arm.sandbox, "vera")
    body = _body(arm, arm.sandbox.seed["billing_api"]["object_id"])
    name = uuid.uuid4()
    assert _error(vera("PUT", f"{arm.group}/{TYPE}/{name}", json=body)) == (
        403,
        "AuthorizationFailed",
    )
    assert _error(dana("PUT", f"{arm.subscription}/{TYPE}/{name}", json=body)) == (
        403,
        "AuthorizationFailed",
    )
    assert dana("PUT", f"{arm.group}/{TYPE}/{name}", json=body).status_code == 201


def test_a_lock_keeps_an_assignment_from_being_deleted(arm: ArmCaller) -> None:
    dana = as_user(arm.sandbox, "dana")
    lock = f"{arm.group}/{LOCKS}/prod"
    held = next(
        each for each in _held(arm, _orders(arm)) if each["properties"]["scope"] != arm.group
    )
    assert dana("PUT", lock, version="2020-05-01", json={"properties": {"level": "CanNotDelete"}})
    assert _names(arm("GET", f"{arm.subscription}/{LOCKS}", version="2020-05-01")) == ["prod"]

    locked = arm("DELETE", held["id"])
    assert _error(locked) == (409, "ScopeLocked")
    assert f"'{arm.group}'" in locked.json()["error"]["message"]
    new = arm(
        "PUT", f"{arm.group}/{TYPE}/{uuid.uuid4()}", json=_body(arm, _orders(arm), role=BLOB_READER)
    )
    assert new.status_code == 201

    read_only = {"properties": {"level": "ReadOnly"}}
    assert dana("PUT", lock, version="2020-05-01", json=read_only).status_code == 200
    new = arm(
        "PUT", f"{held['properties']['scope']}/{TYPE}/{uuid.uuid4()}", json=_body(arm, _orders(arm))
    )
    assert _error(new) == (409, "ScopeLocked")

    assert dana("DELETE", lock, version="2020-05-01").status_code == 200
    assert arm("DELETE", held["id"]).status_code == 200


def test_the_last_administrator_of_a_subscription_stays(arm: ArmCaller) -> None:
    owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    rosa = arm.sandbox.seed["users"]["rosa"]["object_id"]
    vera = arm.sandbox.seed["users"]["vera"]["object_id"]
    paths = [f"{arm.subscription}/{TYPE}/{uuid.uuid4()}" for _ in range(2)]
    for path, person in zip(paths, (rosa, vera), strict=True):
        assert arm("PUT", path, json=_body(arm, person, role=owner)).status_code == 201
    assert arm("DELETE", paths[0]).status_code == 200
    assert _error(arm("DELETE", paths[1])) == (412, "DeletingLastRbacAdminAssignment")


def test_role_definitions_are_found_by_name_and_by_id(arm: ArmCaller) -> None:
    base = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions"
    by_name = arm("GET", base, filter="roleName eq 'Storage Blob Data Reader'").json()["value"]
    assert [each["name"] for each in by_name] == [BLOB_READER]
    assert arm("GET", f"{base}/{BLOB_READER}").json()["id"] == f"{base}/{BLOB_READER}"
    preview = arm("GET", base, version="2022-05-01-preview", filter="type eq 'CustomRole'")
    custom = [each["properties"]["roleName"] for each in preview.json()["value"]]
    assert {"Firebreak Containment", "Firebreak Rebuild", "Firebreak Cluster Enabler"} <= set(
        custom
    )
    missing = arm("GET", f"{base}/{uuid.uuid4()}")
    assert _error(missing) == (404, "RoleDefinitionDoesNotExist")
    assert _error(arm("GET", base, filter="name eq 'x'")) == (400, "UnsupportedQuery")


def test_long_lists_come_in_pages_that_point_back_here(arm: ArmCaller) -> None:
    for _ in range(105):
        principal = str(uuid.uuid4())
        body = _body(arm, principal, principalType="ServicePrincipal")
        arm("PUT", f"{arm.group}/{TYPE}/{uuid.uuid4()}", json=body)
    first = arm("GET", f"{arm.group}/{TYPE}").json()
    assert len(first["value"]) == 100
    assert first["nextLink"].startswith(arm.sandbox.endpoints["arm"])
    headers = {"Authorization": f"Bearer {arm.token}"}
    second = arm.sandbox.http.get(first["nextLink"], headers=headers).json()
    assert "nextLink" not in second
    names = {each["name"] for page in (first, second) for each in page["value"]}
    assert len(names) == len(first["value"]) + len(second["value"]) > 105


def test_a_subscription_takes_so_many_assignments_and_a_repeated_one_does_not_count(
    arm: ArmCaller,
) -> None:
    held = arm.sandbox.control("GET", "state/roleAssignments")
    within = [one for one in held if one["id"].startswith(arm.subscription)]
    arm.sandbox.control("POST", "limits", {"role_assignments": len(within) + 1})
    first, second = (f"{arm.group}/{TYPE}/{uuid.uuid4()}" for _ in range(2))
    body = _body(arm, _orders(arm), role=BLOB_READER)

    assert arm("PUT", first, json=body).status_code == 201
    refused = arm("PUT", second, json=_body(arm, arm.sandbox.seed["billing_api"]["object_id"]))

    assert _error(refused) == (400, "RoleAssignmentLimitExceeded")
    assert arm("PUT", first, json=body).status_code == 200


def test_a_list_may_show_the_past_and_a_second_removal_tells_it(arm: ArmCaller) -> None:
    arm.sandbox.control("POST", "delays", {"role_assignment_reads": 60})
    before = _held(arm, _orders(arm))
    gone = before[0]["id"]
    assert arm("DELETE", gone).status_code == 200

    assert _held(arm, _orders(arm)) == before
    assert arm("GET", gone).status_code == 200
    assert arm("DELETE", gone).status_code == 204
    arm.sandbox.control("POST", "clock", {"advance_seconds": 61})
    assert _held(arm, _orders(arm)) == before[1:]
