"""A host that dies loses nothing: accepted orchestrations end as if nothing had happened.

The first half lets the process die, by a simulated kill, right after each transaction that it ever commits. The second
half sends real SIGKILLs to real processes.
"""

import random
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.host_apps.embedded import App, Died, EmbeddedHost, load
from tests.host_apps.running import EVERYTHING, RunningHost

pytestmark = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")

WHOLE = {
    "first": {"did": "disable"},
    "retried": "succeeded at run 2",
    "parallel": ["snapshot", {"did": "notify"}],
    "consent": {"by": "rosa"},
    "built": [2, 2],
    "last": {"did": "report"},
}


@pytest.fixture(scope="module")
def app() -> App:
    return load(EVERYTHING)


async def live(app: App, folder: Path, *, dies_after: int | None) -> bool:
    """One process life of an incident; False where it died."""
    host = EmbeddedHost(app, folder, dies_after=dies_after)
    try:
        host.recover()
        if host.store.instance("incident-1") is None:
            host.start("incident", "incident-1", {"consent_s": 60})
        await host.until("incident-1", custom_status='"waiting"')
        if not host.has_consent("incident-1"):
            host.client.raise_event("incident-1", "consent", '{"by": "rosa"}')
        await host.finished("incident-1")
    except Died:
        return False
    finally:
        await host.kill()
    return True


async def test_death_after_any_transaction_changes_nothing(app: App, tmp_path: Path) -> None:
    deaths = 0
    for commit in range(1, 200):
        folder = tmp_path / str(commit)
        folder.mkdir()
        if await live(app, folder, dies_after=commit):
            break
        deaths += 1
        assert await live(app, folder, dies_after=None)
        host = EmbeddedHost(app, folder)
        assert host.output("incident-1") == WHOLE
        effects = Counter(app.effects(folder))
        repeated = {name: n for name, n in effects.items() if n > 1 and name != "remove"}
        assert sum(repeated.values()) - len(repeated) <= 2, repeated  # only what was under way
        await host.kill()
    assert deaths > 30  # every turn and every activity's end was died after


async def test_dying_at_every_transaction_in_a_row_still_arrives(app: App, tmp_path: Path) -> None:
    """Each life gets two transactions: enough to go on, never enough to finish a thought."""
    for _life in range(200):
        if await live(app, tmp_path, dies_after=2):
            break
    host = EmbeddedHost(app, tmp_path)
    assert host.output("incident-1") == WHOLE
    await host.kill()


@pytest.mark.parametrize(
    ("point", "repeated"), [("before:3", False), ("ran:3", True), ("after:3", False)]
)
def test_sigkill_around_an_activity(tmp_path: Path, point: str, repeated: bool) -> None:
    with RunningHost(tmp_path, "--crash-at", point) as host:
        host.start_orchestration("sequence", "s", {"count": 5})
        assert host.ended() == -9
    with RunningHost(tmp_path) as host:
        assert host.finished("s")["output"] == [f"s/{n}" for n in range(5)]
        counts = Counter(host.effects())
        assert counts["s/2"] == (2 if repeated else 1)
        assert sum(counts.values()) == (6 if repeated else 5)


def test_sigkill_at_random_moments(tmp_path: Path) -> None:
    dice = random.Random(20)  # noqa: S311 - not for secrets
    started = [f"many-{n}" for n in range(6)]
    with RunningHost(tmp_path) as host:
        for instance_id in started:
            body = {"children": 3, "each": 4}
            assert host.start_orchestration("fan_out", instance_id, body).status_code == 202
        host.kill()
    for _life in range(3):
        with RunningHost(tmp_path) as host:
            time.sleep(dice.uniform(0, 0.15))
            host.kill()
    with RunningHost(tmp_path) as host:
        for instance_id in started:
            assert host.finished(instance_id)["output"] == [4, 4, 4]
        counts = Counter(host.effects())
        expected = {f"{i}-{child}/{n}" for i in started for child in range(3) for n in range(4)}
        assert set(counts) == expected
        database = sqlite3.connect(host.state / "history.sqlite")
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        left = database.execute("SELECT count(*) FROM activities WHERE state = 'scheduled'")
        assert left.fetchone() == (0,)
        database.close()


def test_an_event_accepted_before_the_kill_arrives_after_it(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        host.start_orchestration("two_waits", "w", None)
        for name, body in (("go", 0), ("word", "A")):
            answer = host.durable("POST", f"instances/w/raiseEvent/{name}", json=body)
            assert answer.status_code == 202
        host.kill()
    with RunningHost(tmp_path) as host:
        host.durable("POST", "instances/w/raiseEvent/word", json="B")
        assert host.finished("w")["output"] == ["A", "B"]


def test_a_timer_due_while_the_host_was_dead_fires_at_the_start(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        host.start_orchestration("incident", "late", {"consent_s": 1})
        host.wait(lambda: host.status("late")["customStatus"] == "waiting")
        host.kill()
    time.sleep(1)
    with RunningHost(tmp_path) as host:
        assert host.finished("late")["output"] == "silence is a no"


def test_a_host_whose_clock_is_ahead_finds_its_timers_due(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        host.start_orchestration("incident", "patient", {"consent_s": 7200})
        host.wait(lambda: host.status("patient")["customStatus"] == "waiting")
    with RunningHost(tmp_path) as host:
        assert host.status("patient")["runtimeStatus"] == "Running"
    with RunningHost(tmp_path, "--clock-ahead", "7201") as host:
        assert host.finished("patient")["output"] == "silence is a no"


def test_sigterm_lets_the_running_activity_end(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        host.start_orchestration("side_by_side", "p", {"count": 2, "pause_s": 0.5})
        host.wait(lambda: host.status("p")["runtimeStatus"] == "Running")
        host.process.terminate()
        assert host.ended() == 0
        assert sorted(host.effects()) == ["p0", "p1"]
    with RunningHost(tmp_path) as host:
        assert host.finished("p")["output"] == ["p0", "p1"]
        assert sorted(host.effects()) == ["p0", "p1"]  # not run again: their ends were written down


def test_a_second_host_on_the_same_state_is_refused(tmp_path: Path) -> None:
    with RunningHost(tmp_path), RunningHost(tmp_path) as other:
        assert other.ended() == 1
        assert "another host uses" in other.log()
