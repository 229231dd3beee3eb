"""Durable entities: one operation at a time per entity, state and answer in one transaction.

An operation that a crash interrupts runs again; its first run left nothing behind, so the state counts it once.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Protocol

from host import log
from host.clock import CLOCK
from host.durable import history, inbox
from host.durable.store import Store
from host.protos import TypedData
from host.tasks import spawn
from host.worker import Outcome, Worker


class Wakes(Protocol):
    """The engine, as far as an entity's answer needs it."""

    def wake(self, instance_id: str) -> None:
        """There is news for an instance."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A call or a signal that waits for its entity."""

    operation_id: int
    entity_id: str
    operation: str
    input: str | None
    request_id: str | None
    instance_id: str | None
    execution_id: str | None


class Entities:
    """Runs entity functions."""

    def __init__(self, store: Store, worker: Worker, slots: int, engine: Wakes) -> None:
        self._store = store
        self._worker = worker
        self._slots = asyncio.Semaphore(slots)
        self._engine = engine
        self._drivers: dict[str, asyncio.Task[None]] = {}

    def signal(self, entity_id: str, operation: str, body: str | None) -> None:
        """A client's signal: written down, then run."""
        with self._store.transaction():
            self._store.run(
                "INSERT INTO operations (entity_id, operation, input) VALUES (?, ?, ?)",
                entity_id,
                operation,
                body,
            )
        self.wake(entity_id)

    def state(self, entity_id: str) -> str | None:
        """The entity's state as JSON, or None where it doesn't exist."""
        row = self._store.run(
            "SELECT state FROM entities WHERE entity_id = ?", entity_id
        ).fetchone()
        return row[0] if row else None

    def with_work(self) -> set[str]:
        """The entities with operations to run."""
        return {row[0] for row in self._store.run("SELECT DISTINCT entity_id FROM operations")}

    def running(self) -> list[asyncio.Task[None]]:
        """The drivers under way."""
        return list(self._drivers.values())

    def wake(self, entity_id: str) -> None:
        """There may be an operation for this entity."""
        if entity_id not in self._drivers:
            self._drivers[entity_id] = spawn(self._drive(entity_id), "entity", entity_id=entity_id)

    async def _drive(self, entity_id: str) -> None:
        try:
            while operation := self._next(entity_id):
                async with self._slots:
                    await self._run(operation)
        finally:
            del self._drivers[entity_id]

    def _next(self, entity_id: str) -> Operation | None:
        row = self._store.run(
            "SELECT * FROM operations WHERE entity_id = ? ORDER BY operation_id LIMIT 1", entity_id
        ).fetchone()
        return Operation(*row) if row else None

    async def _run(self, operation: Operation) -> None:
        name, key = operation.entity_id[1:].split("@", 1)
        before = self.state(operation.entity_id)
        function = self._worker.find("entityTrigger", name)
        if function is None:
            outcome = Outcome(error=f"The function '{name}' doesn't exist or is disabled.")
        else:
            body = json.dumps(_context(name, key, before, operation))
            outcome = await self._worker.call(function, TypedData(string=body))
        state = json.loads(outcome.value.json) if outcome.value else None
        with self._store.transaction():
            self._store.run("DELETE FROM operations WHERE operation_id = ?", operation.operation_id)
            if state is not None and not state["results"][0]["isError"]:
                self._save(operation.entity_id, state)
            self._answer(operation, _result(outcome, state))
        log.info("entity operation ended", entity=name, operation=operation.operation)
        if operation.request_id and operation.instance_id:
            self._engine.wake(operation.instance_id)

    def _save(self, entity_id: str, state: dict[str, Any]) -> None:
        if state["entityExists"] and state["entityState"] is not None:
            self._store.run(
                "INSERT OR REPLACE INTO entities VALUES (?, ?, ?)",
                entity_id,
                state["entityState"],
                history.timestamp(CLOCK.now()),
            )
        else:
            self._store.run("DELETE FROM entities WHERE entity_id = ?", entity_id)

    def _answer(self, operation: Operation, result: dict[str, Any]) -> None:
        if operation.request_id is None or operation.instance_id is None:
            return
        caller = self._store.instance(operation.instance_id)
        if caller and caller.execution_id == operation.execution_id and not caller.is_finished:
            answer = history.event_raised(operation.request_id, json.dumps(result))
            inbox.post(self._store, caller.instance_id, answer)


def _context(name: str, key: str, state: str | None, operation: Operation) -> dict[str, Any]:
    return {
        "self": {"name": name, "key": key},
        "exists": state is not None,
        "state": state,
        "batch": [
            {
                "name": operation.operation,
                "input": operation.input or "null",  # JSON of JSON: the SDK decodes twice
                "signal": operation.request_id is None,
            }
        ],
    }


def _result(outcome: Outcome, state: dict[str, Any] | None) -> dict[str, Any]:
    if state is None:
        return {"result": json.dumps(outcome.error), "exceptionType": "Exception"}
    first = state["results"][0]
    result = {"result": first["result"]}
    return {**result, "exceptionType": "Exception"} if first["isError"] else result
