"""What orchestrations may rely on: the host behaves as the Durable extension does, quirks of the SDK included."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from host.durable.client import AlreadyExistsError, GoneError, NotFoundError, StillRunningError
from host.durable.effects import UnservedActionError
from host.durable.history import context
from host.durable.instance_ids import InvalidInstanceIdError
from host.durable.statuses import shown_history
from host.durable.turns import is_too_long
from host.host_json import DurableOptions
from host.protos import TypedData
from tests.host_apps.embedded import App, EmbeddedHost, load
from tests.host_apps.running import EVERYTHING

# What the SDK says of an event that nobody waits for yet; in production it is a line in the log.
pytestmark = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")


@pytest.fixture(scope="module")
def app() -> App:
    return load(EVERYTHING)


@pytest.fixture
async def host(app: App, tmp_path: Path) -> AsyncIterator[EmbeddedHost]:
    embedded = EmbeddedHost(app, tmp_path)
    yield embedded
    await embedded.kill()


async def outcome(host: EmbeddedHost, name: str, given: object) -> object:
    instance_id = host.start(name, None, given)
    await host.finished(instance_id)
    return host.output(instance_id)


def happened(host: EmbeddedHost, instance_id: str) -> list[str]:
    """The names of the events so far."""
    return [
        one["EventType"]
        for one in shown_history(host.client.history(instance_id), show_output=False)
    ]


async def test_ten_activities_in_a_row_cost_little(host: EmbeddedHost) -> None:
    """The promise is 150 ms of overhead. Processor time: how busy the machine is doesn't count."""
    await outcome(host, "sequence", {"count": 1})
    taken = []
    for _ in range(5):
        began = time.process_time()
        assert len(str(await outcome(host, "sequence", {"count": 10}))) > 10
        taken.append(time.process_time() - began)
    assert min(taken) < 0.15, taken


async def test_activities_run_side_by_side_up_to_the_limit(app: App, tmp_path: Path) -> None:
    host = EmbeddedHost(app, tmp_path, options=DurableOptions(max_activities=2))
    began = time.perf_counter()
    await outcome(host, "side_by_side", {"count": 4, "pause_s": 0.2})
    assert time.perf_counter() - began >= 0.4  # two rounds of two
    runs = host.store.run(
        "SELECT scheduled_at, ended_at FROM activities ORDER BY ended_at"
    ).fetchall()
    assert len({scheduled for scheduled, _ in runs}) == 1
    first, second = (datetime.fromisoformat(ended) for _, ended in runs[:2])
    assert second - first < timedelta(seconds=0.2)  # the two of a round end together
    await host.kill()


async def test_children_run_side_by_side_and_answer_in_order(host: EmbeddedHost) -> None:
    assert await outcome(host, "fan_out", {"children": 5, "each": 3}) == [3] * 5
    assert host.client.query(prefix="")[0].parent_instance_id is None
    assert len(host.client.query(statuses=["Completed"])) == 6


async def test_a_retry_runs_again_and_succeeds(host: EmbeddedHost) -> None:
    instance_id = host.start("incident", "i", {"consent_s": 60})
    await host.until(instance_id, custom_status='"waiting"')
    assert host.effects().count("remove") == 2


async def test_the_last_failure_waits_one_more_timer_and_numbers_still_fit(
    host: EmbeddedHost,
) -> None:
    """RetryAbleTask takes a timer's number after the last attempt too."""
    told = await outcome(host, "hopeless", None)
    assert "Activity function 'flaky' failed: ValueError: run 3 of never fails" in str(told)
    assert host.effects() == ["never"] * 3 + ["afterwards"]


async def test_an_orchestrators_exception_is_its_failure(host: EmbeddedHost) -> None:
    instance_id = host.start("raises", None, None)
    assert await host.finished(instance_id) == "Failed"
    assert host.output(instance_id) == "Orchestrator function 'raises' failed: no way on"


async def test_an_unknown_activity_fails_with_the_names_that_exist(host: EmbeddedHost) -> None:
    told = str(await outcome(host, "asks_for_nothing_known", None))
    assert "'nowhere' doesn't exist" in told
    assert "'blocking_effect'" in told


async def test_a_replay_that_asks_for_something_else_is_refused(host: EmbeddedHost) -> None:
    told = str(await outcome(host, "fickle", None))
    assert "Non-Deterministic workflow detected" in told
    assert "call_activity 'effect'" in told
    assert "call_activity 'blocking_effect'" in told


async def test_waiting_before_the_event_gives_each_wait_its_own(host: EmbeddedHost) -> None:
    host.start("two_waits", "w", None)
    for name, body in (("go", "0"), ("word", '"A"'), ("word", '"B"')):
        host.client.raise_event("w", name, body)
    await host.finished("w")
    assert host.output("w") == ["A", "B"]


async def test_an_event_before_the_wait_goes_to_every_later_wait(host: EmbeddedHost) -> None:
    """The SDK's bug (azure-functions-durable-python #507), which playbooks must not depend on."""
    host.start("two_waits", "w", None)
    for name, body in (("word", '"A"'), ("go", "0")):
        host.client.raise_event("w", name, body)
    await host.finished("w")
    assert host.output("w") == ["A", "A"]


async def test_an_events_body_stays_as_it_came(host: EmbeddedHost) -> None:
    """The Python client encodes twice, so that its orchestrator sees a string."""
    host.start("incident", "i", {"consent_s": 60})
    await host.until("i", custom_status='"waiting"')
    host.client.raise_event("i", "consent", json.dumps('{"by": "rosa"}'))
    await host.finished("i")
    assert host.output("i")["consent"] == '{"by": "rosa"}'


async def test_silence_until_the_timer_wins_the_race(host: EmbeddedHost) -> None:
    assert await outcome(host, "incident", {"consent_s": 0.05}) == "silence is a no"


async def test_a_late_result_of_the_execution_before_is_dropped(host: EmbeddedHost) -> None:
    assert await outcome(host, "moves_on", "first") == "mine"
    assert host.effects() == ["quick", "slow", "mine"]


async def test_a_cancelled_timer_leaves_nothing_behind(
    host: EmbeddedHost, caplog: pytest.LogCaptureFixture
) -> None:
    host.start("incident", "i", {"consent_s": 60})
    await host.until("i", custom_status='"waiting"')
    assert host.store.run("SELECT count(*) FROM timers").fetchone() == (1,)
    host.client.raise_event("i", "consent", "1")
    await host.finished("i")
    assert host.store.run("SELECT count(*) FROM timers").fetchone() == (0,)
    assert "live timers" not in caplog.text


async def test_continuing_as_new_starts_an_empty_history(host: EmbeddedHost) -> None:
    instance_id = host.start("countdown", None, 3)
    await host.finished(instance_id)
    assert host.output(instance_id) == "over"
    assert host.effects() == ["3 left", "2 left", "1 left"]
    assert happened(host, instance_id) == [
        "ExecutionStarted",
        "TaskScheduled",
        "TaskCompleted",
        "ExecutionCompleted",
    ]


async def test_entities_add_up_and_a_failed_operation_changes_nothing(host: EmbeddedHost) -> None:
    host.start("counts", "c", None)
    await host.finished("c")
    value, told = host.output("c")
    assert value == 5
    assert "broken on request" in told
    assert host.engine.entities.state("@counter@one") == "5"
    host.engine.entities.signal("@counter@one", "add", json.dumps("1"))
    await host.eventually(lambda: host.engine.entities.state("@counter@one") == "6")


async def test_the_sdk_answers_the_same_to_the_history_that_azure_would_send(
    host: EmbeddedHost,
) -> None:
    """The host leaves out of a replay what the SDK passes over; this is where a new SDK shows."""
    host.start("incident", "i", {"consent_s": 60})
    await host.until("i", custom_status='"waiting"')
    host.client.raise_event("i", "consent", "1")
    await host.finished("i")
    function = host.app.worker.find("orchestrationTrigger", "incident")
    assert function is not None
    answers = []
    for replayed_only in (True, False):
        events = host.store.history("i", replayed_only=replayed_only)
        body = context("i", None, host.client.instance("i").input, events, [])
        outcome = await host.app.worker.call(function, TypedData(string=body))
        assert outcome.value is not None
        answers.append(json.loads(outcome.value.json))
    assert answers[0] == answers[1]
    assert answers[0]["isDone"]


async def test_every_invocation_begins_with_an_empty_context(host: EmbeddedHost) -> None:
    """Else structlog's context variables of one incident would mark the lines of another."""
    assert await outcome(host, "marks", None) == ["none", "none"]


# commands


async def test_terminating_stops_turns_and_what_has_not_begun(app: App, tmp_path: Path) -> None:
    host = EmbeddedHost(app, tmp_path, options=DurableOptions(max_activities=1))
    host.start("side_by_side", "p", {"count": 3, "pause_s": 0.5})
    await host.eventually(lambda: "TaskScheduled" in happened(host, "p"))
    host.client.command("p", "terminate", "enough")
    assert await host.finished("p") == "Terminated"
    assert host.output("p") == "enough"
    await host.eventually(lambda: bool(host.effects()))
    await asyncio.sleep(0.7)
    assert len(host.effects()) == 1
    with pytest.raises(GoneError):
        host.client.raise_event("p", "late", "1")
    await host.kill()


async def test_a_suspended_instance_keeps_its_events_for_later(host: EmbeddedHost) -> None:
    host.start("two_waits", "w", None)
    host.client.command("w", "suspend", "look first")
    await host.eventually(lambda: host.client.instance("w").status == "Suspended")
    for name, body in (("go", "0"), ("word", '"A"'), ("word", '"B"')):
        host.client.raise_event("w", name, body)
    await asyncio.sleep(0.05)
    assert host.client.instance("w").status == "Suspended"
    host.client.command("w", "resume", "go on")
    await host.finished("w")
    assert host.output("w") == ["A", "B"]


async def test_a_running_id_is_taken_and_a_finished_one_is_replaced(host: EmbeddedHost) -> None:
    host.start("two_waits", "w", None)
    with pytest.raises(AlreadyExistsError, match="already exists"):
        host.start("two_waits", "w", None)
    host.client.command("w", "terminate", "")
    await host.finished("w")
    host.start("sequence", "w", {"count": 1})
    await host.finished("w")
    assert host.output("w") == ["w/0"]


async def test_any_state_replaces_a_running_instance_and_drops_its_results(
    app: App, tmp_path: Path
) -> None:
    host = EmbeddedHost(app, tmp_path, options=DurableOptions(overridable="AnyState"))
    host.start("side_by_side", "p", {"count": 1, "pause_s": 0.1})
    await host.eventually(lambda: "TaskScheduled" in happened(host, "p"))
    host.start("two_waits", "p", None)
    await host.eventually(lambda: bool(host.effects()))  # the lost one has run to its end
    await asyncio.sleep(0.1)
    assert host.client.instance("p").name == "two_waits"
    assert "TaskCompleted" not in happened(host, "p")
    await host.kill()


async def test_only_what_has_ended_is_purged(host: EmbeddedHost) -> None:
    host.start("two_waits", "w", None)
    with pytest.raises(StillRunningError):
        host.client.purge("w")
    host.client.command("w", "terminate", "")
    await host.finished("w")
    host.client.purge("w")
    with pytest.raises(NotFoundError):
        host.client.instance("w")
    for table in ("history", "actions", "inbox", "activities", "timers"):
        assert host.store.run(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608


async def test_restarting_runs_the_same_input_under_a_new_id(host: EmbeddedHost) -> None:
    first = host.start("sequence", None, {"count": 2})
    await host.finished(first)
    second = host.client.restart(first, new_id=True)
    await host.finished(second)
    assert second != first
    assert len(host.output(second)) == 2


@pytest.mark.parametrize("bad", ["@one", "a/b", "a\\b", "a#b", "a?b", "a\nb", "x" * 257])
async def test_ids_that_azure_refuses_are_refused(host: EmbeddedHost, bad: str) -> None:
    with pytest.raises(InvalidInstanceIdError):
        host.start("sequence", bad, {"count": 1})


async def test_an_unknown_orchestrator_is_refused_and_nothing_is_written(
    host: EmbeddedHost,
) -> None:
    with pytest.raises(UnservedActionError, match="known orchestrator functions: 'sequence'"):
        host.start("nowhere", "n", None)
    assert host.client.query() == []


async def test_inputs_and_outputs_stay_out_of_the_log(
    host: EmbeddedHost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await outcome(host, "side_by_side", {"count": 1, "pause_s": 0})
    await outcome(host, "hopeless", None)
    logged = " ".join(f"{r.getMessage()} {r.__dict__.get('fields')}" for r in caplog.records)
    assert "activity ended" in logged
    assert "'did'" not in logged
    assert "run 3 of never" not in logged


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        (None, False),
        ({"phase": "watching"}, False),
        ("x" * (8 * 1024 - 2), False),  # two quotes make it 16 KB of UTF-16
        ("x" * (8 * 1024 - 1), True),
        ("\u00e9" * (8 * 1024 - 1), True),
    ],
)
def test_a_custom_status_may_be_as_long_as_durable_takes_it(status: Any, refused: bool) -> None:
    assert is_too_long(status) is refused
