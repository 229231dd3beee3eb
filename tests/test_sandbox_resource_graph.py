"""Resource Graph finds what no single list shows, and omits: late, cut, blind to what one may not read."""

import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.arm_caller import ArmCaller, as_firebreak, as_user
from tests.sandbox_fixture import RunningSandbox

PATH = "/providers/Microsoft.ResourceGraph/resources"
GROUPS = "/providers/Microsoft.Management/managementGroups"
TYPE = "providers/Microsoft.Authorization/roleAssignments"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
GRANTS = """authorizationresources
| where type =~ 'microsoft.authorization/roleassignments'
| where tostring(properties.principalId) =~ '{}'
| project id, properties
| order by id asc"""


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    return as_firebreak(sandbox)


def _ask(arm: ArmCaller, query: str, *, version: str = "2022-10-01", **more: Any) -> httpx.Response:
    return arm("POST", PATH, version=version, json={"query": query, **more})


def _rows(arm: ArmCaller, query: str, **more: Any) -> list[dict[str, Any]]:
    answer = _ask(arm, query, **more)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def _details(answer: httpx.Response) -> list[str]:
    return [each["code"] for each in answer.json()["error"]["details"]]


def _grant_at_group(arm: ArmCaller, principal: str) -> str:
    path = f"{GROUPS}/mg-platform/{TYPE}/{uuid.uuid4()}"
    role = f"/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    body = {"properties": {"roleDefinitionId": role, "principalId": principal}}
    assert arm("PUT", path, json=body).status_code == 201
    return path


def test_grants_above_a_subscription_show_only_when_asked_for(arm: ArmCaller) -> None:
    orders = arm.sandbox.seed["orders_api"]["object_id"]
    above = _grant_at_group(arm, orders)

    query = GRANTS.format(orders)
    below = [each["id"] for each in _rows(arm, query)]
    assert len(below) == 2
    for reach, expected in (
        ("AtScopeAboveAndBelow", [above, *below]),
        ("AtScopeAndAbove", [above]),
        ("AtScopeAndBelow", below),
        ("AtScopeExact", []),
    ):
        found = _rows(arm, query, options={"authorizationScopeFilter": reach})
        assert sorted(each["id"] for each in found) == sorted(expected), reach


def test_a_management_group_as_scope_reaches_its_own_assignments(arm: ArmCaller) -> None:
    orders = arm.sandbox.seed["orders_api"]["object_id"]
    above = _grant_at_group(arm, orders)
    found = _rows(arm, GRANTS.format(orders), managementGroups=["mg-platform"])
    assert above in [each["id"] for each in found]
    assert len(found) == 3


def test_a_vault_is_found_by_whom_its_policies_name(arm: ArmCaller) -> None:
    orders = arm.sandbox.seed["orders_api"]["object_id"]
    (vault,) = _rows(
        arm,
        "Resources | where type =~ 'Microsoft.KeyVault/vaults' "
        "| mv-expand policy = properties.accessPolicies "
        f"| where tostring(policy.objectId) =~ '{orders}' | project id, policy",
    )
    assert vault["id"].endswith("/vaults/kv-orders")
    assert vault["policy"]["permissions"]["secrets"] == ["get", "list"]


def test_the_products_own_queries_run(arm: ArmCaller) -> None:
    folder = Path(__file__).parent.parent / "responders" / "queries" / "resource_graph"
    cluster = arm.sandbox.seed["clusters"]["aks-weu"]["resource_id"]
    principal = arm.sandbox.seed["orders_api"]["object_id"]
    for path in folder.glob("*.kql"):
        text = path.read_text()
        query = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
        for name in re.findall(r"^// param (\w+):string$", text, re.MULTILINE):
            value = cluster if name == "resource_id" else principal
            query = re.sub(rf"\b{name}\b", f"'{value}'", query)
        answer = _ask(arm, query)
        assert answer.status_code == 200, (path.name, answer.text)


def test_types_are_lower_case_and_json_comes_as_json(arm: ArmCaller) -> None:
    (cluster,) = _rows(arm, "where name == 'aks-weu'")
    assert cluster["type"] == "microsoft.containerservice/managedclusters"
    assert cluster["resourceGroup"] == "rg-platform"
    assert cluster["properties"]["oidcIssuerProfile"]["enabled"] is True
    table = _ask(
        arm, "resources | where name == 'aks-weu' | project name, properties",
        options={"resultFormat": "table"},
    ).json()["data"]  # fmt: skip
    assert [each["type"] for each in table["columns"]] == ["string", "object"]


def test_only_what_the_caller_may_read_is_there(arm: ArmCaller) -> None:
    dana, vera = as_user(arm.sandbox, "dana"), as_user(arm.sandbox, "vera")
    groups = {each["resourceGroup"] for each in _rows(dana, "resources | project resourceGroup")}
    assert groups == {"rg-orders"}
    assert _rows(vera, "resources") == []
    denied = _ask(vera, "resources", subscriptions=[arm.sandbox.described["subscription_id"]])
    assert (denied.status_code, denied.json()["error"]["code"]) == (403, "AccessDenied")


def test_a_change_shows_late(arm: ArmCaller) -> None:
    arm.sandbox.control("POST", "delays", {"resource_graph": 60})
    orders = arm.sandbox.seed["orders_api"]["object_id"]
    before = [each["id"] for each in _rows(arm, GRANTS.format(orders))]
    assert arm("DELETE", before[0]).status_code == 200

    assert [each["id"] for each in _rows(arm, GRANTS.format(orders))] == before
    arm.sandbox.control("POST", "clock", {"advance_seconds": 61})
    assert [each["id"] for each in _rows(arm, GRANTS.format(orders))] == before[1:]


def test_pages_follow_a_token_and_there_is_none_without_an_id(arm: ArmCaller) -> None:
    query, found = "resources | project id | order by id asc", []
    options: dict[str, Any] = {"$top": 4}
    while True:
        page = _ask(arm, query, options=options).json()
        found += [each["id"] for each in page["data"]]
        assert page["resultTruncated"] == "false"
        if "$skipToken" not in page:
            break
        options["$skipToken"] = page["$skipToken"]
    assert found == [each["id"] for each in _rows(arm, query)]
    assert page["totalRecords"] == len(found)

    cut = _ask(arm, "resources | project name", options={"$top": 2}).json()
    assert (cut["count"], cut["resultTruncated"]) == (2, "true")
    assert "$skipToken" not in cut


REFUSED = [
    ("secrets | take 1", "DisallowedLogicalTableName"),
    ("resources | join (secrets) on id", "DisallowedLogicalTableName"),
    ("resources | evaluate bag_unpack(tags)", "InvalidQueryLanguage"),
    ("resources | where", "ParserFailure"),
    ("let x = 1; resources", "ParserFailure"),
    ("resources | where nonsense == 1", "FailedToResolveEntity"),
    ("resources" + " | mv-expand tags" * 4, "DisallowedMaxNumberOfOperators"),
]


@pytest.mark.parametrize(("query", "code"), REFUSED)
def test_what_its_dialect_lacks_is_refused(arm: ArmCaller, query: str, code: str) -> None:
    answer = _ask(arm, query)
    assert answer.status_code == 400, answer.text
    assert _details(answer) == ["InvalidQuery", code]


def test_requests_are_read_strictly(arm: ArmCaller) -> None:
    for more in ({"options": {"$top": 1001}}, {"options": {"$skip": -1}}, {"query": ""}):
        body = {"query": "resources", **more}
        assert arm("POST", PATH, version="2022-10-01", json=body).status_code == 400, more
    assert _ask(arm, "resources", scope="all").json()["error"]["code"] == "InvalidRequestContent"
    assert _ask(arm, "resources", version="2020-01-01").status_code == 400


def test_the_quota_is_told_and_then_kept(arm: ArmCaller) -> None:
    arm.sandbox.control("POST", "limits", {"resource_graph_queries": 2})
    left = [_ask(arm, "resources").headers["x-ms-user-quota-remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    refused = _ask(arm, "resources")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    arm.sandbox.control("POST", "clock", {"advance_seconds": 5})
    assert _ask(arm, "resources").status_code == 200


def test_asking_leaves_nothing_in_the_activity_log(arm: ArmCaller) -> None:
    assert _rows(arm, "resources")
    assert arm.sandbox.control("GET", "state/activity") == []
