"""The activity log: the evidence of what a principal did, by which right and with which token."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.loganalytics.tables import SCHEMAS
from tests.arm_caller import ArmCaller, as_firebreak, as_user
from tests.sandbox_fixture import RunningSandbox

VERSION = "2015-04-01"
WRITE = "Microsoft.Authorization/roleAssignments/write"
TYPE = "providers/Microsoft.Authorization/roleAssignments"


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    return as_firebreak(sandbox)


def _log(arm: ArmCaller, text: str | None = None, **more: str) -> httpx.Response:
    path = f"{arm.subscription}/providers/microsoft.insights/eventtypes/management/values"
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    wanted = text if text is not None else f"eventTimestamp ge '{since}'"
    params = {"$filter": wanted.replace("<since>", f"'{since}'"), **more}
    return arm("GET", path, version=VERSION, params=params)


def _assign(caller: ArmCaller, **headers: str) -> httpx.Response:
    role = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    definition = f"{caller.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    principal = caller.sandbox.seed["billing_api"]["object_id"]
    return caller(
        "PUT",
        f"{caller.group}/{TYPE}/{uuid.uuid4()}",
        json={"properties": {"roleDefinitionId": definition, "principalId": principal}},
        headers=headers,
    )


def _rows(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return list(sandbox.control("GET", "state/logs").get("AzureActivity", []))


def test_a_write_leaves_a_start_and_an_end_that_share_a_correlation_id(arm: ArmCaller) -> None:
    created = _assign(arm, **{"x-ms-correlation-request-id": "c0"})
    end, start = _log(arm).json()["value"]

    assert (start["status"]["value"], end["status"]["value"]) == ("Started", "Succeeded")
    assert {start["correlationId"], end["correlationId"]} == {"c0"}
    assert end["operationName"]["value"] == WRITE
    assert end["resourceId"] == created.json()["id"]
    assert end["subStatus"]["value"] == "Created"


def test_the_caller_is_an_object_id_for_an_app_and_a_name_for_a_person(arm: ArmCaller) -> None:
    _assign(as_user(arm.sandbox, "dana"))
    arm("DELETE", _log(arm).json()["value"][0]["resourceId"])
    latest, earliest = _log(arm).json()["value"][0], _log(arm).json()["value"][-1]

    assert latest["caller"] == arm.sandbox.seed["firebreak"]["object_id"]
    assert latest["claims"]["appid"] == arm.sandbox.seed["firebreak"]["app_id"]
    assert latest["claims"]["uti"]
    assert earliest["caller"] == arm.sandbox.seed["users"]["dana"]["upn"]
    assert latest["authorization"]["role"] == "Role Based Access Control Administrator"


def test_a_refused_write_is_logged_as_failed_and_a_read_is_not_logged(arm: ArmCaller) -> None:
    vera = as_user(arm.sandbox, "vera")
    assert _assign(vera).status_code == 403
    vera("GET", f"{vera.group}/{TYPE}")

    failed, _ = _log(arm).json()["value"]
    assert failed["status"]["value"] == "Failed"
    assert failed["caller"] == arm.sandbox.seed["users"]["vera"]["upn"]
    assert failed["properties"]["statusCode"] == "Forbidden"
    assert "AuthorizationFailed" in failed["properties"]["statusMessage"]


def test_a_row_says_which_assignment_let_it_through_and_fits_its_table(arm: ArmCaller) -> None:
    _assign(arm)
    row = _rows(arm.sandbox)[-1]

    assert row.keys() <= SCHEMAS["AzureActivity"].keys()
    assert row["OperationNameValue"] == WRITE.upper()
    assert row["ActivityStatusValue"] == "Success"
    assert row["Caller"] == arm.sandbox.seed["firebreak"]["object_id"]
    assert row["Claims_d"]["uti"]
    evidence = row["Authorization_d"]["evidence"]
    assert evidence["role"] == "Role Based Access Control Administrator"
    root = f"/providers/Microsoft.Management/managementGroups/{arm.sandbox.tenant_id}"
    assert evidence["roleAssignmentScope"] == root
    assert evidence["principalId"] == row["Caller"].replace("-", "")


def test_events_arrive_late(arm: ArmCaller) -> None:
    arm.sandbox.control("POST", "delays", {"ingestion": 60})
    _assign(arm)
    assert _log(arm).json()["value"] == []
    arm.sandbox.control("POST", "clock", {"advance_seconds": 61})
    assert len(_log(arm).json()["value"]) == 2


UNDOCUMENTED = [
    "",
    "caller eq 'a'",
    "eventTimestamp ge <since> and caller eq 'a'",
    "eventTimestamp gt <since>",
    "eventTimestamp le <since>",
    "eventTimestamp ge 'yesterday'",
    "eventTimestamp ge '2020-01-01T00:00:00Z'",
    "eventTimestamp ge <since> and eventTimestamp le '2021-01-01T00:00:00Z'",
    "eventTimestamp ge <since> or resourceGroupName eq 'a'",
    "eventTimestamp ge <since> and resourceGroupName eq 'a' and correlationId eq 'b'",
]
DOCUMENTED = [
    ("resourceGroupName", "RG-ORDERS", 2),
    ("resourceGroupName", "rg-platform", 0),
    ("resourceProvider", "Microsoft.Authorization", 2),
    ("resourceProvider", "Microsoft.Storage", 0),
    ("correlationId", "c1", 2),
    ("correlationId", "c2", 0),
]


def test_only_the_documented_filters_are_taken(arm: ArmCaller) -> None:
    for text in UNDOCUMENTED:
        answer = _log(arm, text)
        assert answer.status_code == 400, text
        assert answer.json()["code"] == "BadRequest"


def test_the_documented_filters_filter(arm: ArmCaller) -> None:
    _assign(arm, **{"x-ms-correlation-request-id": "c1"})
    for key, value, hits in DOCUMENTED:
        text = f"eventTimestamp ge <since> and {key} eq '{value}'"
        assert len(_log(arm, text).json()["value"]) == hits, text


def test_select_keeps_what_was_asked_for(arm: ArmCaller) -> None:
    created = _assign(arm).json()["id"]
    answer = _log(arm, **{"$select": "caller,resourceId"})
    assert answer.json()["value"][0] == {
        "caller": arm.sandbox.seed["firebreak"]["object_id"],
        "resourceId": created,
    }


def test_a_long_log_comes_in_pages(arm: ArmCaller) -> None:
    for _ in range(101):
        arm(
            "POST",
            f"{arm.sandbox.seed['clusters']['aks-weu']['resource_id']}/listClusterUserCredential",
            version="2026-08-01",
        )
    first = _log(arm).json()
    headers = {"Authorization": f"Bearer {arm.token}"}
    second = arm.sandbox.http.get(first["nextLink"], headers=headers).json()
    assert (len(first["value"]), len(second["value"])) == (200, 2)
    assert first["value"][0]["eventTimestamp"] > second["value"][0]["eventTimestamp"]


def test_who_may_not_read_the_log_does_not(arm: ArmCaller) -> None:
    refused = _log(as_user(arm.sandbox, "dana"))
    assert refused.status_code == 403
    assert "Microsoft.Insights/eventtypes/values/Read" in refused.json()["error"]["message"]
