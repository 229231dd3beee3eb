"""Queue triggers and outputs: nothing that was sent is lost, and what fails too often is told apart."""

import base64
import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.host_apps.running import RunningHost


def item(name: str, **more: Any) -> str:
    return json.dumps({"name": name, **more})


def queued(folder: Path) -> list[tuple[str, str, int]]:
    with sqlite3.connect(folder / "state" / "history.sqlite") as database:
        rows = database.execute("SELECT queue, body, dequeue_count FROM messages").fetchall()
    database.close()
    return rows


def test_messages_are_sent_handled_retried_and_poisoned(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        sent = [item("one", facts=True), item("two", succeeds_at=2), item("never", succeeds_at=9)]
        assert host.http.post("/api/enqueue", json=sent).status_code == 200
        assert host.http.post("/api/enqueue", json=item("alone")).status_code == 200
        host.wait(lambda: "poisoned never" in host.effects() and not queued(tmp_path))
        effects = host.effects()
    assert [one for one in effects if one.startswith("two")] == [
        "two run 1",
        "two run 2",
        "two done",
    ]
    assert [one for one in effects if one.startswith("never")] == [
        f"never run {n}" for n in (1, 2, 3)
    ]
    assert effects.count("one done") == effects.count("alone done") == 1
    (facts,) = (json.loads(one) for one in effects if one.startswith("["))
    message_id, receipt, inserted, expires = facts
    assert message_id and receipt
    assert (datetime.fromisoformat(expires) - datetime.fromisoformat(inserted)).days == 7


def test_a_function_that_fails_sends_nothing(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        failed = host.http.post("/api/enqueue", params={"then": "fail"}, json=item("lost"))
        assert failed.status_code == 500
        assert host.http.post("/api/enqueue", content=b"null").status_code == 200
        assert host.http.post("/api/enqueue", json=item("kept")).status_code == 200
        host.wait(lambda: "kept done" in host.effects())
        assert not [one for one in host.effects() if one.startswith("lost")]


def test_a_message_that_is_too_long_is_the_senders_failure(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        longest = host.http.post(
            "/api/enqueue", json=[item("short"), item("long", text="x" * 50_000)]
        )
        assert longest.status_code == 500
        assert not [one for one in host.effects() if one.startswith("short")]
        assert "65536 are allowed" in host.log()


def test_as_many_at_once_as_batch_and_threshold_allow(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        host.http.post("/api/enqueue", json=[item(f"m{n}", pause_s=0.2) for n in range(8)])
        host.wait(lambda: sum("done" in one for one in host.effects()) == 8)
        steps = [1 if "run" in one else -1 for one in host.effects()]
    assert len(steps) == 16
    # A batch of two, and the next one once a single one is left.
    assert 2 <= max(sum(steps[: end + 1]) for end in range(16)) <= 3


def test_a_killed_host_goes_on_with_what_it_had_taken(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        host.http.post("/api/enqueue", json=[item("slow", pause_s=30), item("next", pause_s=30)])
        host.wait(lambda: len(host.effects()) == 2)
        host.kill()
    (queue, body, count), _ = queued(tmp_path)
    assert (queue, count) == ("work-items", 1)
    assert json.loads(base64.b64decode(body))["name"] in {"slow", "next"}
    with RunningHost(tmp_path) as host:
        host.wait(lambda: "slow run 2" in host.effects() and "next run 2" in host.effects())


def test_a_message_that_kills_its_host_is_poisoned(tmp_path: Path) -> None:
    with RunningHost(tmp_path) as host:
        host.http.post("/api/enqueue", json=item("deadly", pause_s=30))
        host.wait(lambda: "deadly run 1" in host.effects())
        host.kill()
    for run in (2, 3):
        with RunningHost(tmp_path) as host:
            host.wait(lambda run=run: f"deadly run {run}" in host.effects())
            host.kill()
    with RunningHost(tmp_path) as host:
        host.wait(lambda: "poisoned deadly" in host.effects())
        assert "deadly run 4" not in host.effects()


def test_a_queue_needs_a_name_that_azure_allows(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.queue_trigger(arg_name='item', queue_name='Work_Items', connection='X')\n"
        "def on_item(item: func.QueueMessage) -> None: ...\n"
    )
    with RunningHost(tmp_path, app=app) as host:
        assert host.ended() == 1
        assert "is no name of a queue" in host.log()
