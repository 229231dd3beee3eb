"""The published schema of reports, and what a report that a playbook wrote breaks of it."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

PUBLISHED = Path(__file__).parent.parent / "docs" / "reference" / "report.schema.json"


def faults(report: dict[str, Any]) -> list[str]:
    """One line each: where, and what."""
    schema = json.loads(PUBLISHED.read_text())
    found = Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(report)
    return [f"{list(one.absolute_path)}: {one.message[:300]}" for one in found]


def faults_in(folder: Path) -> list[str]:
    """Of every report in an incident's folder; that there is none is a fault."""
    files = sorted(folder.glob("report*.json"))
    found = [f"{file.name} {one}" for file in files for one in faults(json.loads(file.read_text()))]
    return found if files else [f"no report in {folder}"]
