"""Messages of storage queues in the host's own store: put, taken for a while, deleted, given back, poisoned.

https://learn.microsoft.com/azure/storage/queues/storage-queues-introduction
"""

import base64
import uuid
from dataclasses import dataclass
from datetime import timedelta

from host.clock import CLOCK
from host.durable import history
from host.durable.store import Store
from host.worker import OutputError

POISON = "-poison"  # what the name of the queue for hopeless messages ends with
# https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#peek-lock
HELD = timedelta(minutes=10)  # while one is worked on, and renewed: nobody else sees it
_LIFE = timedelta(days=7)  # of a message; the service's default
_LARGEST_B = 64 * 1024  # of a message as it lies in the queue


@dataclass(frozen=True, slots=True)
class Message:
    """One that was taken."""

    message_id: str
    queue: str
    body: str
    inserted_at: str
    expires_at: str
    visible_at: str
    dequeue_count: int
    pop_receipt: str


_COLUMNS = ", ".join(Message.__dataclass_fields__)


def put(store: Store, queue: str, text: bytes, *, encoded: bool) -> None:
    """Add a message. Raises `OutputError` for one that is longer than the service takes."""
    body = base64.b64encode(text).decode() if encoded else text.decode("utf-8", "replace")
    if len(body.encode()) > _LARGEST_B:
        raise OutputError(f"a message for {queue} has {len(body)} bytes; {_LARGEST_B} are allowed")
    _insert(store, queue, body)


def _insert(store: Store, queue: str, body: str) -> None:
    now = CLOCK.now()
    with store.transaction():
        store.run(
            "INSERT INTO messages (message_id, queue, body, inserted_at, expires_at, visible_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            str(uuid.uuid4()),
            queue,
            body,
            history.timestamp(now),
            history.timestamp(now + _LIFE),
            history.timestamp(now),
        )


def take(store: Store, queue: str, most: int) -> list[Message]:
    """Up to so many that are visible, which nobody else sees for `HELD` from now on; expired ones are gone."""
    now = CLOCK.now()
    moment, until = history.timestamp(now), history.timestamp(now + HELD)
    found = store.run(
        "SELECT message_id FROM messages WHERE queue = ? AND visible_at <= ? "
        "ORDER BY visible_at LIMIT ?",
        queue,
        moment,
        most,
    ).fetchall()
    if not found:
        return []
    taken = []
    with store.transaction():
        store.run("DELETE FROM messages WHERE queue = ? AND expires_at <= ?", queue, moment)
        for (message_id,) in found:
            row = store.run(
                "UPDATE messages SET visible_at = ?, dequeue_count = dequeue_count + 1, "  # noqa: S608
                f"pop_receipt = ? WHERE message_id = ? RETURNING {_COLUMNS}",
                until,
                uuid.uuid4().hex,
                message_id,
            ).fetchone()
            taken += [Message(*row)] if row else []
    return taken


def renew(store: Store, message: Message) -> None:
    """It is still worked on."""
    _show(store, message, HELD)


def give_back(store: Store, message: Message, after: timedelta) -> None:
    """Its function failed: it is seen again after that time."""
    _show(store, message, after)


def _show(store: Store, message: Message, after: timedelta) -> None:
    with store.transaction():
        store.run(
            "UPDATE messages SET visible_at = ? WHERE message_id = ? AND pop_receipt = ?",
            history.timestamp(CLOCK.now() + after),
            message.message_id,
            message.pop_receipt,
        )


def delete(store: Store, message: Message) -> None:
    """It is done; where somebody else has taken it meanwhile, it is theirs."""
    with store.transaction():
        store.run(
            "DELETE FROM messages WHERE message_id = ? AND pop_receipt = ?",
            message.message_id,
            message.pop_receipt,
        )


def poison(store: Store, message: Message) -> str:
    """Move it to the queue for hopeless ones; returns that queue's name."""
    queue = f"{message.queue}{POISON}"
    with store.transaction():
        _insert(store, queue, message.body)
        delete(store, message)
    return queue


def release_all(store: Store) -> int:
    """Show what a process that is gone was working on; how many these were.

    Azure shows it when the ten minutes are over. Here the lock of the state folder proves that nobody works on it.
    """
    now = history.timestamp(CLOCK.now())
    with store.transaction():
        return store.run(
            "UPDATE messages SET visible_at = ?, pop_receipt = NULL WHERE pop_receipt IS NOT NULL "
            "AND visible_at > ?",
            now,
            now,
        ).rowcount
