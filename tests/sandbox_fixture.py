"""One sandbox process per test session, and a fresh world in it for every test."""

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import an_operator

_START_S = 60.0  # a second on an idle machine


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox process: what its `sandbox.json` says, and a client that trusts its CA."""

    described: dict[str, Any]
    http: httpx.Client
    trust: ssl.SSLContext
    notes: set[str] = field(default_factory=set)  # what tests did to this world; none after a reset

    @property
    def endpoints(self) -> dict[str, str]:
        """Service -> origin."""
        return dict(self.described["endpoints"])

    @property
    def seed(self) -> dict[str, Any]:
        """Names -> ids of what is seeded."""
        return dict(self.described["seed"])

    @property
    def environment(self) -> dict[str, str]:
        """Settings that point the function app here."""
        return dict(self.described["environment"])

    def as_operator(self) -> dict[str, str]:
        """The same for an app that acts as one identity, which is the operator."""
        self.operator()
        both = ("FIREBREAK_CLIENT_ID", "FIREBREAK_REBUILD_CLIENT_ID")
        return {name: value for name, value in self.environment.items() if name not in both}

    @property
    def tenant_id(self) -> str:
        """The one tenant."""
        return str(self.described["tenant_id"])

    @property
    def ca_bundle(self) -> str:
        """Path of the CA's certificate."""
        return str(self.described["ca_bundle"])

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call `/sandbox/{path}` and insist on success."""
        answer = self.http.request(method, f"{self.endpoints['control']}/sandbox/{path}", json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        if path == "reset":
            self.notes.clear()
        return answer.json()

    def operator(self) -> None:
        """Let the app's system-assigned identity do nearly everything in this world: see `an_operator`."""
        if "operator" not in self.notes:
            self.control("POST", "seed", an_operator.seeds(self.described))
            self.notes.add("operator")

    def record(self) -> list[dict[str, Any]]:
        """Every exchange since the test began."""
        answer = self.http.get(f"{self.endpoints['control']}/sandbox/record")
        return [json.loads(line) for line in answer.text.splitlines()]

    def no_delays(self) -> None:
        """Make every replica up to date and every log row available at once."""
        names = (
            "federation",
            "directory",
            "role_assignments",
            "vault_policies",
            "resource_graph",
            "ingestion",
        )
        self.control("POST", "delays", dict.fromkeys(names, 0))

    def sign_in(self, user: str, audience: str) -> str:
        """A person's access token."""
        wish = {"user": user, "audience": audience}
        return str(self.control("POST", "sign-in", wish)["access_token"])

    def client(self) -> httpx.AsyncClient:
        """An asynchronous client for the test's own loop; close it."""
        return httpx.AsyncClient(verify=self.trust, trust_env=False, timeout=30)


@contextmanager
def running_sandbox(
    state: Path, clusters: int = 0, more: Sequence[str] = ()
) -> Iterator[RunningSandbox]:
    """A sandbox process with its files in this folder, as long as the context lasts; 0: its usual clusters."""
    wanted = [*(["--clusters", str(clusters)] if clusters else []), *more]
    with (state / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--state", str(state), *wanted],
            cwd=Path(__file__).parent.parent,
            stdout=log,
            stderr=log,
        )
    try:
        described = wait_until_ready(process, state)
        trust = ssl.create_default_context(cafile=described["ca_bundle"])
        with httpx.Client(verify=trust, trust_env=False, timeout=30) as http:
            yield RunningSandbox(described, http, trust)
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: RunningSandbox) -> RunningSandbox:
    sandbox_process.control("POST", "reset")
    return sandbox_process


def wait_until_ready(process: "subprocess.Popen[bytes]", state: Path) -> dict[str, Any]:
    """The content of `sandbox.json`, as soon as it is there."""
    ready = state / "sandbox.json"
    deadline = time.monotonic() + _START_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the sandbox did not start:\n{(state / 'log').read_text()}")
        time.sleep(0.02)
    described: dict[str, Any] = json.loads(ready.read_text())
    return described
