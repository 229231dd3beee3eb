"""Events that wait for an instance's next turn."""

import json
from dataclasses import dataclass
from typing import Any

from host.durable.store import Store


@dataclass(frozen=True, slots=True)
class Message:
    """An event that waits for its turn."""

    message_id: int
    kind: str
    event: dict[str, Any]


def post(
    store: Store,
    instance_id: str,
    event: dict[str, Any],
    *,
    kind: str = "event",
    timer_id: int | None = None,
) -> None:
    """Put an event before an instance; its next turn but for others will take it in."""
    store.run(
        "INSERT INTO inbox (instance_id, kind, timer_id, event) VALUES (?, ?, ?, ?)",
        instance_id,
        kind,
        timer_id,
        json.dumps(event),
    )


def next_message(store: Store, instance_id: str, *, commands_only: bool) -> Message | None:
    """The message to take in: commands first, for a suspended instance nothing else."""
    condition = "AND kind != 'event'" if commands_only else ""
    row = store.run(
        "SELECT message_id, kind, event FROM inbox WHERE instance_id = ? "  # noqa: S608
        f"{condition} ORDER BY kind = 'event', message_id LIMIT 1",
        instance_id,
    ).fetchone()
    return Message(row[0], row[1], json.loads(row[2])) if row else None


def take(store: Store, message: Message) -> None:
    """Remove a message that this transaction has dealt with."""
    store.run("DELETE FROM inbox WHERE message_id = ?", message.message_id)
