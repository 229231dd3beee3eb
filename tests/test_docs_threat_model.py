"""The threat model names tests: each exists, so that no row leans on a defence that nothing checks."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "design" / "threat-model.md"


def rows() -> list[str]:
    return re.findall(r"^\| \*\*([STRIDE])\*\* \|.*$", PAGE.read_text(), re.MULTILINE)


def test_every_test_that_a_row_names_exists() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    known = set(re.findall(r"def (test_\w+)", text))
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))

    assert named - known == set()


def test_every_row_names_a_test_and_every_letter_has_rows() -> None:
    table = [line for line in PAGE.read_text().splitlines() if line.startswith("| **")]

    assert {line[4] for line in table} == set("STRIDE")
    assert [line for line in table if "`test_" not in line] == []
    assert len(table) == len(rows())
