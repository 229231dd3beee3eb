"""Which roles an identity lacks, which it has that nobody declares, and which a person has to want by name. Pure."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from playbooks.orders import Json
from playbooks.provisioning.compared import Compared
from playbooks.provisioning.declarations import Identity, Role
from playbooks.provisioning.model import IdentityState
from responders.model import Grant
from responders.named_roles import NamedRole


class _Settings(Protocol):
    @property
    def never_regrant(self) -> Sequence[str]:
        """Roles by name."""

    @property
    def remove_undeclared(self) -> bool:
        """Whether what nobody declares goes."""


def compare(
    declared: Identity, state: IdentityState, roles: Mapping[str, NamedRole], settings: _Settings
) -> Compared:
    """Exactly these roles at exactly these scopes."""
    found = Compared()
    kept: list[Grant] = []
    for one in declared.roles:
        role = roles.get(f"{one.role} {one.scope}")
        if role is None:
            continue  # it is not known, which blocks the whole identity
        there = next((grant for grant in state["grants"] if _is_it(grant, role, one.scope)), None)
        kept += [there] if there else []
        if there is None or (there["condition"] or None) != one.condition:
            _give(found, one, role, there)
            _ask(found, declared.name, (one, role), settings.never_regrant)
    for grant in (one for one in state["grants"] if one not in kept):
        _strange(found, grant, removed=settings.remove_undeclared)
    return found


def _is_it(grant: Grant, role: NamedRole, scope: str) -> bool:
    """The same definition at the same scope; whether its condition is, is another question."""
    return (
        _guid(grant["role_definition_id"]) == _guid(role["definition_id"])
        and grant["scope"].rstrip("/").lower() == scope.rstrip("/").lower()
    )


def _guid(definition_id: str) -> str:
    return definition_id.rpartition("/")[2].lower()


def _give(found: Compared, wanted: Role, role: NamedRole, there: Grant | None) -> None:
    after: Json = {
        "scope": wanted.scope,
        "role_definition_id": role["definition_id"],
        "role_name": role["name"],
        "condition": wanted.condition,
        "condition_version": "2.0" if wanted.condition else None,
    }
    before: Json | None = (
        {"id": there["id"], **{key: there[key] for key in ("condition", "condition_version")}}
        if there
        else None
    )
    now = _said(role["name"], wanted.scope, there["condition"]) if there else "not granted"
    then = _said(role["name"], wanted.scope, wanted.condition)
    said = (f"role assignment {role['name']} at {wanted.scope}", now, then)
    found.change("grant", f"{_guid(role['definition_id'])} {wanted.scope}", before, after, said)


def _said(role: str, scope: str, condition: str | None) -> str:
    return f"{role} at {scope}" + (f", if {condition}" if condition else "")


def _ask(found: Compared, name: str, given: tuple[Role, NamedRole], never: Sequence[str]) -> None:
    """Least privilege: a role by which its holder comes by everything is given to nobody in passing."""
    wanted, role = given
    by_name = role["name"].lower() in {one.lower() for one in never}
    why = role["owner_level"] or (
        "policy.toml [recovery] never_regrant names it" if by_name else ""
    )
    if why:
        found.confirmations.append(
            {
                "key": f"owner-level:{name}:{_guid(role['definition_id'])}@{wanted.scope}",
                "text": f"{name} gets {_said(role['name'], wanted.scope, wanted.condition)}: {why}",
            }
        )


def _strange(found: Compared, grant: Grant, *, removed: bool) -> None:
    what = _said(grant["role_name"], grant["scope"], grant["condition"])
    found.find(
        "undeclared-role",
        "medium",
        (grant["id"], f"{grant['role_name']} at {grant['scope']}"),
        f"the identity has {what}, which no document declares",
        f"declare it, apply with remove_undeclared, or az role assignment delete --ids {grant['id']}",
    )
    if removed:
        said = (f"role assignment {grant['id']}", what, "deleted")
        found.change("revoke", grant["id"], dict(grant), None, said)
