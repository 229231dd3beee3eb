"""The pages that a person reads at night name every field, phase, outcome and card that there is."""

import ast
import re
from pathlib import Path

import pytest

from playbooks.notices import NOTICES

ROOT = Path(__file__).parent.parent
API = (ROOT / "docs" / "reference" / "api.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbooks" / "compromised-identity.md").read_text()


def fields() -> list[str]:
    """Keys of the document that `triggers.status.read` returns."""
    tree = ast.parse((ROOT / "triggers" / "status.py").read_text())
    (read,) = (one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "read")
    (document,) = (
        one.value
        for one in ast.walk(read)
        if isinstance(one, ast.Return) and isinstance(one.value, ast.Dict)
    )
    return [str(key.value) for key in document.keys if isinstance(key, ast.Constant)]


def phases() -> set[str]:
    """Every phase that a playbook enters."""
    found: set[str] = set()
    for path in (ROOT / "playbooks").glob("*.py"):
        text = path.read_text()
        found |= set(re.findall(r'\.enter\("(\w+)"\)', text))
        found |= set(re.findall(r'phase="(\w+)"', text))
        found |= set(re.findall(r'Wait\("(\w+)"', text))
    return found


def test_every_field_of_the_status_answer_is_documented() -> None:
    assert "exposures" in fields()
    assert [one for one in fields() if one != "incident_id" and f"`{one}`" not in API] == []


def test_every_phase_is_documented() -> None:
    assert "watching" in phases()
    assert {one for one in phases() if f"`{one}`" not in API} == set()


@pytest.mark.parametrize("notice", NOTICES)
def test_the_runbook_says_what_a_person_does_about_every_card(notice: str) -> None:
    assert f"`{notice}`" in RUNBOOK
