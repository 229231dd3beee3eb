"""A run is started once for each reason, and one acts at a time, however often and by whomever it is asked for."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from responders import run_records
from tests.test_ways_in import FakeClient, settings
from triggers import intake, starting_runs
from triggers.starting_runs import BusyError, Wanted

__all__ = ["settings"]  # a fixture of every test here as well


def wanted(playbook: str = "health_check", mode: Any = "apply", key: str = "") -> Wanted:
    nobody: Any = {"object_id": "", "name": "schedule"}
    parameters = {"app_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "label": "r1"}
    given = {} if playbook == "health_check" else parameters
    return Wanted(playbook, mode, given, nobody, "schedule", "as scheduled", key=key)


def over(client: FakeClient, run_id: str) -> None:
    ended = SimpleNamespace(name="Completed")
    client.statuses[run_id] = SimpleNamespace(runtime_status=ended, custom_status=None)


def moment(ago: timedelta = timedelta()) -> str:
    return f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:00+00:00}"


async def test_a_timer_that_comes_twice_starts_one_run_also_when_the_first_has_ended() -> None:
    client, key = FakeClient(), f"{moment()} health_check"
    first = await starting_runs.start(client, wanted(key=key))
    over(client, first["run_id"])

    again = await starting_runs.start(client, wanted(key=key))

    assert again == first
    assert [one for one, _ in client.started] == [first["run_id"]]


async def test_the_next_moment_is_another_run() -> None:
    client = FakeClient()
    for ago in (timedelta(days=1), timedelta()):
        await starting_runs.start(client, wanted(key=f"{moment(ago)} health_check"))

    assert len({one for one, _ in client.started}) == 2


async def test_one_run_acts_at_a_time_and_reading_waits_for_nobody() -> None:
    client = FakeClient()
    acting = await starting_runs.start(client, wanted("rotate_federation"))

    with pytest.raises(BusyError, match=acting["run_id"]):
        await starting_runs.start(client, wanted("rotate_federation"))
    await starting_runs.start(client, wanted("rotate_federation", "plan"))
    await starting_runs.start(client, wanted())

    assert len(client.started) == 3


async def test_a_run_that_died_with_the_lock_does_not_keep_it() -> None:
    client = FakeClient()
    dead = f"run-rotate_federation-{datetime.now(UTC) - timedelta(hours=1):%Y%m%dT%H%M%S}-00000a"
    run_records.lock(intake.store(), dead)
    over(client, dead)

    run = await starting_runs.start(client, wanted("rotate_federation"))

    assert run_records.lock(intake.store(), "another") == run["run_id"]
