"""The engine inside the test's process: orchestrations without HTTP, and deaths at chosen transactions."""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from host.alarms import Alarms
from host.crash import CrashAt
from host.durable.client import Client
from host.durable.engine import Engine
from host.durable.store import Store
from host.host_json import DurableOptions
from host.worker import Worker, WorkerLibrary

_PATIENCE_S = 60.0


class Died(BaseException):
    """The process is gone as far as the test is concerned."""


class App:
    """The sample app, loaded once; each test gives it a folder for its effects."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def effects(self, folder: Path) -> list[str]:
        """The effects that were left in a folder."""
        file = folder / "effects"
        return file.read_text().splitlines() if file.exists() else []


def load(folder: Path) -> App:
    """Import a sample app, and leave the name `function_app` to whoever comes next."""
    previous = sys.modules.pop("function_app", None)
    path = list(sys.path)
    os.environ.setdefault("EVERY", "0 0 4 * * *")
    try:
        worker = Worker(WorkerLibrary(), timedelta(seconds=30))
        asyncio.run(worker.load(folder))
    finally:
        sys.path[:] = path
        sys.modules.pop("function_app", None)
        if previous:
            sys.modules["function_app"] = previous
        importlib.invalidate_caches()
    return App(worker)


class MortalStore(Store):
    """A store whose process dies right after its n-th commit."""

    def __init__(self, path: Path, dies_after: int | None) -> None:
        super().__init__(path)
        self._left = dies_after
        self.died = asyncio.Event()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit, then perhaps die."""
        if self.died.is_set():
            raise Died
        outermost = not self._db.in_transaction
        with super().transaction():
            yield
        if outermost and self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.died.set()
                raise Died


class EmbeddedHost:
    """Store, engine and client over the sample app."""

    def __init__(
        self,
        app: App,
        folder: Path,
        *,
        dies_after: int | None = None,
        options: DurableOptions | None = None,
    ) -> None:
        os.environ["EFFECTS"] = str(folder / "effects")
        options = options or DurableOptions(max_activities=4)
        self.app = app
        self.folder = folder
        self.store = MortalStore(folder / "history.sqlite", dies_after)
        self._alarms = Alarms()
        self.engine = Engine(self.store, app.worker, options, self._alarms, CrashAt())
        self.client = Client(self.engine, app.worker, options)
        self._before = asyncio.all_tasks()

    def recover(self) -> None:
        """What a started process does first."""
        self.engine.recover()

    def start(self, name: str, instance_id: str | None, given: Any) -> str:
        """Start as the Python client does: the body is a JSON string of JSON."""
        return self.client.start(name, instance_id, json.dumps(json.dumps(given)))

    def output(self, instance_id: str) -> Any:
        """The finished instance's output."""
        instance = self.client.instance(instance_id)
        return json.loads(instance.output) if instance.output else None

    def effects(self) -> list[str]:
        """The effects so far."""
        return self.app.effects(self.folder)

    def has_consent(self, instance_id: str) -> bool:
        """Whether the consent is in the inbox or in the history."""
        texts = self.store.history(instance_id)
        rows = self.store.run("SELECT event FROM inbox WHERE instance_id = ?", instance_id)
        texts += [row[0] for row in rows]
        return any('"consent"' in text for text in texts)

    async def finished(self, instance_id: str) -> str:
        """The status with which the instance ends. Raises `Died` where the process does first."""
        await self.until(instance_id)
        return self.client.instance(instance_id).status

    async def until(self, instance_id: str, *, custom_status: str | None = None) -> None:
        """Until the instance has ended, or says so of itself."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                if self.store.died.is_set():
                    raise Died
                instance = self.client.instance(instance_id)
                if instance.is_finished or (
                    custom_status and instance.custom_status == custom_status
                ):
                    return
                await asyncio.sleep(0.002)

    async def eventually(self, true: Callable[[], bool]) -> None:
        """Until something is so; `TimeoutError` where it never is."""
        async with asyncio.timeout(_PATIENCE_S):
            while not true():
                await asyncio.sleep(0.002)

    async def kill(self) -> None:
        """End without a goodbye: nothing is written any more."""
        self.store.died.set()
        self._alarms.close()
        tasks = asyncio.all_tasks() - self._before - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.store.close()
