"""Everything that the app and its host wrote during a drill, read back from disk as text."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from drill.options import Json
from drill.scene import EvidenceFile
from drill.training_ground import TrainingGround

_TRANSIENT = (".lock", ".part")


def evidence_of(folder: Path) -> list[EvidenceFile]:
    """Every file of the evidence store, with the moment in which it was last written."""
    return [
        EvidenceFile(
            str(file.relative_to(folder)),
            datetime.fromtimestamp(file.stat().st_mtime, UTC),
            file.read_text(errors="replace"),
        )
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix not in _TRANSIENT
    ]


def outputs_of(
    ground: TrainingGround, evidence: list[EvidenceFile], state: Json, status: Json
) -> dict[str, str]:
    """Where a secret could have leaked to, and all that was written there."""
    reports = [file for file in evidence if is_report(file.path)]
    return {
        "host log": "\n".join(one.read_text(errors="replace") for one in ground.host_logs),
        "evidence": "\n".join(file.text for file in evidence),
        "report": "\n".join(file.text for file in reports),
        "Teams messages": "\n".join(json.dumps(message) for message in state["teams"]),
        "events": json.dumps(state["topics"].get("incidents", [])),
        "orchestration history": _dump(ground.folder / "host"),
        "status answer": json.dumps(status),
    }


def keys_of(ground: TrainingGround) -> dict[str, str]:
    """What the app and its host were given to keep to themselves."""
    described, keys = ground.described, ground.keys
    return {
        "managed-identity header": described["identity_header"],
        "Teams webhook URL": described["environment"]["FIREBREAK_TEAMS_WEBHOOK_URL"],
        "function key": keys["functionKeys"]["default"],
        "master key": keys["masterKey"],
    }


def is_report(path: str) -> bool:
    """Whether an evidence file is the incident report."""
    return Path(path).name in ("report.md", "report.json", "report.html")


def _dump(folder: Path) -> str:
    """Every value in every table of the host's databases; raw pages would split a long value."""
    texts: list[str] = []
    for database in sorted(folder.glob("*.sqlite")):
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            texts.extend(connection.iterdump())
    return "\n".join(texts)
