"""Orchestration history in one SQLite file.

One writer, the event loop's thread, and one transaction per turn: what a turn took in, what it scheduled and what it
told others become true together or not at all. WAL with `synchronous=FULL` costs an fsync per commit (0.4 ms on the
machine this was written on) and keeps an accepted incident even when the power goes; SIGKILL alone would need less.
https://www.sqlite.org/pragma.html#pragma_synchronous
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from host.durable import history
from host.durable.actions import Attempt, Leaf, Ledger

FINISHED = ("Completed", "Failed", "Terminated")


@dataclass(frozen=True, slots=True)
class Instance:
    """A row of `instances`, without what only turns need."""

    instance_id: str
    execution_id: str
    name: str
    version: str | None
    input: str | None
    status: str
    custom_status: str | None
    output: str | None
    created_at: str
    updated_at: str
    parent_instance_id: str | None
    parent_execution_id: str | None
    parent_task_id: int | None
    trace_id: str

    @property
    def is_finished(self) -> bool:
        """No turn will ever run again."""
        return self.status in FINISHED


@dataclass(frozen=True, slots=True)
class Message:
    """An event that waits for its turn."""

    message_id: int
    kind: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ActivityRun:
    """An activity that is scheduled and not known to have ended."""

    number: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str | None
    trace_id: str


@dataclass(frozen=True, slots=True)
class Timer:
    """A durable timer that hasn't fired."""

    instance_id: str
    execution_id: str
    task_id: int
    fire_at: str


_INSTANCE = ", ".join(Instance.__dataclass_fields__)


class Store:
    """Reads and writes; every write happens inside `transaction`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch(mode=0o600)  # inputs and outputs are in it
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(Path(__file__).with_name("schema.sql").read_text("utf-8"))

    def close(self) -> None:
        """Fold the WAL into the file and let go of it."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nested use joins the outer transaction."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def run(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Execute one statement: for modules whose tables only they read."""
        return self._db.execute(statement, values)

    # instances

    def instance(self, instance_id: str) -> Instance | None:
        """One instance, or None."""
        row = self.run(
            f"SELECT {_INSTANCE} FROM instances WHERE instance_id = ?",  # noqa: S608 - column names
            instance_id,
        ).fetchone()
        return Instance(*row) if row else None

    def instances(self, where: str = "1", *values: object) -> list[Instance]:
        """Instances by a condition that the caller wrote, oldest first."""
        rows = self.run(
            f"SELECT {_INSTANCE} FROM instances WHERE {where} ORDER BY created_at",  # noqa: S608
            *values,
        )
        return [Instance(*row) for row in rows]

    def create(self, new: Instance) -> None:
        """Write an instance, in place of a finished one of that id and all it left."""
        self.forget(new.instance_id)
        marks = ", ".join("?" * len(Instance.__dataclass_fields__))
        values = [getattr(new, name) for name in Instance.__dataclass_fields__]
        self.run(f"INSERT INTO instances ({_INSTANCE}) VALUES ({marks})", *values)  # noqa: S608

    def forget(self, instance_id: str) -> None:
        """Delete an instance and everything that belongs to it."""
        for table in ("instances", "history", "actions", "inbox", "activities", "timers"):
            self.run(f"DELETE FROM {table} WHERE instance_id = ?", instance_id)  # noqa: S608

    def set_status(
        self, instance_id: str, status: str, moment: datetime, output: str | None = None
    ) -> None:
        """Change where the instance stands."""
        self.run(
            "UPDATE instances SET status = ?, output = ?, updated_at = ? WHERE instance_id = ?",
            status,
            output,
            history.timestamp(moment),
            instance_id,
        )

    def set_custom_status(self, instance_id: str, custom_status: str) -> None:
        """What the orchestrator says of itself, as JSON."""
        self.run(
            "UPDATE instances SET custom_status = ? WHERE instance_id = ?",
            custom_status,
            instance_id,
        )

    def begin_anew(self, instance_id: str, execution_id: str, new_input: str) -> None:
        """continue_as_new: an empty history under the same id; waiting external events stay."""
        for table in ("history", "actions", "timers"):
            self.run(f"DELETE FROM {table} WHERE instance_id = ?", instance_id)  # noqa: S608
        # What the old execution waited for isn't this one's: only events and commands carry over.
        self.run(
            "DELETE FROM inbox WHERE instance_id = ? AND kind = 'event' "
            "AND json_extract(event, '$.EventType') != ?",
            instance_id,
            history.EVENT_RAISED,
        )
        self.run(
            "UPDATE instances SET execution_id = ?, input = ?, status = 'Pending', "
            "next_task_id = 0, retries = '{}' WHERE instance_id = ?",
            execution_id,
            new_input,
            instance_id,
        )

    # history

    def history(self, instance_id: str) -> list[str]:
        """The events so far, as JSON texts."""
        rows = self.run(
            "SELECT event FROM history WHERE instance_id = ? ORDER BY position", instance_id
        )
        return [row[0] for row in rows]

    def append_history(self, instance_id: str, start: int, events: Sequence[str]) -> None:
        """Add events behind the `start` that are there."""
        self._db.executemany(
            "INSERT INTO history VALUES (?, ?, ?)",
            [(instance_id, start + offset, event) for offset, event in enumerate(events)],
        )

    def ledger(self, instance_id: str) -> Ledger:
        """The numbering as the last turn left it."""
        row = self.run(
            "SELECT next_task_id, retries FROM instances WHERE instance_id = ?", instance_id
        ).fetchone()
        leaves = self.run(
            "SELECT kind, name, content, task_id FROM actions WHERE instance_id = ? "
            "ORDER BY position",
            instance_id,
        )
        retries = json.loads(row[1])
        return Ledger(
            next_id=row[0],
            leaves=[Leaf(*leaf) for leaf in leaves],
            attempts=_attempts(retries.get("attempts", {})),
            pauses=_attempts(retries.get("pauses", {})),
        )

    def save_ledger(self, instance_id: str, ledger: Ledger, start: int) -> None:
        """Keep the numbering; the first `start` leaves are there already."""
        self._db.executemany(
            "INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?)",
            [
                (instance_id, start + offset, leaf.kind, leaf.name, leaf.content, leaf.task_id)
                for offset, leaf in enumerate(ledger.leaves[start:])
            ],
        )
        retries = {"attempts": _plain(ledger.attempts), "pauses": _plain(ledger.pauses)}
        self.run(
            "UPDATE instances SET next_task_id = ?, retries = ? WHERE instance_id = ?",
            ledger.next_id,
            json.dumps(retries),
            instance_id,
        )

    # inbox

    def post(
        self,
        instance_id: str,
        event: dict[str, Any],
        *,
        kind: str = "event",
        timer_id: int | None = None,
    ) -> None:
        """Put an event before an instance; its next turn but for others will take it in."""
        self.run(
            "INSERT INTO inbox (instance_id, kind, timer_id, event) VALUES (?, ?, ?, ?)",
            instance_id,
            kind,
            timer_id,
            json.dumps(event),
        )

    def next_message(self, instance_id: str, *, commands_only: bool) -> Message | None:
        """The message to take in: commands first, for a suspended instance nothing else."""
        condition = "AND kind != 'event'" if commands_only else ""
        row = self.run(
            "SELECT message_id, kind, event FROM inbox WHERE instance_id = ? "  # noqa: S608
            f"{condition} ORDER BY kind = 'event', message_id LIMIT 1",
            instance_id,
        ).fetchone()
        return Message(row[0], row[1], json.loads(row[2])) if row else None

    def take(self, message: Message) -> None:
        """Remove a message that this transaction has dealt with."""
        self.run("DELETE FROM inbox WHERE message_id = ?", message.message_id)


def _plain(attempts: dict[int, Attempt]) -> dict[str, Any]:
    return {str(key): [attempt.action, attempt.number] for key, attempt in attempts.items()}


def _attempts(plain: dict[str, Any]) -> dict[int, Attempt]:
    return {int(key): Attempt(action, number) for key, (action, number) in plain.items()}
