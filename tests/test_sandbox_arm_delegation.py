"""Constrained delegation over the wire: a person who may hand out readers only can make no owner, nor unmake one."""

import uuid

import httpx
import pytest

from sandbox.arm.definitions import role_guid
from tests.arm_caller import ArmCaller, as_firebreak, as_user
from tests.sandbox_fixture import RunningSandbox

TYPE = "providers/Microsoft.Authorization/roleAssignments"
ROLE = "[Microsoft.Authorization/roleAssignments:RoleDefinitionId]"
READERS_ONLY = (
    f"((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}})) OR (@Request{ROLE} "
    f"ForAnyOfAnyValues:GuidEquals {{{role_guid('Reader')}}})) AND "
    f"((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/delete'}})) OR (@Resource{ROLE} "
    f"ForAnyOfAnyValues:GuidEquals {{{role_guid('Reader')}}}))"
)


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    return as_firebreak(sandbox)


def _give(caller: ArmCaller, role: str, principal: str, condition: str = "") -> httpx.Response:
    properties = {
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role_guid(role)}",
        "principalId": principal,
    }
    if condition:
        properties |= {"condition": condition, "conditionVersion": "2.0"}
    path = f"{caller.group}/{TYPE}/{uuid.uuid4()}"
    return caller("PUT", path, json={"properties": properties})


def test_who_may_hand_out_readers_makes_no_owner_and_unmakes_none(arm: ArmCaller) -> None:
    people = {name: each["object_id"] for name, each in arm.sandbox.seed["users"].items()}
    administrator = "Role Based Access Control Administrator"
    assert _give(arm, administrator, people["vera"], READERS_ONLY).status_code == 201
    vera = as_user(arm.sandbox, "vera")

    made = _give(vera, "Reader", people["rosa"])
    assert made.status_code == 201
    refused = _give(vera, "Owner", people["rosa"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")

    owned = _give(arm, "Owner", people["rosa"]).json()["id"]
    assert vera("DELETE", owned).status_code == 403
    assert vera("DELETE", made.json()["id"]).status_code == 200
