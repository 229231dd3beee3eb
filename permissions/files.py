"""Every file that is made of the needs, with its content."""

import json
from pathlib import Path
from typing import Final

from permissions.document import document
from permissions.source import ROOT

FOLDER: Final = ROOT / "infra" / "permissions"
# The app takes this one along: `infra` stays behind.
DEPLOYED: Final = ROOT / "responders" / "permissions.json"


def rendered() -> dict[Path, str]:
    """By path, what stands in each file."""
    found = document()
    whole = _as_json(found)
    return {FOLDER / "permissions.json": whole, DEPLOYED: whole}


def _as_json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
