"""Timer triggers: NCRONTAB as documented, missed runs made up for once."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from host.ncrontab import ScheduleError, parse
from tests.host_apps.running import RunningHost


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "moment", "following"),
    [
        ("0 */5 * * * *", "2026-01-01 00:00:00", "2026-01-01 00:05:00"),
        ("0 0 * * * *", "2026-01-01 23:30:00", "2026-01-02 00:00:00"),
        ("0 0 */2 * * *", "2026-01-01 01:00:01", "2026-01-01 02:00:00"),
        ("0 0 9-17 * * *", "2026-01-01 17:00:00", "2026-01-02 09:00:00"),
        ("0 30 9 * * *", "2026-01-01 09:29:59", "2026-01-01 09:30:00"),
        ("0 30 9 * * 1-5", "2026-01-02 09:30:00", "2026-01-05 09:30:00"),  # Friday to Monday
        ("0 30 9 * Jan Mon", "2026-01-26 09:30:00", "2027-01-04 09:30:00"),
        ("1,30 * * * * *", "2026-01-01 00:00:01", "2026-01-01 00:00:30"),
        ("10/20 * * * * *", "2026-01-01 00:00:31", "2026-01-01 00:00:50"),
        ("0 0 0 29 2 *", "2026-03-01 00:00:00", "2028-02-29 00:00:00"),
        ("5 * * * *", "2026-01-01 00:05:00", "2026-01-01 01:05:00"),  # five fields
    ],
)
def test_occurrences(expression: str, moment: str, following: str) -> None:
    assert parse(expression).after(at(moment)) == at(following)


@pytest.mark.parametrize(
    "wrong",
    ["", "* * *", "60 * * * * *", "* * * 0 * *", "* * * * * 7", "a * * * * *", "5-1 * * * * *"],
)
def test_what_is_not_a_schedule_is_refused(wrong: str) -> None:
    with pytest.raises(ScheduleError):
        parse(wrong)


def test_a_schedule_that_never_occurs_says_so() -> None:
    with pytest.raises(ScheduleError, match="never"):
        parse("0 0 0 30 2 *").after(at("2026-01-01 00:00:00"))


def test_a_timer_runs_on_its_schedule(tmp_path: Path) -> None:
    with RunningHost(tmp_path, environment={"EVERY": "* * * * * *"}) as host:
        host.wait(lambda: host.effects().count("often") >= 2)


def test_a_missed_run_is_made_up_for_once(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        assert host.effects() == []
    database = sqlite3.connect(tmp_path / "state" / "history.sqlite")
    with database:
        database.execute(
            "UPDATE schedules SET next = '2026-01-01T03:00:00.000000Z' WHERE function_name = 'nightly'"
        )
    database.close()
    with RunningHost(tmp_path) as host:
        host.wait(lambda: host.effects() == ["nightly past_due=True"])
    with RunningHost(tmp_path) as host:
        assert host.effects() == ["nightly past_due=True"]


def test_the_admin_api_runs_a_timer_now(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        assert host.http.post("/admin/functions/nightly").status_code == 401
        master = {"x-functions-key": host.keys["masterKey"]}
        assert host.http.post("/admin/functions/nightly", headers=master).status_code == 202
        host.wait(lambda: host.effects() == ["nightly past_due=False"])
        assert host.http.post("/admin/functions/nowhere", headers=master).status_code == 404


def test_a_missing_setting_of_a_schedule_refuses_the_app(tmp_path: Path) -> None:
    with RunningHost(tmp_path, environment={"EVERY": "not a schedule"}) as host:
        assert host.ended() == 1
        assert "Function 'often'" in host.log()
