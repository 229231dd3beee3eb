"""An execution's numbering in the store, between its turns."""

import json
from typing import Any

from host.durable.actions import Attempt, Leaf, Ledger
from host.durable.store import Store


def read(store: Store, instance_id: str) -> Ledger:
    """The numbering as the last turn left it."""
    row = store.run(
        "SELECT next_task_id, retries FROM instances WHERE instance_id = ?", instance_id
    ).fetchone()
    leaves = store.run(
        "SELECT kind, name, content, task_id FROM actions WHERE instance_id = ? ORDER BY position",
        instance_id,
    )
    retries = json.loads(row[1])
    return Ledger(
        next_id=row[0],
        leaves=[Leaf(*leaf) for leaf in leaves],
        attempts=_attempts(retries.get("attempts", {})),
        pauses=_attempts(retries.get("pauses", {})),
    )


def save(store: Store, instance_id: str, ledger: Ledger, start: int) -> None:
    """Keep the numbering; the first `start` leaves are there already."""
    store.run_many(
        "INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?)",
        [
            (instance_id, start + offset, leaf.kind, leaf.name, leaf.content, leaf.task_id)
            for offset, leaf in enumerate(ledger.leaves[start:])
        ],
    )
    retries = {"attempts": _plain(ledger.attempts), "pauses": _plain(ledger.pauses)}
    store.run(
        "UPDATE instances SET next_task_id = ?, retries = ? WHERE instance_id = ?",
        ledger.next_id,
        json.dumps(retries),
        instance_id,
    )


def _plain(attempts: dict[int, Attempt]) -> dict[str, Any]:
    return {str(key): [attempt.action, attempt.number] for key, attempt in attempts.items()}


def _attempts(plain: dict[str, Any]) -> dict[int, Attempt]:
    return {int(key): Attempt(action, number) for key, (action, number) in plain.items()}
