"""docs/reference/plan.md names every field of a plan, and no other."""

import re
from pathlib import Path

from playbooks.plan_model import Plan

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "plan.md"


def test_every_field_of_a_plan_is_on_its_page() -> None:
    table = PAGE.read_text().partition("## What comes back")[0]
    named = re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)

    assert set(named) == set(Plan.__annotations__)
