"""Evidence from logs: what came, what was asked, and every gap by name.

What it defends: "could not read" is never "nothing happened", rows are kept as Azure wrote them, and
nothing but GUIDs and moments ever reaches a query.
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from responders import activity_logs, log_tables, principals, role_assignments, sign_ins
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.model import Principal
from tests.azure_fake import SUBSCRIPTION, TENANT, WORKSPACE, FakeAzure, Say, Seen, page, problem
from tests.sandbox_fixture import RunningSandbox
from tests.suspects import suspect

OBJECT = str(uuid.UUID(int=0xA1))
APP = str(uuid.UUID(int=0xA2))
OTHER = str(uuid.UUID(int=0x5B6))
PRINCIPAL: Principal = {
    "kind": "application",
    "object_id": OBJECT,
    "app_id": APP,
    "application_object_id": None,
    "display_name": "orders-api",
    "tenant_id": TENANT,
    "owner_tenant_id": TENANT,
    "service_principal_type": "Application",
    "resource_id": None,
    "unsupported_because": None,
}
END = datetime(2026, 8, 1, 12, tzinfo=UTC)
START = END - timedelta(hours=24)
QUERY = f"/v1/workspaces/{WORKSPACE}/query"
TABLES = {"AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs"}


def _events(subscription: str) -> str:
    return (
        f"/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    )


def _event(number: int, **more: object) -> dict[str, object]:
    moment = f"2026-08-01T{number:02}:00:00.1234567Z"
    return {"eventTimestamp": moment, "caller": OBJECT, "propertyOfTomorrow": number, **more}


# --- activity log --------------------------------------------------------------------------------


@pytest.fixture
def two(azure: FakeAzure) -> FakeAzure:
    azure.on(
        "GET", "/subscriptions", page({"subscriptionId": SUBSCRIPTION}, {"subscriptionId": OTHER})
    )
    azure.on("GET", _events(SUBSCRIPTION), page())
    azure.on("GET", _events(OTHER), page())
    return azure


async def test_events_of_all_subscriptions_and_pages_are_kept_as_written(
    two: FakeAzure, cloud: Cloud
) -> None:
    more = f"{two.url}{_events(SUBSCRIPTION)}?api-version=2015-04-01&$skiptoken=x"
    first = page(_event(3), next_link=more, key="nextLink")
    two.on("GET", _events(SUBSCRIPTION), first, page(_event(1)))
    two.on("GET", _events(OTHER), page(_event(2)))
    found = await activity_logs.collect(cloud, PRINCIPAL, START, END)
    assert found["rows"] == [_event(1), _event(2), _event(3)]
    asked = two.asked("GET", _events(OTHER))[0].query
    assert asked["$filter"] == found["query"]
    assert found["query"] == (
        "eventTimestamp ge '2026-07-31T12:00:00.000000Z' "
        "and eventTimestamp le '2026-08-01T12:00:00.000000Z'"
    )


async def test_only_what_the_principal_did_is_kept(two: FakeAzure, cloud: Cloud) -> None:
    mine = [
        _event(1, caller=OBJECT.upper()),
        _event(2, caller="dana@contoso.example", claims={"appid": APP}),
        _event(3, caller=None, claims={activity_logs._OID: OBJECT}),
    ]
    others = [
        _event(4, caller=APP),  # a client id is never a caller
        _event(5, caller="dana@contoso.example", claims={"appid": OTHER}),
        _event(6, caller=None, claims=None),
    ]
    two.on("GET", _events(OTHER), page(*mine, *others))
    found = await activity_logs.collect(cloud, PRINCIPAL, START, END)
    assert found["rows"] == mine


async def test_a_subscription_that_can_not_be_read_is_a_gap(two: FakeAzure, cloud: Cloud) -> None:
    two.on("GET", _events(SUBSCRIPTION), page(_event(1)))
    two.on("GET", _events(OTHER), problem(403, "AuthorizationFailed"))
    found = await activity_logs.collect(cloud, PRINCIPAL, START, END)
    assert len(found["rows"]) == 1
    assert OTHER in found["gaps"][0]
    assert "403 AuthorizationFailed" in found["gaps"][0]


async def test_a_page_that_is_retried_is_not_kept_twice(two: FakeAzure, cloud: Cloud) -> None:
    two.on("GET", _events(OTHER), problem(503, "ServerBusy"), page(_event(1)))
    found = await activity_logs.collect(cloud, PRINCIPAL, START, END)
    assert found["rows"] == [_event(1)]


async def test_no_subscription_at_all_in_time_is_tried_again(two: FakeAzure, cloud: Cloud) -> None:
    for subscription in (SUBSCRIPTION, OTHER):
        two.on("GET", _events(subscription), problem(503, "ServerBusy"))
    with pytest.raises(TransientError):
        await activity_logs.collect(cloud, PRINCIPAL, START, END)


async def test_what_may_still_arrive_is_said(two: FakeAzure, cloud: Cloud) -> None:
    found = await activity_logs.collect(cloud, PRINCIPAL, START, END)
    assert found["rows"] == []
    assert "after 2026-08-01T11:40:00+00:00 may arrive" in found["gaps"][-1]
    assert len(two.seen) == 3


# --- sign-ins ------------------------------------------------------------------------------------


def _answer(*rows: list[object], error: object = None) -> Say:
    columns = [
        {"name": "TimeGenerated", "type": "datetime"},
        {"name": "IPAddress", "type": "string"},
    ]
    table = {"name": "PrimaryResult", "columns": columns, "rows": list(rows)}
    return Say(200, {"tables": [table]} | ({"error": error} if error else {}))


def _by_table(**answers: Say) -> Callable[[Seen], Say]:
    def say(seen: Seen) -> Say:
        for table, answer in answers.items():
            if table in seen.body["query"]:
                return answer
        return _answer()

    return say


async def test_both_tables_are_asked_and_their_rows_put_in_order(
    azure: FakeAzure, cloud: Cloud
) -> None:
    said = _by_table(
        AADServicePrincipalSignInLogs=_answer(["2026-08-01T10:00:00Z", "203.0.113.9"]),
        AADManagedIdentitySignInLogs=_answer(["2026-08-01T09:00:00Z", "10.0.0.4"]),
    )
    azure.on("POST", QUERY, said)
    found = await sign_ins.collect(cloud, PRINCIPAL, START, END)
    assert found["rows"] == [
        {"TimeGenerated": "2026-08-01T09:00:00+00:00", "IPAddress": "10.0.0.4"},
        {"TimeGenerated": "2026-08-01T10:00:00+00:00", "IPAddress": "203.0.113.9"},
    ]
    sent = [one.body["query"] for one in azure.asked("POST", QUERY)]
    assert {table for table in TABLES if any(table in query for query in sent)} == TABLES
    assert all(query in found["query"] for query in sent)
    assert all(f"let object_id = '{OBJECT}';" in query for query in sent)
    assert all("let window_end = datetime(2026-08-01T12:00:00.000000Z);" in one for one in sent)


async def test_a_partial_answer_is_a_gap_with_rows(azure: FakeAzure, cloud: Cloud) -> None:
    error = {"code": "PartialError", "message": "record count limit of 500000 exceeded"}
    partial = _answer(["2026-08-01T10:00:00Z", "203.0.113.9"], error=error)
    azure.on("POST", QUERY, _by_table(AADServicePrincipalSignInLogs=partial))
    found = await sign_ins.collect(cloud, PRINCIPAL, START, END)
    assert len(found["rows"]) == 1
    assert "record count limit" in found["gaps"][0]


async def test_a_query_may_take_longer_than_other_calls(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud._transport.connection_config, "read_timeout", 0.05)
    azure.on("POST", QUERY, replace(_answer(), after_s=0.3))
    await sign_ins.collect(cloud, PRINCIPAL, START, END)
    assert all("wait=180" in one.headers["prefer"] for one in azure.seen)
    azure.on("GET", "/subscriptions", Say(200, {"value": []}, after_s=0.3))
    with pytest.raises(TransientError):
        await cloud.subscription_ids()


async def test_a_missing_table_is_a_gap_not_silence(azure: FakeAzure, cloud: Cloud) -> None:
    words = "'where' operator: Failed to resolve table or column expression named 'AADM'"
    missing = problem(400, "BadArgumentError", words)
    azure.on("POST", QUERY, _by_table(AADManagedIdentitySignInLogs=missing))
    found = await sign_ins.collect(cloud, PRINCIPAL, START, END)
    assert "sign_ins_managed_identity" in found["gaps"][0]
    assert "Failed to resolve table" in found["gaps"][0]


async def test_a_workspace_that_we_may_not_read_is_two_gaps(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", QUERY, problem(403, "InsufficientAccessError"))
    found = await sign_ins.collect(cloud, PRINCIPAL, START, END)
    assert (found["rows"], len(found["gaps"])) == ([], 3)


async def test_a_workspace_that_is_busy_is_tried_again(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", QUERY, problem(429, "ThrottledError", retry_after="180"))
    with pytest.raises(TransientError):
        await sign_ins.collect(cloud, PRINCIPAL, START, END)


async def test_plan_mode_may_ask(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", QUERY, _answer())
    with read_only():
        await sign_ins.collect(cloud, PRINCIPAL, START, END)
    assert len(azure.seen) == 2


# --- binding -------------------------------------------------------------------------------------

DECLARED = "// param who:string\n// param at:datetime\nT | where A == who and B < at"


def test_values_are_bound_in_front() -> None:
    moment = datetime(2026, 8, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert log_tables.bind(DECLARED, {"who": OBJECT.upper(), "at": moment}).startswith(
        f"let who = '{OBJECT}';\nlet at = datetime(2026-08-01T12:00:00.000000Z);\n"
    )


@pytest.mark.parametrize(
    "value",
    ["x'; union * //", f"{OBJECT}'", "", "orders-api", END, None, 5, f"{OBJECT}\n"],
)
def test_nothing_but_a_guid_becomes_a_string(value: Any) -> None:
    with pytest.raises(RefusedError):
        log_tables.bind(DECLARED, {"who": value, "at": END})


@pytest.mark.parametrize("value", [datetime(2026, 8, 1), "now()", None])  # noqa: DTZ001 - naive
def test_nothing_but_a_moment_becomes_a_datetime(value: Any) -> None:
    with pytest.raises(RefusedError):
        log_tables.bind(DECLARED, {"who": OBJECT, "at": value})


@pytest.mark.parametrize("names", [[], ["who"], ["who", "at", "more"]])
def test_file_and_values_must_agree(names: list[str]) -> None:
    with pytest.raises(ContractChangedError):
        log_tables.bind(DECLARED, dict.fromkeys(names, OBJECT))


# --- sandbox ------------------------------------------------------------------------------------


async def test_sign_ins_name_the_secret_that_was_used(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    ids = sandbox.seed["orders_api"]
    planted = await sandbox_cloud.graph.post(
        f"/applications/{ids['application_object_id']}/addPassword",
        {"passwordCredential": {"displayName": "planted"}},
    )
    for secret in (planted["secretText"], "wrong"):
        form = {
            "grant_type": "client_credentials",
            "client_id": ids["app_id"],
            "client_secret": secret,
            "scope": "https://storage.azure.com/.default",
        }
        login = sandbox_cloud.endpoints.login
        await sandbox_cloud.http.post(f"{login}/{sandbox.tenant_id}/oauth2/v2.0/token", data=form)

    principal = await principals.resolve(sandbox_cloud, {"app_id": ids["app_id"]})
    now = datetime.now(UTC)
    found = await sign_ins.collect(sandbox_cloud, principal, now - timedelta(hours=1), now)

    assert [row["ResultType"] for row in found["rows"]] == ["0", "7000215"]
    assert found["rows"][0]["ServicePrincipalCredentialKeyId"] == planted["keyId"]
    assert len(found["gaps"]) == 1  # only what may still arrive


async def test_the_activity_log_shows_what_was_tried_and_by_whom(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    own = await principals.resolve(
        sandbox_cloud, {"object_id": await sandbox_cloud.own_object_id()}
    )
    grants = await role_assignments.read_all(sandbox_cloud, sandbox.seed["orders_api"]["object_id"])
    victim = suspect(object_id=sandbox.seed["orders_api"]["object_id"])
    await role_assignments.remove_all(sandbox_cloud, victim)

    now = datetime.now(UTC)
    found = await activity_logs.collect(sandbox_cloud, own, now - timedelta(hours=1), now)
    operations = [row["operationName"]["value"] for row in found["rows"]]
    deleted = "Microsoft.Authorization/roleAssignments/delete"
    assert operations.count(deleted) >= len(grants)
    assert {row["caller"] for row in found["rows"]} == {own["object_id"]}

    bystander = await principals.resolve(
        sandbox_cloud, {"object_id": sandbox.seed["billing_api"]["object_id"]}
    )
    quiet = await activity_logs.collect(sandbox_cloud, bystander, now - timedelta(hours=1), now)
    assert quiet["rows"] == []
