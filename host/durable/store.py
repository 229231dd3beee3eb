"""Orchestration history in one SQLite file.

One writer, the event loop's thread, and one transaction per turn: what a turn took in, what it scheduled and what it
told others become true together or not at all. WAL with `synchronous=FULL` costs an fsync per commit (0.4 ms on the
machine this was written on) and keeps an accepted incident even when the power goes; SIGKILL alone would need less.
https://www.sqlite.org/pragma.html#pragma_synchronous
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from host.durable import history
from host.durable.history import Event
from host.errors import ConfigurationError

_VERSION = 1  # of schema.sql; a change of the tables counts it up
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


_INSTANCE = ", ".join(Instance.__dataclass_fields__)


class Store:
    """Reads and writes; every write happens inside `transaction`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch(mode=0o600)  # inputs and outputs are in it
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        written_as = self._db.execute("PRAGMA user_version").fetchone()[0]
        if written_as not in (0, _VERSION):
            self._db.close()
            raise ConfigurationError(f"{path} is of another version of this host: start a new one")
        self._db.executescript(Path(__file__).with_name("schema.sql").read_text("utf-8"))
        self._db.execute(f"PRAGMA user_version = {_VERSION}")

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

    def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Execute one statement for each row."""
        self._db.executemany(statement, rows)

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

    def history(self, instance_id: str, *, replayed_only: bool = False) -> list[str]:
        """The events so far, as JSON texts: all, or those that a replay reads."""
        kinds = ", ".join(map(str, history.REPLAYED))
        condition = f"AND kind IN ({kinds})" if replayed_only else ""
        rows = self.run(
            "SELECT event FROM history WHERE instance_id = ? "  # noqa: S608 - our own numbers
            f"{condition} ORDER BY position",
            instance_id,
        )
        return [row[0] for row in rows]

    def append_history(self, instance_id: str, events: Sequence[Event]) -> None:
        """Add events behind those that are there."""
        count = self.run("SELECT count(*) FROM history WHERE instance_id = ?", instance_id)
        start: int = count.fetchone()[0]
        self.run_many(
            "INSERT INTO history VALUES (?, ?, ?, ?)",
            [
                (instance_id, start + offset, event["EventType"], history.played(event))
                for offset, event in enumerate(events)
            ],
        )
