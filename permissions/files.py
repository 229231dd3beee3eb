"""Every file that is made of the needs, with its content."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from permissions import azure_roles, cluster_roles, conditions, graph_script, page
from permissions.document import document
from permissions.source import ROOT

FOLDER: Final = ROOT / "infra" / "permissions"
# The app takes this one along: `infra` stays behind.
DEPLOYED: Final = ROOT / "responders" / "permissions.json"
PAGE: Final = ROOT / "docs" / "reference" / "permissions.md"
EXECUTABLE: Final = FOLDER / "grant-graph.sh"


def rendered() -> dict[Path, str]:
    """By path, what stands in each file."""
    found = document()
    whole = _as_json(found)
    made = {FOLDER / "permissions.json": whole, DEPLOYED: whole}
    made |= {FOLDER / name: content for name, content in _for_infra(found["hands"])}
    return made | {PAGE: page.page(found["hands"])}


def _for_infra(hands: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for hand, held in hands.items():
        yield f"azure-{hand}.json", _as_json(azure_roles.of(held))
        yield f"clusterrole-{hand}.yaml", cluster_roles.of(hand, held["cluster"])
    yield "condition-rebuild.txt", f"{conditions.condition(())}\n"
    yield "condition-rebuild-listed.txt", f"{conditions.condition((conditions.LISTED,))}\n"
    yield EXECUTABLE.name, graph_script.script(hands)


def _as_json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
