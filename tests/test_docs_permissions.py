"""docs/reference/permissions.md names what the code needs, and no more."""

import ast
import re
from pathlib import Path

import pytest

from responders import own_rights, preflight
from responders.quiet_permissions import ON_QUIET_DAYS
from triggers import people

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "permissions.md"
_GRAPH, _AZURE, _CLUSTER, _PEOPLE = 1, 2, 3, 4  # sections, in order


def section(number: int) -> str:
    return PAGE.read_text().split("\n## ")[number]


def first_cells(number: int) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", section(number), re.MULTILINE)


def needed_of_graph() -> set[str]:
    found: set[str] = set()
    for path in ROOT.glob("responders/*.py"):
        said = re.search(
            r"^Needs +((?:.+)(?:\n +.+)*)",
            ast.get_docstring(ast.parse(path.read_text())) or "",
            re.MULTILINE,
        )
        found |= set(re.findall(r"\b[A-Z]\w+\.Read\w*\.\w+", said[1] if said else ""))
    return found


def test_every_permission_that_a_responder_needs_is_on_the_page() -> None:
    named = set(first_cells(_GRAPH))
    missing = {one for one in needed_of_graph() if one not in named}

    assert {one for one in missing if one.replace(".Read.", ".ReadWrite.") not in named} == set()


def test_the_health_check_looks_for_every_app_role_on_the_page() -> None:
    assert set(own_rights.GRAPH) == set(first_cells(_GRAPH))
    assert set(own_rights.GRAPH) >= own_rights.GRAVE


def test_the_health_check_looks_for_roles_in_azure_that_are_on_the_page() -> None:
    # What gives access to logs and evidence shows in their use, and so do the channels.
    shown = {"Log Analytics Reader", "Storage Blob Data Contributor", "EventGrid Data Sender"}
    shown |= {"Microsoft Sentinel Responder"}
    assert set(own_rights.AZURE) == set(first_cells(_AZURE)) - shown
    assert set(own_rights.AZURE) >= own_rights.GRAVE_IN_AZURE


def test_the_page_names_every_verb_in_a_cluster() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", section(_CLUSTER), re.MULTILINE)

    lists = (preflight.NEEDED, preflight.WANTED, preflight.IF_SUSPENDED, ON_QUIET_DAYS)
    assert {(noun, tuple(verbs.split(", "))) for noun, verbs in rows} == {
        pair for one in lists for pair in one.items()
    }


@pytest.mark.parametrize("role", people.ROLES)
def test_the_page_names_the_roles_of_people(role: str) -> None:
    assert role in first_cells(_PEOPLE)
