"""The script that an administrator runs gives each identity what it needs in Microsoft Graph, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from permissions import files
from permissions.document import FULL, MANAGED_ONLY
from sandbox.seed.first_party import GRAPH_ROLES
from tests.sandbox_fixture import RunningSandbox

_ID = "00000000-0000-4000-8000-000000000001"
_HELD = json.loads((files.FOLDER / "permissions.json").read_text())["hands"]
_AZ = Path(__file__).parent / "documented" / "az_cli.py"


def wanted(hand: str, profile: str) -> set[str]:
    return {one["role"] for one in _HELD[hand]["graph"] if profile in one["profiles"]}


class Script:
    """The script, as a Privileged Role Administrator runs it; `az` is as strict as the real one."""

    def __init__(self, sandbox: RunningSandbox, folder: Path) -> None:
        self._sandbox = sandbox
        az, world = folder / "az", folder / "world.json"
        az.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{_AZ}" "$@"\n')
        az.chmod(0o755)
        known = {"endpoints": sandbox.endpoints, "ca": sandbox.ca_bundle, "user": "petra"}
        known |= {"audience": "", "log": str(folder / "log"), "responder": "petra"}
        world.write_text(json.dumps(known))
        path = f"{folder}:{os.environ['PATH']}"
        self._environment = {**os.environ, "PATH": path, "AZ_WORLD": str(world)}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", str(files.EXECUTABLE), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
            timeout=100,
        )

    def grant(self, both: tuple[str, str], *arguments: str) -> str:
        done = self.run("--containment", both[0], "--rebuild", both[1], *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def identities(self) -> tuple[str, str]:
        wish = [{"name": name, "resourceGroup": "rg-orders"} for name in ("id-one", "id-two")]
        made = self._sandbox.control("POST", "seed", {"userAssignedIdentities": wish})
        one, two = made["userAssignedIdentities"]
        return str(one["object_id"]), str(two["object_id"])

    def roles_of(self, object_id: str) -> set[str]:
        names = {role_id: value for value, role_id in GRAPH_ROLES.items()}
        every: list[dict[str, Any]] = self._sandbox.control("GET", "state")["appRoleAssignments"]
        return {names[one["appRoleId"]] for one in every if one["principalId"] == object_id}


@pytest.fixture
def script(sandbox: RunningSandbox, tmp_path: Path) -> Script:
    sandbox.no_delays()
    (made,) = sandbox.control("POST", "seed", {"users": [{"name": "petra"}]})["users"]
    role = {"principalId": made["object_id"], "role": "Privileged Role Administrator"}
    sandbox.control("POST", "seed", {"directoryRoleAssignments": [role]})
    return Script(sandbox, tmp_path)


@pytest.mark.slow
def test_each_identity_gets_what_it_needs_and_what_is_beyond_its_profile_is_taken_where_that_is_asked(
    script: Script,
) -> None:
    both = script.identities()
    dry = script.grant(both, "--dry-run")
    untouched = script.roles_of(both[0]) | script.roles_of(both[1])
    script.grant(both)
    held = script.roles_of(both[0]), script.roles_of(both[1])
    again = script.grant(both, "--profile", MANAGED_ONLY)
    kept = script.roles_of(both[0])
    script.grant(both, "--profile", MANAGED_ONLY, "--prune")

    assert {one.rpartition(" ")[2] for one in dry.splitlines()} == wanted("containment", FULL)
    assert untouched == set()
    assert held == (wanted("containment", FULL), wanted("rebuild", FULL))
    assert kept == wanted("containment", FULL)
    assert "was given" not in again
    assert "containment: holds Application.ReadWrite.All, which it does not need" in again
    assert script.roles_of(both[0]) == wanted("containment", MANAGED_ONLY)
    assert script.roles_of(both[1]) == wanted("rebuild", MANAGED_ONLY)


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
    arguments: tuple[str, ...],
) -> None:
    done = subprocess.run(
        ["bash", str(files.EXECUTABLE), *arguments], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("grant-graph.sh: ")
