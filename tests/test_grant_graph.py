"""The script that an administrator runs gives each identity what it needs in Microsoft Graph, and nothing else."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from permissions import files
from permissions.document import FULL, MANAGED_ONLY
from sandbox.seed.first_party import GRAPH_ROLES
from tests.sandbox_graph_calls import LocalCaller

_ID = "00000000-0000-4000-8000-000000000001"
_HELD = json.loads((files.FOLDER / "permissions.json").read_text())["hands"]


def wanted(hand: str, profile: str) -> set[str]:
    return {one["role"] for one in _HELD[hand]["graph"] if profile in one["profiles"]}


class Script:
    """The script, an `az` that it finds first, and the Graph that this one talks to."""

    def __init__(self, graph: LocalCaller, url: str, folder: Path) -> None:
        self._graph = graph
        az = folder / "az"
        az.write_text(f'#!/bin/sh\nexec {sys.executable} {files.ROOT}/tests/fake_az.py "$@"\n')
        az.chmod(0o755)
        self._environment = {
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "FAKE_AZ_GRAPH": url,
        }
        self.containment, self.rebuild = self.principal(), self.principal()

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", str(files.EXECUTABLE), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
            timeout=60,
        )

    def grant(self, *arguments: str) -> str:
        done = self.run("--containment", self.containment, "--rebuild", self.rebuild, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def roles_of(self, object_id: str) -> set[str]:
        names = {role_id: value for value, role_id in GRAPH_ROLES.items()}
        path = f"/servicePrincipals/{object_id}/appRoleAssignments"
        return {names[one["appRoleId"]] for one in self._graph.ok("GET", path)["value"]}

    def principal(self) -> str:
        app_id = self._graph.new_application()["appId"]
        return str(self._graph.ok("POST", "/servicePrincipals", {"appId": app_id})["id"])


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    graph = LocalCaller(["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"])

    class Bridge(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            answer = graph.call(self.command, self.path.removeprefix("/v1.0"), body)
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names that the server looks for

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Bridge) as server:
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        yield Script(
            graph, f"http://127.0.0.1:{server.server_port}", tmp_path_factory.mktemp("bin")
        )
        server.shutdown()


def test_each_identity_gets_what_it_needs_and_what_is_beyond_its_profile_is_taken_where_that_is_asked(
    script: Script,
) -> None:
    script.containment, script.rebuild = script.principal(), script.principal()
    script.grant()
    held = script.roles_of(script.containment), script.roles_of(script.rebuild)
    again = script.grant("--profile", MANAGED_ONLY)
    kept = script.roles_of(script.containment)
    script.grant("--profile", MANAGED_ONLY, "--prune")

    assert held == (wanted("containment", FULL), wanted("rebuild", FULL))
    assert kept == wanted("containment", FULL)
    assert "was given" not in again
    assert "containment: holds Application.ReadWrite.All, which it does not need" in again
    assert script.roles_of(script.containment) == wanted("containment", MANAGED_ONLY)
    assert script.roles_of(script.rebuild) == wanted("rebuild", MANAGED_ONLY)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(script: Script) -> None:
    script.containment, script.rebuild = script.principal(), script.principal()
    said = script.grant("--dry-run")

    assert {one.rpartition(" ")[2] for one in said.splitlines()} >= wanted("containment", FULL)
    assert script.roles_of(script.containment) == script.roles_of(script.rebuild) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--containment", "orders-api"),
        ("--containment", _ID, "--profile", "all"),
        ("--containment", _ID, "--roles", "x"),
        ("--containment", _ID, "--rebuild", _ID),
    ],
)
def test_what_is_not_understood_is_refused_before_anything_is_asked(
    script: Script, arguments: tuple[str, ...]
) -> None:
    done = script.run(*arguments)

    assert done.returncode == 2
    assert done.stderr.startswith("grant-graph.sh: ")
