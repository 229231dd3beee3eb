"""Where a drill's results go: a folder each, with `latest` pointing at the newest."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drill.granted import unused
from drill.options import ROOT, DrillError, Json
from drill.training_ground import TrainingGround
from drill.verdict.judgement import Verdict
from drill.writings import is_report

_DRILLS = ROOT / ".drill"


@dataclass
class Outcome:
    """What a drill ends with."""

    verdict: Verdict
    folder: Path
    incident: Json  # its last status, as the app tells it
    reports: list[Path]  # the incident report, copied out of the evidence
    permissions: Json  # of Firebreak's identities, with how often each let a call through


def new_folder() -> Path:
    """A folder named by the time of day, and `.drill/latest` pointing at it."""
    _DRILLS.mkdir(exist_ok=True)
    folder = _DRILLS / datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")[:19]
    folder.mkdir()
    link = _DRILLS / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(_DRILLS / "latest")
    return folder


def fresh(folder: Path) -> Path:
    """This folder, made if need be. Raises `DrillError` where another drill has been in it."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise DrillError(f"{folder} is not empty: its evidence would join an older incident.")
    return folder.resolve()


def shown(path: Path) -> str:
    """A path as short as it can be said."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def record(
    ground: TrainingGround,
    verdict: Verdict,
    incident: Json,
    traffic: list[Json],
    permissions: Json,
) -> Outcome:
    """Write verdict.json and traffic.jsonl, and copy the report to where it is found at once.

    `permissions`: what the sandbox says of them before anything is looked at by moves.
    """
    folder = ground.folder
    lines = (json.dumps(exchange) + "\n" for exchange in traffic)
    (folder / "traffic.jsonl").write_text("".join(lines))
    document = {
        **verdict,
        "incident_id": incident.get("incident_id"),
        "phase": incident["phase"],
        "permissions": permissions,
        "unused_permissions": unused(permissions),
    }
    (folder / "verdict.json").write_text(json.dumps(document, indent=2) + "\n")
    return Outcome(verdict, folder, incident, _copied_reports(ground.evidence, folder), permissions)


def _copied_reports(evidence: Path, folder: Path) -> list[Path]:
    reports = []
    for source in sorted(evidence.rglob("*")):
        if source.is_file() and is_report(source.name):
            copy = folder / f"incident-{source.name}"
            copy.write_bytes(source.read_bytes())
            reports.append(copy)
    return reports
