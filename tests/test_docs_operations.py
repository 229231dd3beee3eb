"""The table of operations names every playbook there is, and links to a page of each."""

import re
from pathlib import Path

from playbooks.runs.catalogue import PLAYBOOKS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "operations.md"


def test_every_playbook_stands_in_the_table_of_operations() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE.read_text()))

    assert set(PLAYBOOKS) - named == set()


def test_every_playbook_has_the_runbook_that_it_names_with_a_transcript() -> None:
    for one in PLAYBOOKS.values():
        text = (ROOT / one.runbook).read_text()
        assert f"make run PLAYBOOK={one.name}" in text, one.runbook
        assert "facts hold" in text, one.runbook
