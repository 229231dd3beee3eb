"""docs/reference/levers.md says what the code says. `python -m tests.test_docs_levers` writes it anew.

The table comes from `playbooks/levers.py`, the rest from the responders' own docstrings and commands.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from permissions.joined import used
from playbooks import levers
from responders import (
    app_roles,
    applications,
    credentials,
    directory_roles,
    federated_credentials,
    identity_trusts,
    key_vault_policies,
    made_principals,
    managed_identities,
    memberships,
    oauth_grants,
    owners,
    risk,
    role_assignments,
    service_principals,
)
from responders.model import MANAGED, Principal, PrincipalKind
from responders.needs import AzureNeed, GraphNeed
from responders.resource_graph import CARRYING

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "levers.md"
BEGIN, END = "<!-- generated: from here -->", "<!-- generated: to here -->"
_WIDTH = 140
_HEADINGS = ("Stops", "Leaves", "Undo", "Needs", "Source")
OF: dict[str, ModuleType] = {
    "disable_service_principal": service_principals,
    "deactivate_application": applications,
    "remove_federated_credentials": federated_credentials,
    "remove_application_credentials": credentials,
    "remove_service_principal_credentials": credentials,
    "remove_identity_trusts": identity_trusts,
    "remove_role_assignments": role_assignments,
    "remove_app_roles": app_roles,
    "remove_oauth_grants": oauth_grants,
    "remove_memberships": memberships,
    "remove_key_vault_policies": key_vault_policies,
    "remove_owners": owners,
    "clear_made_principal": made_principals,
    "report_directory_roles": directory_roles,
    "confirm_compromised": risk,
    "revoke_tokens": managed_identities,
    "report_attachments": managed_identities,
}
_NAMES: dict[str, str] = {
    "11111111-1111-4111-8111-111111111111": "<object id>",
    "22222222-2222-4222-8222-222222222222": "<client id>",
    "33333333-3333-4333-8333-333333333333": "<application object id>",
    "/subscriptions/s/identity": "<resource id>",
}


def kinds() -> tuple[PrincipalKind, ...]:
    """Every kind that has levers at all."""
    return tuple(one for one in get_args(PrincipalKind) if one in levers.LEVERS)


def name_of(step: Any) -> str:
    return str(step._function._name)


def table() -> dict[str, dict[str, str]]:
    """Step -> kind -> when it is pulled."""
    found: dict[str, dict[str, str]] = {name: {} for name in OF}
    for when, rows in (
        ("first", levers.FIRST),
        ("pulled", levers.LEVERS),
        ("beside", levers.BESIDE),
    ):
        for kind, steps in rows.items():
            for step in steps:
                found.setdefault(name_of(step), {})[kind] = when
    return found


def principal(kind: PrincipalKind) -> Principal:
    object_id, app_id, application_id, resource_id = _NAMES
    has_application = kind in {"application", "application_without_principal"}
    return {
        "kind": kind,
        "object_id": object_id,
        "app_id": app_id,
        "application_object_id": application_id if has_application else None,
        "display_name": "orders-api",
        "tenant_id": app_id,
        "owner_tenant_id": app_id,
        "service_principal_type": "Application",
        "resource_id": resource_id if kind in MANAGED else None,
        "unsupported_because": None,
    }


def commands(step: str, kind: PrincipalKind) -> list[str]:
    by_hand: Callable[[Principal], list[str]] = OF[step].by_hand
    said = by_hand(principal(kind))
    for real, shown in _NAMES.items():
        said = [one.replace(real, shown) for one in said]
    return [" \\\n  ".join(_broken(one)) for one in said]


_WORD = re.compile(r"""(?:[^\s"']|"(?:\\.|[^"\\])*"|'[^']*')+""")


def _broken(command: str) -> list[str]:
    """Lines that a shell joins to the same command: never broken within quotes, nor within a comment at the end."""
    lines, end = [""], 0
    for match in _WORD.finditer(command):
        if match[0].startswith("#"):
            lines[-1] += command[end:]
            break
        if lines[-1] and len(lines[-1]) + len(match[0]) >= _WIDTH:
            lines.append("")
        lines[-1] += f" {match[0]}" if lines[-1] else match[0]
        end = match.end()
    return lines


def parts(module: ModuleType) -> dict[str, str]:
    """Heading -> text, of a responder's docstring."""
    text = ast.get_docstring(ast.parse(inspect.getsource(module))) or ""
    pattern = rf"^({'|'.join(_HEADINGS)}) +((?:.+)(?:\n +.+)*)"
    return {
        match[1]: " ".join(match[2].split()) for match in re.finditer(pattern, text, re.MULTILINE)
    }


def needs(step: str) -> str:
    """What this lever's calls ask for, and what no data says: what stands in the docstring beside it."""
    mine = [one.need for one in used() if step in one.steps]
    roles = {f"`{one.role}`" for one in mine if isinstance(one, GraphNeed)}
    actions = {
        f"`{one.action}`"
        for one in mine
        if isinstance(one, AzureNeed) and one.why != CARRYING and one.scope == "guarded"
    }
    beside = parts(OF[step])["Needs"].partition("NEEDS below; ")[2]
    named = [
        f"{of}: {', '.join(sorted(found))}"
        for of, found in (("Microsoft Graph", roles), ("Azure", actions))
        if found
    ]
    if any(one.why == CARRYING for one in mine):
        named.append("to read each type of resource that can carry an identity")
    return "; ".join([*named, beside] if beside else named)


def _bullet(text: str) -> str:
    return textwrap.fill(
        text, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _source(text: str) -> str:
    links = [one.rstrip(",") for one in text.split() if one.startswith("https://")]
    return "\n".join(f"  <{one}>" for one in links)


def section(step: str, whens: dict[str, str]) -> Iterator[str]:
    """One lever: what its responder says of itself, and the commands for each kind that it is pulled for."""
    said = {**parts(OF[step]), "Needs": needs(step)}
    yield f"### `{step}`\n"
    for heading in _HEADINGS[:-1]:
        yield _bullet(f"- **{heading}** {said[heading]}")
    yield f"- **Source**\n{_source(said['Source'])}\n"
    grouped: dict[tuple[str, ...], list[str]] = {}
    for kind in kinds():
        if kind in whens:
            grouped.setdefault(tuple(commands(step, kind)), []).append(kind)
    yield "```sh"
    for lines, of in grouped.items():
        if len(grouped) > 1:
            yield f"# {', '.join(of)}"
        yield from lines
    yield "```\n"


def render() -> str:
    """Everything between the two marks."""
    rows = table()
    head = ["lever", *(f"`{one}`" for one in kinds())]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for step, whens in rows.items():
        cells = [f"`{step}`", *(whens.get(kind, "") for kind in kinds())]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## Lever by lever", ""]
    for step, whens in rows.items():
        lines += section(step, whens)
    return "\n".join(lines).rstrip() + "\n"


def written() -> str:
    return PAGE.read_text().partition(f"{BEGIN}\n")[2].partition(END)[0]


def test_the_page_is_what_the_code_says() -> None:
    assert written() == render(), "python -m tests.test_docs_levers writes it anew"


def test_every_lever_that_is_pulled_has_a_responder_and_none_is_left_over() -> None:
    assert set(table()) == set(OF)
    assert all(whens for whens in table().values())


@pytest.mark.parametrize("step", OF)
def test_every_lever_says_what_it_stops_leaves_needs_and_how_a_person_does_it(step: str) -> None:
    assert set(parts(OF[step])) == set(_HEADINGS)
    assert any(commands(step, kind) for kind in kinds() if kind in table()[step])


def test_the_page_explains_every_kind_and_every_word_of_the_table() -> None:
    page = PAGE.read_text()
    for word in (*get_args(PrincipalKind), "first", "pulled", "beside"):
        assert f"`{word}`" in page.partition(BEGIN)[0], word


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(f"{BEGIN}\n")
    PAGE.write_text(f"{before}{BEGIN}\n{render()}{END}{rest.partition(END)[2]}")
