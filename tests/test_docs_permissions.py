"""docs/reference/permissions.md names what the code needs, and no more; what is asked for elsewhere is on it."""

import re
from pathlib import Path

import pytest

from permissions.document import CONTAINED
from permissions.joined import declared
from responders.resource_graph import CARRYING
from triggers import people

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "permissions.md"


def section(title: str) -> str:
    (found,) = [one for one in PAGE.read_text().split("\n## ") if one.startswith(f"{title}\n")]
    return found


def first_cells(title: str) -> set[str]:
    return set(re.findall(r"^\| `([^`]+)` \|", section(title), re.MULTILINE))


def test_every_app_role_that_a_responder_needs_is_on_the_page_or_in_one_that_is() -> None:
    named = first_cells("Microsoft Graph, as app roles")
    held = named | {role for one in named for role in CONTAINED.get(one, ())}

    assert {one.role for needs in declared().values() for one in needs.graph} <= held


def test_every_action_and_every_verb_that_a_responder_needs_is_on_the_page() -> None:
    actions = first_cells("Azure, as custom roles")
    rows = re.findall(
        r"^\| `([^`]+)` \| ([a-z, ]+) \| (?:containment|rebuild) \|",
        section("In each cluster, as a ClusterRole"),
        re.MULTILINE,
    )
    verbs = {(resource, verb) for resource, every in rows for verb in every.split(", ")}

    for needs in declared().values():
        told = {one.action for one in needs.azure if one.why != CARRYING and not one.untried}
        assert told <= actions
        assert {(one.resource, verb) for one in needs.cluster for verb in one.verbs} <= verbs


@pytest.mark.parametrize("role", people.ROLES)
def test_the_page_names_the_roles_of_people(role: str) -> None:
    assert role in first_cells("People, as app roles of Firebreak's own application")
