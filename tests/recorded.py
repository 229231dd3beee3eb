"""Histories of orchestrations, recorded from drills and replayed on the code of today.

    python -m tests.recorded 0.1.0        records one release: the drills of `_DRILLS`, into tests/histories/0.1.0/

A recording is never made anew for a release that was shipped: it is what incidents of that release look like in a
tenant that has just been upgraded in the middle of them.
"""

import argparse
import json
import lzma
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import azure.functions as func

from host.durable import history
from host.durable.actions import Ledger, NonDeterminismError

ROOT = Path(__file__).parent.parent
HISTORIES = Path(__file__).parent / "histories"
# What to run, and what its recording is called.
_DRILLS: dict[str, list[str]] = {
    "respond": ["-m", "drill"],
    "wait-out": ["-m", "drill", "--scenario", "recover-wait-out"],
    "rotate-keys": ["-m", "drill", "--scenario", "recover-rotate-keys"],
    "managed-identity": ["-m", "drill", "--scenario", "recover-managed-identity"],
    "false-alarm": ["-m", "drill", "--scenario", "false-alarm"],
    "contain": ["-m", "drill", "--scenario", "second-app"],
    "health-check": ["-m", "drill.quiet", "health_check"],
}


class Action(TypedDict):
    """What an orchestrator asked for, as far as Azure compares it at a replay."""

    kind: int
    name: str


class Recorded(TypedDict):
    """One orchestration, to its last event."""

    instance_id: str
    parent_instance_id: str | None
    name: str
    version: str | None
    input: str | None
    status: str
    history: list[str]  # JSON texts
    actions: list[Action]


class ChangedError(Exception):
    """Today's code does not do what the history says that it did."""


def read(database: Path) -> list[Recorded]:
    """Every orchestration of a host's history file."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as found:
        rows = found.execute(
            "SELECT instance_id, parent_instance_id, name, version, input, status FROM instances"
        ).fetchall()
        return [_recorded(found, *row) for row in sorted(rows)]


def _recorded(found: sqlite3.Connection, instance_id: str, *rest: Any) -> Recorded:
    parent, name, version, given, status = rest
    where = "WHERE instance_id = ? ORDER BY position"
    events = found.execute(f"SELECT event FROM history {where}", (instance_id,))  # noqa: S608 - a constant
    asked = found.execute(f"SELECT kind, name FROM actions {where}", (instance_id,))  # noqa: S608 - as above
    return {
        "instance_id": instance_id,
        "parent_instance_id": parent,
        "name": name,
        "version": version,
        "input": given,
        "status": status,
        "history": [row[0] for row in events],
        "actions": [{"kind": kind, "name": one} for kind, one in asked],
    }


def replay(one: Recorded, orchestrator: Any) -> None:
    """Run today's orchestrator over the whole history. Raises `ChangedError` where it asks for something else."""
    body = history.context(
        one["instance_id"], one["parent_instance_id"], one["input"], one["history"], []
    )
    try:
        state = json.loads(orchestrator(func.OrchestrationContext(body)))
    except Exception as broke:
        raise ChangedError(f"{one['name']} raises {type(broke).__name__}: {broke}") from broke
    ledger = Ledger()
    try:
        ledger.accept(state["actions"][0] if state["actions"] else [])
    except NonDeterminismError as odd:  # of a fresh ledger: never
        raise ChangedError(str(odd)) from odd
    asked = [{"kind": leaf.kind, "name": leaf.name} for leaf in ledger.leaves]
    for position, (then, now) in enumerate(zip(one["actions"], asked, strict=False), start=1):
        if then != now:
            raise ChangedError(f"{one['name']}, action {position}: it was {then}, now it is {now}")
    if len(asked) < len(one["actions"]):
        missing = one["actions"][len(asked)]
        raise ChangedError(f"{one['name']} ends before its action {len(asked) + 1}, {missing}")
    if one["status"] == "Completed" and not state["isDone"]:
        raise ChangedError(f"{one['name']} had ended, and now it waits")


def releases() -> list[Path]:
    """A folder for each release."""
    return sorted(one for one in HISTORIES.iterdir() if one.is_dir())


def of(path: Path) -> list[Recorded]:
    """A recording."""
    found: list[Recorded] = json.loads(lzma.decompress(path.read_bytes()))
    return found


def _record(release: Path) -> Iterator[str]:
    for name, arguments in _DRILLS.items():
        with tempfile.TemporaryDirectory() as folder:
            where = Path(folder) / "drill"
            command = [sys.executable, *arguments, "--folder", str(where)]
            ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if ran.returncode:
                raise SystemExit(f"{name}: {ran.stdout[-1500:]}{ran.stderr[-500:]}")
            found = [one for path in where.rglob("history.sqlite") for one in read(path)]
        content = json.dumps(found, separators=(",", ":")).encode()
        (release / f"{name}.json.xz").write_bytes(lzma.compress(content))
        yield f"{name}: {len(found)} orchestrations"


def main() -> int:
    """Record a release that was not recorded yet."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorded", description=__doc__)
    parser.add_argument("release")
    release = HISTORIES / parser.parse_args().release
    release.mkdir()
    for line in _record(release):
        sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
