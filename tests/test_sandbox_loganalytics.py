"""Log Analytics: evidence is what a query returns, so types, time and refusals must be Azure's."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.identity.aio import ManagedIdentityCredential
from azure.monitor.query import LogsBatchQuery, LogsQueryError, LogsQueryResult
from azure.monitor.query.aio import LogsQueryClient

from sandbox.loganalytics import kql, timespans
from sandbox.loganalytics.errors import LogsError
from sandbox.loganalytics.tables import SCHEMAS
from sandbox.world import World
from tests.arm_caller import managed_identity_token
from tests.sandbox_fixture import RunningSandbox

AUDIENCE = "https://api.loganalytics.io"
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    made = World({})
    for number in range(3):
        moment = made.clock.now() - timedelta(hours=number)
        row = {
            "TimeGenerated": moment.strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
            "OperationNameValue": "MICROSOFT.X/WRITE",
            "Caller": f"caller-{number}",
            "Claims_d": {"appid": f"app-{number}", "uti": "u", "deep": {"list": [1, 2]}},
            "Properties_d": '{"as": "text"}',
        }
        made.logs.add("AzureActivity", row, delay_s=0)
    return made


def _rows(world: World, query: str, timespan: str = "") -> list[list[Any]]:
    span = timespans.parse(timespan, world.clock.now()) if timespan else None
    return kql.run(world, query, span).rows


def _columns(world: World, query: str) -> dict[str, str]:
    return {each["name"]: each["type"] for each in kql.run(world, query, None).columns}


def _query(sandbox: RunningSandbox, token: str, query: str, **body: Any) -> httpx.Response:
    url = f"{sandbox.endpoints['loganalytics']}/v1/workspaces/{sandbox.described['workspace_id']}/query"
    headers = {"Authorization": f"Bearer {token}"}
    return sandbox.http.post(url, json={"query": query, **body}, headers=headers)


def _inner(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("innererror", {}).get("code", "")


def test_columns_have_the_documented_names_and_types(world: World) -> None:
    assert _columns(world, "AzureActivity") == SCHEMAS["AzureActivity"]
    made = (
        "print d=1d, r=1.5, l=long(1), i=int(1), b=true, t=now(), "
        "g=guid(11111111-1111-1111-1111-111111111111), s='x', o=dynamic({})"
    )
    assert list(_columns(world, made).values()) == [
        "timespan",
        "real",
        "long",
        "int",
        "bool",
        "datetime",
        "guid",
        "string",
        "dynamic",
    ]


def test_dynamic_columns_are_usable_and_come_out_as_text(world: World) -> None:
    query = "AzureActivity | where tostring(Claims_d.appid) == 'app-1' "
    found = _rows(
        world,
        query + "| project Claims_d, Claims_d.appid, Claims_d.deep.list[1], Properties_d.['as']",
    )
    assert found == [['{"appid":"app-1","uti":"u","deep":{"list":[1,2]}}', "app-1", "2", "text"]]
    assert _rows(world, "AzureActivity | where Claims_d.uti == 'u' | count") == [[3]]


def test_a_missing_string_is_empty_and_never_null(world: World) -> None:
    query = "AzureActivity | where Level == '' | take 1 | project Level, EventSubmissionTimestamp"
    assert _rows(world, query) == [["", None]]


def test_let_and_parameters_and_time_work_together(world: World) -> None:
    query = (
        "let who = 'CALLER-1'; let start = ago(90m); "
        "AzureActivity | where TimeGenerated between (start .. now()) and Caller =~ who "
        "| project Caller"
    )
    assert _rows(world, query) == [["caller-1"]]
    declared = "declare query_parameters(who:string = 'caller-2'); AzureActivity | where Caller == who | count"
    assert _rows(world, declared) == [[1]]


def test_the_timespan_limits_every_table(world: World) -> None:
    query = "union AzureActivity, AuditLogs | count"
    assert _rows(world, query) == [[3]]
    assert _rows(world, query, "PT90M") == [[2]]
    assert _rows(world, query, "PT1800.0S") == [[1]]


def test_a_row_is_not_there_before_it_arrives_and_is_there_after(world: World) -> None:
    assert _rows(world, "AuditLogs | count") == [[0]]
    moment = world.clock.now().isoformat()
    world.logs.add("AuditLogs", {"TimeGenerated": moment, "OperationName": "x"}, delay_s=60)
    assert _rows(world, "AuditLogs | count") == [[0]]
    world.clock.advance(timedelta(seconds=61))
    assert _rows(world, "AuditLogs | project OperationName") == [["x"]]


def test_now_is_the_sandboxs_now(world: World) -> None:
    world.clock.advance(timedelta(days=30))
    assert _rows(world, "AzureActivity | where TimeGenerated > ago(1d) | count") == [[0]]
    assert _rows(world, "AzureActivity | where TimeGenerated > ago(31d) | count") == [[3]]


def test_a_row_with_a_column_that_the_table_lacks_is_a_mistake_of_ours(world: World) -> None:
    world.logs.add("AuditLogs", {"TimeGenerated": "2026-01-01T00:00:00Z", "Foo": 1}, delay_s=0)
    with pytest.raises(KeyError, match="Foo"):
        _rows(world, "AuditLogs")


@pytest.mark.parametrize(
    "query",
    [
        "externaldata(x:string)['https://example.com/x.csv']",
        "print x = 1; .drop table AzureActivity",
        ".set-or-replace AzureActivity <| print 1",
        "database('x').AzureActivity",
        "['read_csv'] ",
        "['/etc/passwd']",
        "['duckdb_settings']",
    ],
)
def test_a_query_reaches_nothing_but_the_tables(world: World, query: str) -> None:
    with pytest.raises(LogsError):
        kql.run(world, query, None)
    assert _rows(world, "AzureActivity | count") == [[3]]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("P1D", NOW - timedelta(days=1), NOW),
        ("PT86400.0S", NOW - timedelta(days=1), NOW),
        ("PT1H30M", NOW - timedelta(minutes=90), NOW),
        (
            "2026-01-01T00:00:00Z/P1D",
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 2, tzinfo=UTC),
        ),
        (
            "PT1H/2026-01-01T01:00:00Z",
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 1, 1, tzinfo=UTC),
        ),
        (
            "2026-01-01/2026-01-03",
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 3, tzinfo=UTC),
        ),
    ],
)
def test_time_ranges_are_iso_8601(text: str, start: datetime, end: datetime) -> None:
    span = timespans.parse(text, NOW)
    assert (span.start, span.end) == (start, end)


@pytest.mark.parametrize("text", ["P", "1D", "PT", "yesterday", "P1D/P1D", "2026-01-01/", "/"])
def test_another_time_range_is_refused(text: str) -> None:
    with pytest.raises(LogsError):
        timespans.parse(text, NOW)


def test_wrong_queries_are_explained(sandbox: RunningSandbox) -> None:
    token = managed_identity_token(sandbox, AUDIENCE)
    assert _inner(_query(sandbox, token, "Nope | take 1")) == (
        400,
        "BadArgumentError",
        "SemanticError",
    )
    unknown = _query(sandbox, token, "AzureActivity | where Nope == 1")
    assert "'Nope'" in unknown.json()["error"]["innererror"]["innererror"]["message"]
    assert _inner(_query(sandbox, token, "AzureActivity | where")) == (
        400,
        "BadArgumentError",
        "SyntaxError",
    )
    assert _inner(_query(sandbox, token, " "))[2] == "QueryValidationError"
    assert _inner(_query(sandbox, token, "print 1", timespan="x"))[2] == "InvalidTimespan"
    assert _inner(_query(sandbox, token, "print 1", foo=1))[2] == "InvalidJsonBody"


def test_only_the_right_token_and_the_right_role_may_query(sandbox: RunningSandbox) -> None:
    assert _inner(_query(sandbox, sandbox.sign_in("vera", AUDIENCE), "print 1")) == (
        403,
        "InsufficientAccessError",
        "",
    )
    wrong = managed_identity_token(sandbox, "https://graph.microsoft.com")
    assert _inner(_query(sandbox, wrong, "print 1")) == (401, "InvalidTokenError", "")
    url = f"{sandbox.endpoints['loganalytics']}/v1/workspaces/{sandbox.tenant_id}/query"
    assert _inner(sandbox.http.post(url, json={"query": "print 1"})) == (
        401,
        "AuthorizationRequiredError",
        "",
    )
    headers = {"Authorization": f"Bearer {managed_identity_token(sandbox, AUDIENCE)}"}
    missing = sandbox.http.post(url, json={"query": "print 1"}, headers=headers)
    assert _inner(missing) == (404, "WorkspaceNotFoundError", "")
    text = sandbox.http.post(url, content=b"print 1", headers=headers)
    assert text.status_code == 415


@pytest.mark.parametrize("role", ["Log Analytics Reader", "Log Analytics Data Reader"])
def test_tables_are_read_by_an_action_for_each_or_by_the_data_action(
    sandbox: RunningSandbox, role: str
) -> None:
    users = sandbox.control("GET", "state")["users"]
    vera = next(one["id"] for one in users if one["userPrincipalName"].startswith("vera@"))
    scope = f"/subscriptions/{sandbox.described['subscription_id']}"
    given = {"scope": scope, "role": role, "principalId": vera}
    sandbox.control("POST", "seed", {"roleAssignments": [given]})

    token = sandbox.sign_in("vera", AUDIENCE)

    assert _query(sandbox, token, "AzureActivity | count").status_code == 200


def test_a_get_asks_the_same(sandbox: RunningSandbox) -> None:
    headers = {"Authorization": f"Bearer {managed_identity_token(sandbox, AUDIENCE)}"}
    url = f"{sandbox.endpoints['loganalytics']}/v1/workspaces/{sandbox.described['workspace_id']}/query"
    answer = sandbox.http.get(
        url, params={"query": "print x=1", "timespan": "P1D"}, headers=headers
    )
    assert answer.json() == {
        "tables": [
            {"name": "PrimaryResult", "columns": [{"name": "x", "type": "long"}], "rows": [[1]]}
        ]
    }


async def test_the_pinned_client_reads_sign_ins_and_a_batch(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.no_delays()
    for name, value in sandbox.as_operator().items():
        monkeypatch.setenv(name, value)
    workspace = sandbox.described["workspace_id"]
    async with (
        ManagedIdentityCredential(connection_verify=sandbox.ca_bundle) as credential,
        LogsQueryClient(
            credential,
            endpoint=sandbox.endpoints["loganalytics"],
            audience=AUDIENCE,
            connection_verify=sandbox.ca_bundle,
        ) as logs,
    ):
        await logs.query_workspace(workspace, "print 1", timespan=None)
        found = await logs.query_workspace(
            workspace,
            "AADManagedIdentitySignInLogs | project TimeGenerated, ServicePrincipalId",
            timespan=timedelta(days=1),
            include_statistics=True,
        )
        batch = await logs.query_batch(
            [
                LogsBatchQuery(workspace_id=workspace, query="print 1", timespan=None),
                LogsBatchQuery(workspace_id=workspace, query="Nope", timespan=None),
            ]
        )
    assert isinstance(found, LogsQueryResult)
    row = found.tables[0].rows[0]
    assert isinstance(row["TimeGenerated"], datetime)
    assert row["ServicePrincipalId"] == sandbox.seed["firebreak"]["object_id"]
    assert found.statistics
    assert [type(each) for each in batch] == [LogsQueryResult, LogsQueryError]


def test_a_query_is_quick_once_the_parser_is_warm(world: World) -> None:
    kql.warm_up()
    _rows(world, "AzureActivity | count")
    started = time.process_time()  # how busy the machine is doesn't count
    query = "let w = '{}'; AzureActivity | where Caller =~ w or Claims_d.appid == w | order by TimeGenerated asc"
    for number in range(5):
        _rows(world, query.format(number))
    assert (time.process_time() - started) / 5 < 0.15


def test_everything_that_is_logged_fits_its_table(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    managed_identity_token(sandbox, AUDIENCE)
    for table, rows in sandbox.control("GET", "state/logs").items():
        for row in rows:
            assert row.keys() <= SCHEMAS[table].keys(), table


def test_ingestion_time_is_when_a_row_could_be_queried_first_and_no_column(world: World) -> None:
    moment = world.clock.now()
    late = {"TimeGenerated": moment.isoformat(), "Caller": "late"}
    world.logs.add("AzureActivity", late, delay_s=600)
    world.clock.advance(timedelta(seconds=601))
    since = f"datetime({(moment + timedelta(minutes=5)).isoformat()})"
    query = f"AzureActivity | where isnull(ingestion_time()) or ingestion_time() > {since}"
    assert _rows(world, f"{query} | project Caller") == [["late"]]
    assert _columns(world, query) == SCHEMAS["AzureActivity"]
    assert _rows(world, "AzureActivity | where Caller == 'ingestion_time()' | count") == [[0]]


def test_a_column_that_may_be_missing_has_its_substitute(world: World) -> None:
    query = "AzureActivity | take 1 | project a = column_ifexists('Caller', ''), b = column_ifexists(\"Nope\", 'x')"
    assert _rows(world, query) == [["caller-0", "x"]]


def test_a_table_that_the_workspace_lacks_is_not_resolved(world: World) -> None:
    assert _rows(world, "SecurityIncident | count") == [[0]]
    world.logs.plans["SecurityIncident"] = None
    with pytest.raises(LogsError, match="BadArgumentError"):
        _rows(world, "SecurityIncident | count")


def test_an_answer_beyond_the_limit_is_partial(sandbox: RunningSandbox) -> None:
    token = managed_identity_token(sandbox, AUDIENCE)
    rows = "range x from 1 to 5 step 1"
    assert "error" not in _query(sandbox, token, rows).json()
    sandbox.control("POST", "limits", {"log_rows": 3})
    answer = _query(sandbox, token, rows)
    assert answer.status_code == 200
    assert len(answer.json()["tables"][0]["rows"]) == 3
    assert answer.json()["error"]["code"] == "PartialError"


def test_a_cheap_table_is_searched_alone_and_never_queried(sandbox: RunningSandbox) -> None:
    token = managed_identity_token(sandbox, AUDIENCE)
    sandbox.control("POST", "table-plans", {"AKSAudit": "Basic"})
    assert _inner(_query(sandbox, token, "AKSAudit | take 1"))[2] == "SemanticError"
    url = f"{sandbox.endpoints['loganalytics']}/v1/workspaces/{sandbox.described['workspace_id']}/search"
    headers = {"Authorization": f"Bearer {token}"}

    def search(query: str, **params: str) -> httpx.Response:
        return sandbox.http.post(url, json={"query": query}, params=params, headers=headers)

    assert search("AKSAudit | take 1", timespan="P1D").status_code == 200
    assert _inner(search("AKSAudit | take 1"))[2] == "QueryValidationError"
    joined = search("AKSAudit | union AuditLogs", timespan="P1D")
    assert _inner(joined)[2] == "SemanticError"
    windowed = search("AKSAudit | where TimeGenerated > ago(1h)", timespan="P1D")
    assert _inner(windowed)[2] == "SemanticError"


def test_too_many_queries_are_throttled_and_said_to_come_back(sandbox: RunningSandbox) -> None:
    token = managed_identity_token(sandbox, AUDIENCE)
    sandbox.control("POST", "limits", {"log_queries": 2})
    answers = [_query(sandbox, token, "print 1") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["retry-after"]) <= 31
    assert answers[2].json()["error"]["code"] == "ThrottledError"


def test_a_workspace_lists_its_tables_with_their_plans(sandbox: RunningSandbox) -> None:
    token = managed_identity_token(sandbox, "https://management.azure.com")
    sandbox.control("POST", "table-plans", {"AKSAudit": "Auxiliary", "SecurityIncident": None})
    arm = sandbox.endpoints["arm"]
    group = f"/subscriptions/{sandbox.described['subscription_id']}/resourceGroups/rg-security"
    url = f"{arm}{group}/providers/Microsoft.OperationalInsights/workspaces/log-security/tables"
    headers = {"Authorization": f"Bearer {token}"}

    def get(path: str = "") -> httpx.Response:
        return sandbox.http.get(url + path, params={"api-version": "2023-09-01"}, headers=headers)

    plans = {one["name"]: one["properties"]["plan"] for one in get().json()["value"]}
    assert plans["AKSAudit"] == "Auxiliary"
    assert plans["AuditLogs"] == "Analytics"
    assert "SecurityIncident" not in plans
    assert get("/AKSAudit").json()["properties"]["plan"] == "Auxiliary"
    assert get("/SecurityIncident").status_code == 404
