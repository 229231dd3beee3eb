"""A host process over a sample app: started, asked over HTTP, killed and started again by tests."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

ROOT = Path(__file__).parents[2]
EVERYTHING = ROOT / "tests" / "host_apps" / "everything"
_PATIENCE_S = 60.0


class RunningHost:
    """`python -m host` as its own process; state and effects stay in `folder` over restarts."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        app: Path = EVERYTHING,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.effects_file = folder / "effects"
        self._app = app
        self._arguments: Sequence[str] = arguments
        self._environment = environment or {}
        self.serves = False

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._log.close()
        if self.serves:
            self.http.close()

    def start(self, *more: str) -> None:
        """Start the process and wait until it serves, or has ended."""
        log = self.folder / "log"
        self._log = log.open("a")
        command = [
            sys.executable,
            "-m",
            "host",
            "--app",
            str(self._app),
            "--state",
            str(self.state),
        ]
        self.process = subprocess.Popen(
            [*command, "--port", "0", "--rpc-port", "0", *self._arguments, *more],
            cwd=ROOT,
            stderr=self._log,
            env={
                **os.environ,
                "EFFECTS": str(self.effects_file),
                "EVERY": "0 0 4 * * *",
                **self._environment,
            },
        )
        self.serves = False
        self.wait(lambda: self._is_up() or self.process.poll() is not None)
        if self.process.poll() is None:
            self.ready = json.loads((self.state / "host.json").read_text())
            self.keys = json.loads((self.state / "keys.json").read_text())
            self.http = httpx.Client(base_url=self.ready["url"], timeout=10)
            self.serves = True

    def ended(self) -> int:
        """Wait for the process to end by itself; its status, negative for a signal."""
        return self.process.wait(_PATIENCE_S)

    def kill(self) -> None:
        """SIGKILL, now."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def log(self) -> str:
        """Everything that all runs wrote to stderr."""
        return (self.folder / "log").read_text()

    def effects(self) -> list[str]:
        """The effects so far, in order."""
        return self.effects_file.read_text().splitlines() if self.effects_file.exists() else []

    def durable(self, method: str, path: str, **given: Any) -> httpx.Response:
        """A call to the Durable management API with its system key."""
        key = self.keys["systemKeys"]["durabletask_extension"]
        return self.http.request(
            method,
            f"/runtime/webhooks/durabletask/{path}",
            headers={"x-functions-key": key},
            **given,
        )

    def start_orchestration(self, name: str, instance_id: str, body: object) -> httpx.Response:
        """Start through the management API."""
        return self.durable("POST", f"orchestrators/{name}/{instance_id}", json=body)

    def status(self, instance_id: str) -> dict[str, Any]:
        """An instance's status document."""
        document: dict[str, Any] = self.durable("GET", f"instances/{instance_id}").json()
        return document

    def finished(self, instance_id: str) -> dict[str, Any]:
        """The status once the instance has ended."""
        self.wait(
            lambda: self.status(instance_id)["runtimeStatus"] not in ("Pending", "Running"),
        )
        return self.status(instance_id)

    def wait(self, condition: Any) -> None:
        """Until the condition holds; the log's end where it never does."""
        until = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > until:
                raise AssertionError(f"waited in vain; the host said:\n{self.log()[-3000:]}")
            time.sleep(0.01)

    def _is_up(self) -> bool:
        try:
            announced = json.loads((self.state / "host.json").read_text())
        except FileNotFoundError:  # the process removes what a killed one left
            return False
        return bool(announced["pid"] == self.process.pid)
