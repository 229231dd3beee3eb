"""Evidence from logs: what came, what was asked, and every gap by name.

What it defends: "could not read" is never "nothing happened", rows are kept as Azure wrote them, and
nothing but GUIDs and moments ever reaches a query.
"""

import tomllib
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest

from responders import activity_logs, log_sweeps, log_tables, principals, role_assignments
from responders.cloud import Cloud, read_only
from responders.collected import COLLECTOR, Collected
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.log_catalog import TABLES
from responders.log_sweeps import Scope
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
BATCH = "/v1/$batch"


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


async def test_what_was_done_to_its_own_resource_is_kept_too(two: FakeAzure, cloud: Cloud) -> None:
    identity = suspect("user_assigned_identity")
    at = str(identity["resource_id"])
    trusted = _event(1, caller="eve", resourceId=f"{at.upper()}/federatedIdentityCredentials/x")
    namesake = _event(2, caller="eve", resourceId=f"{at}-2/federatedIdentityCredentials/x")
    two.on("GET", _events(OTHER), page(trusted, namesake))
    found = await activity_logs.collect(cloud, identity, START, END)
    assert found["rows"] == [trusted]


async def test_a_subscription_that_can_not_be_read_is_a_gap(two: FakeAzure, cloud: Cloud) -> None:
    two.on("GET", _events(SUBSCRIPTION), page(_event(1)))
    two.on("GET", _events(OTHER), problem(403, "AuthorizationFailed"))
    found = await activity_logs.collect(cloud, PRINCIPAL, START, END)
    assert len(found["rows"]) == 1
    assert OTHER in found["gaps"][0]
    assert "403 AuthorizationFailed" in found["gaps"][0]
    assert found["complete"] is False


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


# --- tables --------------------------------------------------------------------------------------

SIGN_INS = "AADServicePrincipalSignInLogs"
QUERIES = sorted((Path(log_tables.__file__).parent / "queries").glob("*.kql"))


def _answer(*rows: list[object], error: object = None) -> dict[str, Any]:
    columns = [
        {"name": "TimeGenerated", "type": "datetime"},
        {"name": "IPAddress", "type": "string"},
    ]
    table = {"name": "PrimaryResult", "columns": columns, "rows": list(rows)}
    return {"tables": [table]} | ({"error": error} if error else {})


def _wrong(code: str, message: str) -> dict[str, Any]:
    inner = {"code": code, "message": message}
    return {"error": {"code": "BadArgumentError", "message": "invalid", "innererror": inner}}


def _batch(**answers: tuple[int, dict[str, Any]]) -> Callable[[Seen], Say]:
    """Answer each request of a batch by the table in its query; the others are empty."""

    def one(request: dict[str, Any]) -> dict[str, Any]:
        text = request["body"]["query"]
        found = [one for table, one in answers.items() if f"\n{table}\n" in text]
        status, body = found[0] if found else (200, _answer())
        return {"id": request["id"], "status": status, "headers": {}, "body": body}

    return lambda seen: Say(200, {"responses": [one(each) for each in seen.body["requests"]]})


def _scope(**more: Any) -> Scope:
    return Scope(PRINCIPAL, START, END, **more)


async def _sweep(cloud: Cloud, *names: str, **more: Any) -> dict[str, Collected]:
    found = await log_sweeps.sweep(cloud, _scope(**more), names or TABLES)
    assert not any(isinstance(one, TransientError) for one in found.values())
    return cast(dict[str, Collected], found)


def test_every_table_has_its_query_and_every_query_its_table() -> None:
    assert {path.stem for path in QUERIES} == set(TABLES)


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_every_query_is_of_its_table_within_the_window_and_after_the_last_sweep(path: Path) -> None:
    text = path.read_text()
    assert (
        f"\n{TABLES[path.stem].table}\n| where TimeGenerated between (window_start .. window_end)\n"
        in text
    )
    assert "isnull(ingestion_time()) or ingestion_time() > arrived_after" in text
    assert text.endswith("| order by TimeGenerated asc\n")
    assert set(log_tables.declared(text)) >= {"window_start", "window_end", "arrived_after"}


async def test_all_tables_are_asked_in_one_call(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on(
        "POST",
        BATCH,
        _batch(**{SIGN_INS: (200, _answer(["2026-08-01T10:00:00.1234567Z", "203.0.113.9"]))}),
    )
    found = await _sweep(cloud)
    assert len(azure.seen) == 1
    assert found.keys() == TABLES.keys()
    assert found[SIGN_INS]["rows"] == [
        {"TimeGenerated": "2026-08-01T10:00:00.1234567Z", "IPAddress": "203.0.113.9"}
    ]
    assert f"let object_id = '{OBJECT}';" in found[SIGN_INS]["query"]
    assert all(one["complete"] for one in found.values())
    (sent,) = azure.seen
    assert all(one["workspace"] == WORKSPACE for one in sent.body["requests"])
    assert {one["body"]["timespan"] for one in sent.body["requests"]} == {
        "2026-07-31T12:00:00.000000Z/2026-08-01T12:00:00.000000Z"
    }


async def test_what_arrived_before_the_last_sweep_is_not_asked_for_again(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("POST", BATCH, _batch())
    found = await _sweep(cloud, SIGN_INS, "AuditLogs", arrived_after={SIGN_INS: END})
    assert "let arrived_after = datetime(2026-08-01T12:00:00.000000Z);" in found[SIGN_INS]["query"]
    assert (
        "let arrived_after = datetime(1970-01-01T00:00:00.000000Z);" in found["AuditLogs"]["query"]
    )


async def test_a_partial_answer_is_asked_again_hour_by_hour(azure: FakeAzure, cloud: Cloud) -> None:
    error = {"code": "PartialError", "message": "500000 records"}
    azure.on("POST", BATCH, _batch(**{SIGN_INS: (200, _answer(["first", "x"], error=error))}))

    def hour(seen: Seen) -> Say:
        start, _, end = seen.body["timespan"].partition("/")
        too_many = start.startswith("2026-08-01T09:00")
        return Say(200, _answer([start, end], error=error if too_many else None))

    azure.on("POST", QUERY, hour)
    swept = (await _sweep(cloud, SIGN_INS))[SIGN_INS]
    assert len(swept["rows"]) == 24
    assert swept["rows"][0]["IPAddress"] == "2026-07-31T12:59:59.9999999Z"  # hours don't overlap
    assert swept["rows"][1]["TimeGenerated"] == "2026-07-31T13:00:00.000000Z"
    assert [
        gap for gap in swept["gaps"] if "2026-08-01T09:00:00" in gap and "500000 records" in gap
    ]
    assert len(swept["gaps"]) == 2
    assert not swept["complete"]


async def test_an_hour_that_fails_is_a_gap_beside_the_others(
    azure: FakeAzure, cloud: Cloud
) -> None:
    error = {"code": "PartialError", "message": "500000 records"}
    azure.on("POST", BATCH, _batch(**{SIGN_INS: (200, _answer(error=error))}))
    azure.on("POST", QUERY, Say(200, _answer(["x", "y"])), problem(403, "InsufficientAccessError"))
    swept = (await _sweep(cloud, SIGN_INS))[SIGN_INS]
    assert len(swept["rows"]) == 1
    assert len(swept["gaps"]) == 24


NO_TABLE = _wrong("SemanticError", "Failed to resolve table or column expression named 'X'")
WORKSPACES = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.OperationalInsights/workspaces"
OURS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/log"


def _plans(azure: FakeAzure, **plans: str) -> None:
    azure.on("GET", "/subscriptions", page({"subscriptionId": SUBSCRIPTION}))
    other = {"id": "/other", "properties": {"customerId": OTHER}}
    ours = {"id": OURS, "properties": {"customerId": WORKSPACE.upper()}}
    azure.on("GET", WORKSPACES, page(other, ours))
    tables = [{"name": name, "properties": {"plan": plan}} for name, plan in plans.items()]
    azure.on("GET", f"{OURS}/tables", page(*tables))


async def test_a_missing_table_is_a_gap_not_silence(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", BATCH, _batch(**{SIGN_INS: (400, NO_TABLE)}))
    _plans(azure, AuditLogs="Analytics")
    found = await _sweep(cloud)
    assert found[SIGN_INS]["rows"] == []
    assert not found[SIGN_INS]["collected"]
    assert "a diagnostic setting has to send it there" in found[SIGN_INS]["gaps"][0]
    assert "Failed to resolve table" in found[SIGN_INS]["gaps"][0]
    assert found["AuditLogs"]["complete"]


async def test_a_table_on_the_basic_plan_is_searched_without_a_window_in_the_text(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("POST", BATCH, _batch(AKSAudit=(400, NO_TABLE)))
    _plans(azure, AKSAudit="Basic")
    azure.on("POST", f"/v1/workspaces/{WORKSPACE}/search", Say(200, _answer(["x", "y"])))
    swept = (await _sweep(cloud))["AKSAudit"]
    assert (swept["plan"], len(swept["rows"]), swept["complete"]) == ("Basic", 1, True)
    (asked,) = azure.asked("POST", f"/v1/workspaces/{WORKSPACE}/search")
    assert asked.query["timespan"].startswith("2026-07-31T12:00:00")
    assert "TimeGenerated between" not in asked.body["query"]
    assert f"let object_id = '{OBJECT}';" in asked.body["query"]


async def test_plans_that_can_not_be_read_leave_a_gap_that_says_so(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("POST", BATCH, _batch(AKSAudit=(400, NO_TABLE)))
    _plans(azure)
    azure.on("GET", f"{OURS}/tables", problem(403, "AuthorizationFailed"))
    swept = (await _sweep(cloud, "AKSAudit"))["AKSAudit"]
    assert "is not known" in swept["gaps"][0]
    assert "AuthorizationFailed" in swept["gaps"][0]


async def test_a_table_that_we_may_not_read_is_a_gap(azure: FakeAzure, cloud: Cloud) -> None:
    refused = (403, {"error": {"code": "InsufficientAccessError", "message": "no"}})
    azure.on("POST", BATCH, _batch(**{SIGN_INS: refused}))
    swept = (await _sweep(cloud, SIGN_INS, "AuditLogs"))[SIGN_INS]
    assert not swept["collected"]
    assert "InsufficientAccessError" in swept["gaps"][0]


async def test_a_busy_table_is_asked_once_more_and_then_left_to_time(
    azure: FakeAzure, cloud: Cloud
) -> None:
    busy = (429, {"error": {"code": "ThrottledError", "message": "too many"}})
    azure.on("POST", BATCH, _batch(**{SIGN_INS: busy, "AuditLogs": busy}))
    azure.on("POST", QUERY, _for("AuditLogs", Say(200, _answer(["x", "y"])), problem(503, "Busy")))
    found = await log_sweeps.sweep(cloud, _scope(), [SIGN_INS, "AuditLogs"])
    assert isinstance(found[SIGN_INS], TransientError)
    assert isinstance(found["AuditLogs"], dict)
    assert len(found["AuditLogs"]["rows"]) == 1


def _for(table: str, answer: Say, other: Say) -> Callable[[Seen], Say]:
    return lambda seen: answer if f"\n{table}\n" in seen.body["query"] else other


async def test_a_service_that_is_away_is_tried_again(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", BATCH, problem(503, "ServerBusy"))
    with pytest.raises(TransientError):
        await _sweep(cloud)


async def test_an_answer_that_lacks_a_table_is_no_silence(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", BATCH, Say(200, {"responses": []}))
    found = await _sweep(cloud, SIGN_INS)
    assert not found[SIGN_INS]["collected"]


async def test_a_query_may_take_longer_than_other_calls(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud._transport.connection_config, "read_timeout", 0.05)
    said = _batch()
    azure.on("POST", BATCH, lambda seen: replace(said(seen), after_s=0.3))
    await _sweep(cloud)
    prefers = [one["headers"]["Prefer"] for one in azure.seen[0].body["requests"]]
    assert set(prefers) == {"wait=180"}
    azure.on("GET", "/subscriptions", Say(200, {"value": []}, after_s=0.3))
    with pytest.raises(TransientError):
        await cloud.subscription_ids()


async def test_plan_mode_may_ask(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", BATCH, _batch(AKSAudit=(400, NO_TABLE)))
    _plans(azure, AKSAudit="Auxiliary")
    azure.on("POST", f"/v1/workspaces/{WORKSPACE}/search", Say(200, _answer()))
    with read_only():
        found = await _sweep(cloud)
    assert all(one["complete"] for one in found.values())


def test_the_collector_names_its_version() -> None:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
    assert f"firebreak {project['project']['version']}" == COLLECTOR


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


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"/subscriptions/{OTHER}/resourceGroups/rg-1/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id_1",
    ],
)
def test_a_resource_id_is_bound_to_the_letter(value: str) -> None:
    declared = "// param of:string resource\nT"
    assert log_tables.bind(declared, {"of": value}).startswith(f"let of = '{value}';")


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "/subscriptions/x",
        f"/subscriptions/{OTHER}/resourceGroups/a'b/providers/M.X/t/n",
        f"{OTHER}",
    ],
)
def test_nothing_but_a_resource_id_becomes_one(value: str) -> None:
    with pytest.raises(RefusedError):
        log_tables.bind("// param of:string resource\nT", {"of": value})


def test_usernames_of_service_accounts_are_bound_as_a_list() -> None:
    declared = "// param who:dynamic usernames\nT"
    names = ("system:serviceaccount:shop:orders-api", "system:serviceaccount:a:b.c")
    bound = log_tables.bind(declared, {"who": names})
    assert bound.startswith(f'let who = dynamic(["{names[0]}", "{names[1]}"]);')
    assert log_tables.bind(declared, {"who": ()}).startswith("let who = dynamic([]);")


@pytest.mark.parametrize(
    "name",
    [
        "orders-api",
        "system:serviceaccount:shop",
        'system:serviceaccount:shop:x"]); union * //',
        "system:serviceaccount:Shop:x",
        "system:serviceaccount:shop:x\n",
        "system:node:aks-1",
        "system:serviceaccount:shop:*",
    ],
)
def test_nothing_but_a_username_of_a_service_account_is_asked_for(name: str) -> None:
    assert not log_tables.is_username(name)
    with pytest.raises(RefusedError):
        log_tables.bind("// param who:dynamic usernames\nT", {"who": [name]})


# --- sandbox ------------------------------------------------------------------------------------


async def _swept(
    cloud: Cloud, app_id: str, *names: str, hours: int = 24, **more: Any
) -> dict[str, Collected]:
    principal = await principals.resolve(cloud, {"app_id": app_id})
    now = datetime.now(UTC)
    scope = Scope(principal, now - timedelta(hours=hours), now + timedelta(minutes=1), **more)
    found = await log_sweeps.sweep(cloud, scope, names or TABLES)
    return cast(dict[str, Collected], found)


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

    found = await _swept(sandbox_cloud, ids["app_id"])

    assert all(one["complete"] for one in found.values()), [one["gaps"] for one in found.values()]
    rows = found[SIGN_INS]["rows"]
    assert [row["ResultType"] for row in rows] == ["0", "7000215"]
    assert rows[0]["ServicePrincipalCredentialKeyId"] == planted["keyId"]
    changes = [row["OperationName"] for row in found["AuditLogs"]["rows"]]
    assert any("Certificates and secrets management" in one for one in changes)


async def test_later_sweeps_bring_what_arrived_since_and_cheap_tables_are_searched(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    app_id = sandbox.seed["firebreak"]["app_id"]  # it acts all the time: its token, these queries
    plans = {"AADManagedIdentitySignInLogs": "Basic", "SecurityIncident": None}
    sandbox.control("POST", "table-plans", plans)
    names = ("AADManagedIdentitySignInLogs", "MicrosoftGraphActivityLogs", "SecurityIncident")
    first = await _swept(sandbox_cloud, app_id, *names)
    assert first["AADManagedIdentitySignInLogs"]["plan"] == "Basic"
    assert first["AADManagedIdentitySignInLogs"]["rows"]
    assert "no table SecurityIncident" in first["SecurityIncident"]["gaps"][0]

    await sandbox_cloud.graph.get(
        f"/applications/{sandbox.seed['orders_api']['application_object_id']}"
    )
    since = dict.fromkeys(names, datetime.now(UTC))
    later = await _swept(sandbox_cloud, app_id, *names, arrived_after=since)
    # `_swept` looked the principal up before it asked: only those calls are new.
    assert later["AADManagedIdentitySignInLogs"]["rows"] == []
    calls = later["MicrosoftGraphActivityLogs"]["rows"]
    assert calls and all(str(app_id) in row["RequestUri"] for row in calls)


async def test_more_rows_than_the_service_gives_come_hour_by_hour(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    app_id = sandbox.seed["firebreak"]["app_id"]
    name = "MicrosoftGraphActivityLogs"
    sandbox.control("POST", "limits", {"log_rows": 1})
    await principals.resolve(sandbox_cloud, {"app_id": app_id})
    swept = (await _swept(sandbox_cloud, app_id, name, hours=3))[name]
    assert "exceed the set limit of 1 records" in swept["gaps"][0]
    assert swept["rows"]


async def test_a_service_that_throttles_keeps_what_it_gave(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    sandbox.control("POST", "limits", {"log_queries": 10})
    found = await _swept(sandbox_cloud, sandbox.seed["orders_api"]["app_id"])
    busy = [name for name, one in found.items() if isinstance(one, TransientError)]
    assert len(busy) == len(TABLES) - 10


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
