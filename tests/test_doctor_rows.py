"""Each trouble of a deployment is staged in the sandbox, and its row is red, with what a person does about it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from responders import (
    kill_switch,
    log_catalog,
    own_channels,
    own_checks,
    own_endpoints,
    own_pages,
    own_services,
    own_tables,
    own_versions,
    version,
)
from responders.cloud import Cloud
from responders.errors import RefusedError, TransientError
from responders.evidence_folder import EvidenceFolder
from responders.own_checks import Check, Row
from responders.own_endpoints import Seen
from responders.own_tables import Limits
from responders.settings import Settings
from tests.sandbox_fixture import RunningSandbox

DAY = timedelta(days=1)
LIMITS = Limits(kept=DAY, second_sweep=timedelta(minutes=45))


def now() -> datetime:
    return datetime.now(UTC)


def about(rows: list[Row], what: str) -> Row:
    (found,) = [one for one in rows if one.about == what]
    return found


async def test_what_hangs_or_fails_is_one_row_and_holds_up_nobody() -> None:
    async def hang() -> list[Row]:
        raise TimeoutError

    async def refuse() -> list[Row]:
        raise RefusedError("no")

    checks = [
        Check("a", hang, "wait", "unknown", seconds=1),
        Check("b", refuse, "ask a person"),
        Check("c", own_checks.saying(_well), ""),
    ]
    hung, refused, well = await own_checks.all_answered(checks)

    assert hung.rows == [Row("unknown", "no answer within 1 s", "wait")]
    assert refused.rows == [Row("failed", "no", "ask a person")]
    assert well.rows == [Row("ok", "well")]


async def _well() -> str:
    return "well"


async def test_every_service_answers_and_one_that_does_not_is_named_with_its_host(
    sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    wish = {"kind": "reset", "service": "graph", "method": "GET", "path": "^/v1.0/$", "times": 9}
    sandbox.control("POST", "faults", wish)
    rows = own_endpoints.reached(await own_endpoints.look(sandbox_cloud, now))

    graph = about(rows, "Microsoft Graph")
    assert (graph.state, graph.grave) == ("failed", True)
    assert sandbox.endpoints["graph"].removeprefix("https://") in graph.fix
    others = {one.about: one.state for one in rows if one != graph}
    wanted = {"Resource Manager", "sign-in", "log workspace", "Teams workflow", "Event Grid topic"}
    assert others == dict.fromkeys(wanted, "ok")


async def test_no_endpoint_is_sent_a_token_or_the_secret_of_the_webhook(
    sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    await own_endpoints.look(sandbox_cloud, now)

    asked = [one for one in sandbox.record() if one["service"] != "arm"]
    assert len(asked) == 5
    assert all("authorization" not in json.dumps(one["request_headers"]).lower() for one in asked)
    teams = f"{sandbox.endpoints['teams']}/"
    assert [one["method"] for one in asked if one["url"].startswith(teams)] == ["GET"]
    assert [one["url"] for one in asked if one["url"].startswith(teams)] == [teams]


async def test_a_clock_that_is_off_is_a_row_and_from_five_minutes_on_a_grave_one(
    sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    async def skewed(by: float) -> Row:
        seen = await own_endpoints.look(sandbox_cloud, lambda: now() - timedelta(seconds=by))
        sandbox_cloud._answers.clear()
        (row,) = own_endpoints.clocks(seen)
        return row

    assert (await skewed(0)).state == "ok"
    late, grave = await skewed(120), await skewed(400)
    assert (late.state, late.grave) == ("failed", False)
    assert (grave.state, grave.grave) == ("failed", True)
    assert "behind" in grave.said
    assert "NTP" in grave.fix
    assert "ahead of" in (await skewed(-400)).said

    sandbox.control("POST", "clock", {"advance_seconds": 400})
    try:
        assert (await skewed(0)).grave, "the sandbox says what time it is there"
    finally:
        sandbox.control("POST", "reset")


def test_one_odd_clock_is_not_taken_for_ours_and_no_clock_at_all_is_not_known() -> None:
    odd = [timedelta(), timedelta(), timedelta(hours=1)]
    seen = [Seen(str(number), "h", "", one) for number, one in enumerate(odd)]

    assert own_endpoints.clocks(seen)[0].state == "ok"
    assert own_endpoints.clocks([Seen("a", "h", "", None)])[0].state == "unknown"


async def test_a_table_on_a_cheaper_plan_or_not_there_is_named_with_the_command(
    sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    plans = {"AuditLogs": "Basic", "MicrosoftGraphActivityLogs": "Auxiliary"}
    gone = {"AzureActivity": None, "SecurityAlert": None}
    sandbox.control("POST", "table-plans", plans | gone)
    rows = await own_tables.look(sandbox_cloud, LIMITS, now())

    basic = about(rows, "AuditLogs")
    assert basic.state == "failed"
    assert basic.fix.startswith("az monitor log-analytics workspace table update --ids /subscript")
    assert basic.fix.endswith("/tables/AuditLogs --plan Analytics")
    missing = about(rows, "AzureActivity")
    assert (missing.state, missing.grave) == ("failed", True)
    assert "diagnostic setting of each subscription" in missing.fix
    assert about(rows, "MicrosoftGraphActivityLogs").state == "note"
    assert about(rows, "SecurityAlert").state == "note"


async def test_rows_that_are_kept_too_short_are_named(sandbox_cloud: Cloud) -> None:
    rows = await own_tables.look(sandbox_cloud, LIMITS._replace(kept=100 * DAY), now())

    assert about(rows, "AuditLogs").state == "failed"
    assert about(rows, "AuditLogs").fix.endswith("--retention-time 100")


async def test_how_late_rows_come_is_measured_and_held_against_the_second_sweep(
    sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    sandbox.control("POST", "delays", {"ingestion": 600})
    await sandbox_cloud.get_token(sandbox_cloud.endpoints.graph_scope)
    sandbox.control("POST", "clock", {"advance_seconds": 601})
    try:
        later = now() + timedelta(seconds=700)
        rows = await own_tables.look(sandbox_cloud, LIMITS, later)
        mine = about(rows, "AADManagedIdentitySignInLogs")
        assert mine.state == "ok"
        assert "95 % within 10 min" in mine.said
        early = LIMITS._replace(second_sweep=timedelta(minutes=5))
        mine = about(
            await own_tables.look(sandbox_cloud, early, later), "AADManagedIdentitySignInLogs"
        )
        assert (mine.state, "second_sweep_minutes above 10" in mine.fix) == ("failed", True)
    finally:
        sandbox.control("POST", "reset")


async def test_tables_that_nobody_may_list_are_not_known(
    sandbox_cloud: Cloud, sandbox: RunningSandbox
) -> None:
    wish = {"service": "arm", "path": "/tables$", "status": 403, "times": 9}
    sandbox.control("POST", "faults", wish)
    check = Check(
        "tables", lambda: own_tables.look(sandbox_cloud, LIMITS, now()), own_tables.FIX, "unknown"
    )

    (row,) = (await own_checks.answered(check)).rows
    assert (row.state, row.fix) == ("unknown", own_tables.FIX)


def test_every_table_that_an_incident_reads_is_looked_at() -> None:
    looked_at = {table for source in own_tables.SOURCES for table in source.tables}
    assert looked_at == {one.table for one in log_catalog.TABLES.values()}


def settings(sandbox: RunningSandbox, **more: str) -> Settings:
    return Settings.from_environ({**sandbox.environment, **more})


def test_a_webhook_that_is_not_set_or_leads_nowhere_is_grave(sandbox: RunningSandbox) -> None:
    nobody = {"FIREBREAK_TEAMS_WEBHOOK_URL": "", "FIREBREAK_EVENT_GRID_TOPIC": ""}
    teams = about(own_channels.look(settings(sandbox, **nobody)), "Teams")
    assert (teams.state, teams.grave) == ("failed", True)
    assert "FIREBREAK_TEAMS_WEBHOOK_URL" in teams.fix

    lost = {"FIREBREAK_TEAMS_WEBHOOK_URL": "@Microsoft.KeyVault(SecretUri=https://v/secrets/x)"}
    teams = about(own_channels.look(settings(sandbox, **lost)), "Teams")
    assert (teams.state, "step 3" in teams.fix) == ("failed", True)

    events = {"FIREBREAK_TEAMS_WEBHOOK_URL": ""}
    assert about(own_channels.look(settings(sandbox, **events)), "Teams").state == "note"
    well = own_channels.look(settings(sandbox))
    assert [one.state for one in well] == ["ok", "ok"]
    secret = settings(sandbox).teams_webhook_url
    assert secret
    assert secret not in str(well)


async def test_a_pulled_kill_switch_is_a_row_with_who_pulled_it(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    store = EvidenceFolder(tmp_path)
    check = own_services.switch(lambda: store, lambda: settings(sandbox))
    assert (await own_checks.answered(check)).rows[0].state == "ok"

    by: Any = {"object_id": "o", "name": "nora"}
    kill_switch.turn(store, {"acting": False, "reason": "harm", "by": by, "at": "now"})
    (row,) = (await own_checks.answered(check)).rows
    assert (row.state, "nora" in row.said, "stop-everything" in row.fix) == ("failed", True, True)


def test_a_host_that_is_not_told_of_versions_breaks_open_incidents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert [one.state for one in own_versions.look()] == ["ok", "ok"]

    name = "AzureFunctionsJobHost__extensions__durableTask__"
    monkeypatch.setenv(f"{name}versionMatchStrategy", "Strict")
    monkeypatch.setenv(f"{name}defaultVersion", "")
    row = about(own_versions.look(), "Durable")
    assert row.state == "failed"
    assert "defaultVersion is not set" in row.said
    assert "'Strict', not CurrentOrOlder" in row.said
    assert "upgrade.md" in row.fix


def test_the_version_is_that_of_the_project() -> None:
    project = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    assert f'version = "{version.VERSION}"' in project


@pytest.mark.parametrize(
    ("client", "audience", "state"),
    [
        (
            "B595567D-7f77-58bf-a1b0-b7ea647e2f17",
            "api://b595567d-7f77-58bf-a1b0-b7ea647e2f17",
            "ok",
        ),
        ("b595567d-7f77-58bf-a1b0-b7ea647e2f17", "api://firebreak", "ok"),
        ("00000000-7f77-58bf-a1b0-b7ea647e2f17", "b595567d-7f77-58bf-a1b0-b7ea647e2f17", "failed"),
    ],
)
def test_a_browser_has_to_sign_in_to_whose_tokens_are_taken(
    client: str, audience: str, state: str
) -> None:
    address = f"https://login.test/tenant/oauth2/v2.0/authorize?client_id={client}"
    asked = own_pages.client_asked_for(address)

    assert asked == client.lower()
    assert own_pages.arrives(asked, [audience]).state == state
    assert own_pages.client_asked_for("https://fb.test/.auth/login/aad") is None
    assert own_pages.stays(200, local=False).state == "failed"
    assert own_pages.stays(401, local=False).state == "failed"
    assert own_pages.stays(401, local=True).state == "note"


async def test_a_service_that_fails_says_so_in_its_words(tmp_path: Path) -> None:
    async def connect() -> Cloud:
        raise TransientError("no route")

    found = await own_checks.all_answered(
        own_services.services(connect, lambda: EvidenceFolder(tmp_path))
    )
    states = {one.name: one.rows[0].state for one in found}
    assert states.pop("evidence store") == "ok"
    assert states == dict.fromkeys(("directory", "subscriptions", "workspace"), "failed")
    assert all(one.rows[0].fix for one in found if one.rows[0].state == "failed")
