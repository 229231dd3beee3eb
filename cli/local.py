"""Break-glass: the function app on this machine, under the responder's own sign-in, when the deployed one is down.

The host keeps its history in a folder, so an incident that was begun goes on with the next command. Settings are those
of the deployed app, kept beforehand: docs/how-to/break-glass.md.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

from cli.connection import Json
from cli.errors import CommandError

ROOT = Path(__file__).resolve().parent.parent
_READY_WITHIN_S = 60.0
_STOP_WITHIN_S = 20.0
_LOG_TAIL = 12  # lines
# Of the platform, not of this machine: the app would ask an endpoint that is not there.
_PLATFORM = ("IDENTITY_", "MSI_", "WEBSITE_", "AzureWebJobs", "FUNCTIONS_")


def state_folder(environ: dict[str, str]) -> Path:
    """Where the local host keeps history and keys.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    base = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "firebreak"


def environment(settings: Path | None, environ: dict[str, str]) -> dict[str, str]:
    """What the app's process sees: this shell, then the kept settings, then who acts. Raises `CommandError`."""
    kept = {name: value for name, value in environ.items() if not name.startswith(_PLATFORM)}
    given = _settings(settings) if settings else {}
    kept |= {name: value for name, value in given.items() if not name.startswith(_PLATFORM)}
    missing = [
        name
        for name in ("FIREBREAK_TENANT_ID", "FIREBREAK_LOG_WORKSPACE_ID", "FIREBREAK_API_AUDIENCE")
        if not kept.get(name)
    ]
    if missing:
        todo = "give the deployed app's settings: firebreak --local --settings FILE ..."
        raise CommandError(f"the local app lacks {', '.join(missing)}", todo)
    # The responder's own sign-in, never a managed identity: this machine has none.
    return {**kept, "FIREBREAK_CREDENTIAL": "azure-cli", "PYTHONUNBUFFERED": "1"}


def _settings(path: Path) -> dict[str, str]:
    """`local.settings.json`, or what `az functionapp config appsettings list` prints."""
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as wrong:
        raise CommandError(f"{path} can't be read as JSON: {wrong}") from wrong
    match document:
        case {"Values": dict(values)}:
            found = values
        case [*rows] if all(isinstance(one, dict) and "name" in one for one in rows):
            found = {one["name"]: one.get("value") for one in rows}
        case _:
            todo = "make it with: az functionapp config appsettings list"
            raise CommandError(f"{path} holds no app settings", todo)
    return {str(name): str(value) for name, value in found.items() if value is not None}


@contextmanager
def running(settings: Path | None, state: Path) -> Iterator[str]:
    """The local app's address, for as long as the block lasts. One that runs already is used and left running."""
    serving = _serving(state)
    if serving is not None:
        yield serving
        return
    surroundings = environment(settings, dict(os.environ))
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    (state / "host.json").unlink(missing_ok=True)
    log_path = state / "host.log"
    with log_path.open("ab") as log:
        process = _start(state, surroundings, log)
        try:
            yield _wait_until_ready(process, state, log_path)
        finally:
            _stop(process)


def _start(state: Path, surroundings: dict[str, str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
    arguments = ["--app", str(ROOT), "--state", str(state), "--port", "0", "--rpc-port", "0"]
    return subprocess.Popen(  # noqa: S603 - this interpreter, and arguments of our own
        [sys.executable, "-m", "host", *arguments],
        cwd=ROOT,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,  # Ctrl-C ends the command, which then ends the host in order
    )


def _serving(state: Path) -> str | None:
    """The address of a host that answers on this state, or None."""
    try:
        ready: Json = json.loads((state / "host.json").read_text())
        answer = httpx.get(f"{ready['url']}/admin/host/ping", timeout=5.0)
    except (OSError, ValueError, KeyError, httpx.HTTPError):
        return None
    return str(ready["url"]) if answer.is_success else None


def _wait_until_ready(process: "subprocess.Popen[bytes]", state: Path, log: Path) -> str:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CommandError(f"the local app ended with {process.returncode}\n{_tail(log)}")
        if serving := _serving(state):
            return serving
        time.sleep(0.1)
    raise CommandError(f"the local app was not ready within {_READY_WITHIN_S:.0f} s\n{_tail(log)}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """In order: what runs is finished or kept for the next start."""
    process.terminate()
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Path) -> str:
    found = log.read_text(errors="replace").splitlines()[-_LOG_TAIL:]
    return "\n".join([*(f"  | {line[:300]}" for line in found), f"The whole log: {log}"])
