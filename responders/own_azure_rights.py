"""What an identity may do in Azure, against what it needs, and at which scope: by its role assignments. Pure.

Source   https://learn.microsoft.com/azure/role-based-access-control/role-definitions
         https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from responders import role_definitions
from responders.needs import BINDINGS
from responders.own_checks import Row
from responders.own_identities import Held, Identity
from responders.permission_data import Needed, RoleNeed
from responders.role_definitions import Permission

ASSIGN: Final = "Microsoft.Authorization/roleAssignments/write"
MISSING, BEYOND = "azure-permission-missing", "azure-permission-beyond"
_SHOWN: Final = 4  # actions of a list; the others are counted
_READS: Final = re.compile(r".*/(read|listClusterUserCredential/action)$", re.IGNORECASE)
# What the platform needs of the app's own resources, which the deployment gives there: role, type of resource.
_PLATFORM: Final = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "microsoft.storage/storageaccounts",  # Blob Data Owner
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "microsoft.storage/storageaccounts",  # Queue Contributor
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "microsoft.storage/storageaccounts",  # Table Contributor
    "4633458b-17de-408a-b874-0445c86b69e6": "microsoft.keyvault/vaults",  # Key Vault Secrets User
    "3913510d-42f4-4e42-8a64-420c390055eb": "microsoft.insights/components",  # Metrics Publisher
    "0ad04412-c4d5-4796-b79c-f76d14c8d402": "microsoft.durabletask/schedulers",  # Data Contributor
}


class Places(NamedTuple):
    """Where the scopes of the needs are, in lower case; None where nobody knows."""

    subscriptions: tuple[str, ...]
    workspace: str | None
    evidence: (
        str | None
    )  # the end of the container's id; None: a folder, so any container may be it

    def holds(self, kind: str, scope: str) -> bool:
        """Whether what is needed at this kind of place is needed at this scope."""
        where = scope.lower()
        match kind:
            case "guarded":
                return True
            case "workspace" if self.workspace is not None:
                return where.startswith(self.workspace.lower())
            case "workspace" | "sentinel":
                return "/microsoft.operationalinsights/workspaces/" in where
            case "evidence":
                return where.endswith(self.evidence or "") and _is_container(where)
            case "claims":
                return where.endswith(f"{self.evidence or ''}-claims") and _is_container(where)
            case _:
                return "/microsoft.eventgrid/topics/" in where


class Seen(NamedTuple):
    """What an identity was seen to hold: its assignments, and what it may at a scope, whoever assigned it where."""

    held: Sequence[Held]
    at: Mapping[str, Sequence[Permission]]  # of each subscription, and of the workspace


def _is_container(scope: str) -> bool:
    return "/blobservices/default/containers/" in scope


def judged(identity: Identity, needed: Needed, seen: Seen, places: Places) -> list[Row]:
    """Rows for what is missing, what is too much, and a condition that is not there; one row where all is well."""
    rows = [
        row
        for role in needed.roles
        if role.required
        for row in _missing(identity, role, seen, places)
    ]
    rows += [row for one in seen.held for row in _surplus(identity, needed, seen, one, places)]
    if any(row.state != "note" for row in rows):
        return rows
    said = f"{len(seen.held)} role assignments, as needed and no more"
    return [Row("ok", said, about=identity.name), *rows]


def _missing(identity: Identity, role: RoleNeed, seen: Seen, places: Places) -> list[Row]:
    """One row for each set of places that lack the same."""
    lacking: dict[tuple[str, ...], list[str]] = {}
    anywhere = [block for one in seen.held for block in one.allows or []]
    for scope in _scopes(role, places):
        blocks = anywhere if scope is None else seen.at[scope]
        absent = tuple(
            action
            for actions, data in ((role.actions, False), (role.data, True))
            for action in actions
            if not role_definitions.allows(blocks, action, data=data)
        )
        if absent:
            lacking.setdefault(absent, []).append(scope or role.scope)
    return [_lacks(identity, role, absent, where) for absent, where in lacking.items()]


def _scopes(role: RoleNeed, places: Places) -> Sequence[str | None]:
    """Where it has to reach; None: somewhere. The evidence store is proven by its use."""
    match role.scope:
        case "guarded":
            return places.subscriptions
        case "workspace":
            return [places.workspace] if places.workspace else []
        case "evidence" | "claims":
            return []
        case _:
            return [None]


def _lacks(identity: Identity, role: RoleNeed, absent: Sequence[str], where: list[str]) -> Row:
    lines = {**role.actions, **role.data}
    said = f"{role.role} in {', '.join(where)}: may not {_some(absent)}: {lines[absent[0]].said()}"
    condition = f' --condition-version 2.0 --condition "{role.condition}"' if role.condition else ""
    scope = where[0] if where[0].startswith("/") else f"<{role.scope}>"
    fix = (
        f"az role assignment create --assignee-object-id {identity.object_id} "
        f"--assignee-principal-type ServicePrincipal --role '{role.role}' --scope {scope}{condition}"
        f"  # the role: infra/permissions/azure-{role.hand}.json"
    )
    if role.option == BINDINGS:  # whoever deploys leaves it out where the cloud does not know it
        return Row("note", said, fix, identity.name)
    return Row(
        "failed", said, fix, identity.name, any(not _READS.match(one) for one in absent), MISSING
    )


def _surplus(
    identity: Identity, needed: Needed, seen: Seen, held: Held, places: Places
) -> list[Row]:
    """What one assignment allows beyond the need; of one that allows no more, whether its condition is there."""
    others = [block for one in seen.held if one is not held for block in one.allows or []]
    rows = _beyond(identity, needed, held, places, others)
    return (
        rows
        if any(row.state != "note" for row in rows)
        else rows + _conditions(identity, needed, held)
    )


def _beyond(
    identity: Identity,
    needed: Needed,
    held: Held,
    places: Places,
    others: Sequence[Permission],
) -> list[Row]:
    if held.allows is None:
        fix = "let the app's identity read role definitions: docs/reference/permissions.md"
        said = f"what {held.role_name} at {held.scope} allows could not be read"
        return [Row("unknown", said, fix, identity.name)]
    if _PLATFORM.get(held.role_id) == _type_of(held.scope):
        return []
    more = [
        *_too_much(held.allows, _wanted(needed, held.scope, places, data=False), data=False),
        *_too_much(held.allows, _wanted(needed, held.scope, places, data=True), data=True),
    ]
    if not more:
        return _unused(identity, needed, held, places)
    owner = _owner_level(held, needed)
    said = f"{held.role_name} at {held.scope} allows more than it needs there: {_some(more)}"
    if owner:
        said = f"{said}: {owner}"
    first = ""
    if _is_of_use(needed, held.allows, others):
        first = (
            f"give it the roles of infra/permissions/azure-{identity.hands[0]}.json first, then: "
        )
    return [
        Row(
            "failed",
            said,
            f"{first}{_take_away(identity, held)}",
            identity.name,
            bool(owner),
            BEYOND,
        )
    ]


def _unused(identity: Identity, needed: Needed, held: Held, places: Places) -> list[Row]:
    """What is held for an option alone that is switched off: somebody chose it, and nothing uses it."""
    granted = {action.lower() for one in held.allows or [] for action in one["actions"]}
    options = sorted(
        one.option
        for one in needed.roles
        if not one.required
        and places.holds(one.scope, held.scope)
        and {action.lower() for action in one.actions} <= granted
    )
    if not options:
        return []
    said = (
        f"{held.role_name} at {held.scope} is held for {', '.join(options)}, which is switched off"
    )
    return [Row("note", said, _take_away(identity, held), identity.name)]


def _wanted(needed: Needed, scope: str, places: Places, *, data: bool) -> frozenset[str]:
    """Actions that are needed at this scope, in lower case."""
    return frozenset(
        action.lower()
        for role in needed.roles
        if places.holds(role.scope, scope)
        for action in (role.data if data else role.actions)
    )


def _too_much(allows: Sequence[Permission], wanted: frozenset[str], *, data: bool) -> list[str]:
    """What is granted as written, by a name or by a pattern. A pattern is more than any list of names."""
    granted, denied = ("data_actions", "not_data_actions") if data else ("actions", "not_actions")
    return [
        pattern
        for one in allows
        for pattern in one[granted]  # type: ignore[literal-required]
        if pattern.lower() not in wanted
        and pattern.lower() not in {each.lower() for each in one[denied]}  # type: ignore[literal-required]
    ]


def _is_of_use(needed: Needed, allows: Sequence[Permission], others: Sequence[Permission]) -> bool:
    """Whether taking it away would take something that is needed and that no other assignment gives."""
    return any(
        role_definitions.allows(allows, action, data=data)
        and not role_definitions.allows(others, action, data=data)
        for role in needed.roles
        if role.required
        for actions, data in ((role.actions, False), (role.data, True))
        for action in actions
    )


def _owner_level(held: Held, needed: Needed) -> str:
    """Why whoever acts as this identity may give itself everything; that a condition is missing is a row of its own."""
    why = role_definitions.owner_level(held.allows or []) or ""
    if ASSIGN in why and held.condition and _condition(needed):
        return ""
    return why


def _conditions(identity: Identity, needed: Needed, held: Held) -> list[Row]:
    """An assignment that may give out roles, where that is needed: only under the condition that was made for it."""
    expected = _condition(needed)
    if expected is None or not role_definitions.allows(held.allows or [], ASSIGN):
        return []
    if held.condition and _is_as_strict(held.condition, expected):
        return []
    what = "another condition than the generated one" if held.condition else "no condition"
    said = f"{held.role_name} at {held.scope} gives out roles under {what}: it may give itself everything"
    fix = (
        f"{_take_away(identity, held)} && az role assignment create --assignee-object-id {identity.object_id} "
        f"--assignee-principal-type ServicePrincipal --role '{held.role_name}' --scope {held.scope} "
        f'--condition-version 2.0 --condition "$(cat infra/permissions/condition-rebuild.txt)"'
    )
    return [Row("failed", said, fix, identity.name, grave=True, rule=BEYOND)]


def _condition(needed: Needed) -> str | None:
    found = (one.condition for one in needed.roles if ASSIGN in one.actions and one.condition)
    return next(found, None)


# A deployment may narrow it further, to a list of roles: that part alone may be there beside what was generated.
_LISTED: Final = re.compile(
    r" AND @(Request|Resource)\[Microsoft\.Authorization/roleAssignments:RoleDefinitionId\] "
    r"ForAnyOfAnyValues:GuidEquals \{[0-9a-f, -]+\}",
    re.IGNORECASE,
)


def _is_as_strict(condition: str, expected: str) -> bool:
    """The generated condition, or that one narrowed to a list of roles: what is not known is not safe."""
    return _plain(_LISTED.sub("", " ".join(condition.split()))) == _plain(expected)


def _plain(condition: str) -> str:
    return re.sub(r"\s+", "", condition).lower()


def at_scope(held: Sequence[Held], scope: str) -> list[Permission]:
    """What assignments at or above a scope give there, for who can't ask as the identity itself.

    Of a management group nobody looks here whether the scope is below it: it is taken to be.
    """
    return [block for one in held if _covers(one.scope, scope) for block in one.allows or []]


def _covers(above: str, scope: str) -> bool:
    over, under = above.lower().rstrip("/"), scope.lower()
    is_group = over.startswith("/providers/microsoft.management/managementgroups/")
    return is_group or not over or under == over or under.startswith(f"{over}/")


def _type_of(scope: str) -> str:
    """The type of the resource that a scope is, or is within."""
    parts = scope.lower().rpartition("/providers/")[2].split("/")
    return "/".join(parts[:2])


def _take_away(identity: Identity, held: Held) -> str:
    if held.group is None:
        return f"az role assignment delete --ids {held.id}"
    return f"az ad group member remove --group {held.group} --member-id {identity.object_id}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
