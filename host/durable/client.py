"""What clients may do to orchestrations: start, ask, tell, end, purge, restart.

Each act is one transaction, then a wake-up; when a call returns, it is on disk.
"""

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from host import log
from host.clock import CLOCK
from host.durable import history, inbox, instance_ids
from host.durable.effects import require
from host.durable.engine import Engine
from host.durable.store import FINISHED, Instance
from host.host_json import DurableOptions
from host.worker import Worker

Command = Literal["terminate", "suspend", "resume"]


class AlreadyExistsError(Exception):
    """An instance of that id is there and may not be replaced."""


class NotFoundError(Exception):
    """No such instance."""


class GoneError(Exception):
    """The instance has ended."""


class StillRunningError(Exception):
    """The instance hasn't ended."""


class Client:
    """The acts behind the RPC endpoint and the management webhooks."""

    def __init__(self, engine: Engine, worker: Worker, options: DurableOptions) -> None:
        self._engine = engine
        self._store = engine.store
        self._worker = worker
        self._options = options

    def start(
        self,
        name: str,
        instance_id: str | None,
        body: str | None,
        *,
        version: str | None = None,
        traceparent: str | None = None,
    ) -> str:
        """Begin an orchestration; `body` is the starter's JSON, kept verbatim.

        Raises:
            UnservedActionError: no orchestrator of that name.
            InvalidInstanceIdError: the id can't name an instance.
            AlreadyExistsError: an instance of that id hasn't ended (or, without `AnyState`, never may be replaced).
        """
        require(self._worker, "orchestrationTrigger", name)
        instance_id = instance_id or uuid.uuid4().hex
        instance_ids.check(instance_id)
        stamp = history.timestamp(CLOCK.now())
        instance = Instance(
            instance_id=instance_id,
            execution_id=uuid.uuid4().hex,
            name=name,
            version=version or self._options.versions.default,
            input=body,
            status="Pending",
            custom_status=None,
            output=None,
            created_at=stamp,
            updated_at=stamp,
            parent_instance_id=None,
            parent_execution_id=None,
            parent_task_id=None,
            trace_id=_trace_id(traceparent),
        )
        with self._store.transaction():
            existing = self._store.instance(instance_id)
            if existing and not existing.is_finished and self._options.overridable != "AnyState":
                raise AlreadyExistsError(instance_ids.conflict(existing.status))
            self._store.create(instance)
        log.info("orchestration started", function=name, instance_id=instance_id)
        self._engine.wake(instance_id)
        return instance_id

    def instance(self, instance_id: str) -> Instance:
        """One instance. Raises `NotFoundError`."""
        found = self._store.instance(instance_id)
        if found is None:
            raise NotFoundError(instance_id)
        return found

    def history(self, instance_id: str) -> list[str]:
        """Its events, as JSON texts."""
        return self._store.history(instance_id)

    def query(
        self,
        *,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        statuses: Sequence[str] = (),
        prefix: str = "",
    ) -> list[Instance]:
        """All instances that fit, oldest first."""
        marks = ", ".join("?" * len(statuses))
        return self._store.instances(
            "created_at >= ? AND created_at <= ? AND substr(instance_id, 1, ?) = ?"
            + (f" AND status IN ({marks})" if statuses else ""),
            history.timestamp(created_from) if created_from else "",
            history.timestamp(created_to) if created_to else "9",
            len(prefix),
            prefix,
            *statuses,
        )

    def raise_event(self, instance_id: str, name: str, body: str) -> None:
        """Put an external event before an instance, `body` verbatim. Raises `GoneError` once it has ended."""
        self._post(instance_id, history.event_raised(name, body), kind="event")
        log.info("event raised", instance_id=instance_id, event_name=name)

    def command(self, instance_id: str, command: Command, reason: str) -> None:
        """Terminate, suspend or resume; the engine does it before any waiting event."""
        self._post(instance_id, {"reason": reason}, kind=command)

    def purge(self, instance_id: str) -> None:
        """Delete an instance that has ended. Raises `StillRunningError` for one that hasn't.

        Azure deletes the history of a running one too, under the feet of its next turn.
        """
        with self._store.transaction():
            if not self.instance(instance_id).is_finished:
                raise StillRunningError("Only an instance that has ended can be purged.")
            self._store.forget(instance_id)
        log.info("instance purged", instance_id=instance_id)

    def purge_by(self, found: Sequence[Instance]) -> int:
        """Delete those that have ended; how many they were."""
        ended = [instance for instance in found if instance.status in FINISHED]
        with self._store.transaction():
            for instance in ended:
                self._store.forget(instance.instance_id)
        return len(ended)

    def restart(self, instance_id: str, *, new_id: bool) -> str:
        """Start again with the same name and input. Raises `AlreadyExistsError` as `start` does."""
        old = self.instance(instance_id)
        started = None if new_id else instance_id
        return self.start(old.name, started, old.input, version=old.version)

    def _post(self, instance_id: str, event: dict[str, object], *, kind: str) -> None:
        with self._store.transaction():
            instance = self.instance(instance_id)
            if instance.is_finished:
                raise GoneError(instance.status)
            inbox.post(self._store, instance_id, event, kind=kind)
        self._engine.wake(instance_id)


def _trace_id(traceparent: str | None) -> str:
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else secrets.token_hex(16)
