"""Sentinel's incidents and their comments, as strict as Resource Manager: who may, what fits, what is not there."""

import uuid
from typing import Any

import httpx
import pytest

from tests.arm_caller import ArmCaller, as_firebreak, as_user
from tests.sandbox_fixture import RunningSandbox

VERSION = "2025-09-01"
NAME = str(uuid.UUID(int=0x51))


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    detection = {"title": "odd sign-ins", "entities": [], "incident_name": NAME}
    sandbox.control("POST", "detections", detection)
    return as_firebreak(sandbox)


def incidents(arm: ArmCaller) -> str:
    return (
        f"{arm.subscription}/resourceGroups/rg-security/providers/Microsoft.OperationalInsights"
        "/workspaces/log-security/providers/Microsoft.SecurityInsights/incidents"
    )


def put(
    arm: ArmCaller,
    body: Any,
    *,
    comment: str = "c-1",
    incident: str = NAME,
    version: str | None = VERSION,
) -> httpx.Response:
    path = f"{incidents(arm)}/{incident}/comments/{comment}"
    return arm("PUT", path, version=version, json=body)


def said(message: Any, **more: Any) -> dict[str, Any]:
    return {"properties": {"message": message, **more}}


def test_a_detection_makes_an_incident_that_is_found_in_any_case(arm: ArmCaller) -> None:
    (listed,) = arm("GET", incidents(arm), version=VERSION).json()["value"]
    one = arm("GET", f"{incidents(arm).upper()}/{NAME.upper()}", version=VERSION)
    assert one.status_code == 200
    assert (listed["name"], listed["properties"]["title"]) == (NAME, "odd sign-ins")


def test_a_comment_is_made_once_and_changed_after_that(arm: ArmCaller) -> None:
    made, again = put(arm, said("one")), put(arm, said("two"))
    assert (made.status_code, again.status_code) == (201, 200)
    assert again.json()["properties"]["message"] == "two"
    assert (
        again.json()["properties"]["createdTimeUtc"] == made.json()["properties"]["createdTimeUtc"]
    )
    author = made.json()["properties"]["author"]
    assert author["objectId"] == arm.sandbox.seed["firebreak"]["object_id"]
    shown = arm("GET", f"{incidents(arm)}/{NAME}/comments", version=VERSION).json()["value"]
    assert [one["properties"]["message"] for one in shown] == ["two"]
    assert shown == arm.sandbox.control("GET", "state")["sentinelComments"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (said("x", colour="red"), "InvalidRequestContent"),
        ({"message": "x"}, "InvalidRequestContent"),
        (said(""), "BadRequest"),
        (said(7), "BadRequest"),
        ({}, "BadRequest"),
        (said("x" * 30_001), "BadRequest"),
        (said("\N{PILE OF POO}" * 15_001), "BadRequest"),
    ],
)
def test_what_is_no_comment_is_refused(arm: ArmCaller, body: Any, code: str) -> None:
    answer = put(arm, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert arm.sandbox.control("GET", "state")["sentinelComments"] == []


def test_the_longest_comment_fits(arm: ArmCaller) -> None:
    assert put(arm, said("x" * 30_000)).status_code == 201


def test_an_incident_has_a_hundred_comments_at_most(arm: ArmCaller) -> None:
    arm.sandbox.control("POST", "limits", {"arm_writes": 1000})
    made = [put(arm, said("x"), comment=f"c-{number}").status_code for number in range(101)]
    assert made == [201] * 100 + [400]
    assert put(arm, said("changed"), comment="c-7").status_code == 200


def test_only_known_versions_and_incidents_that_are_there(arm: ArmCaller) -> None:
    assert (
        put(arm, said("x"), version="2019-01-01").json()["error"]["code"]
        == "NoRegisteredProviderFound"
    )
    assert put(arm, said("x"), version=None).status_code == 400
    assert put(arm, said("x"), incident=str(uuid.UUID(int=1))).status_code == 404


def test_a_reader_reads_and_writes_nothing(arm: ArmCaller, sandbox: RunningSandbox) -> None:
    vera = as_user(sandbox, "vera")
    refused = put(vera, said("x"))
    assert refused.status_code == 403
    assert (
        "Microsoft.SecurityInsights/incidents/comments/write" in refused.json()["error"]["message"]
    )
    assert vera("GET", incidents(arm), version=VERSION).status_code == 403
    # The responder's own role takes nothing back: notActions has incidents/*/Delete.
    assert put(arm, said("x")).status_code == 201
    gone = arm("DELETE", f"{incidents(arm)}/{NAME}/comments/c-1", version=VERSION)
    assert gone.status_code == 403


def test_a_comment_is_a_write_in_the_activity_log(arm: ArmCaller) -> None:
    put(arm, said("x"))
    names = [
        one["OperationNameValue"]
        for one in arm.sandbox.control("GET", "state/logs")["AzureActivity"]
    ]
    assert any("SECURITYINSIGHTS/INCIDENTS/COMMENTS/WRITE" in name.upper() for name in names)
