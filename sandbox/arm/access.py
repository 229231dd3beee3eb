"""Who may do what: Azure RBAC as a resource provider evaluates it.

Simulates   role assignments x role definitions, seen late
Faithful    wildcards, notActions, inheritance from management group to sub-resource; a grant and
            its removal both take effect only after `delays.role_assignments`
            groups count; a condition is evaluated, and grants nothing where that is impossible
Left out    deny assignments
Source      https://learn.microsoft.com/azure/role-based-access-control/overview
            https://learn.microsoft.com/azure/role-based-access-control/role-definitions
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache

from sandbox.arm import conditions
from sandbox.arm.conditions import Attributes
from sandbox.arm.definitions import find_role_definition, permissions_of, subscription_prefix
from sandbox.arm.memberships import identities_of
from sandbox.world import Json, World


def allows(
    world: World,
    object_id: str,
    action: str,
    scope: str,
    *,
    data_action: bool = False,
    attributes: Attributes | None = None,
) -> bool:
    """Whether this principal may do this at this scope, by what has reached the replicas."""
    found = deciding_assignment(
        world, object_id, action, scope, data_action=data_action, attributes=attributes
    )
    return found is not None


def judge(world: World, object_id: str) -> Callable[[str, str], bool]:
    """As `allows`, of an action and a scope, for lists: they ask it of each item, and assignments are found once."""
    held = effective_assignments(world, object_id)
    known: dict[tuple[str, str], bool] = {}

    def may(action: str, scope: str) -> bool:
        key = action, scope.lower()
        if key not in known:
            around = {area.lower() for area in scopes_above(world, scope)}
            mine = [each for each in held if each["properties"]["scope"].lower() in around]
            wish = _Wish(action, conditions.of_storage(scope))
            known[key] = _first_grant(world, mine, wish) is not None
            _note(world, object_id, mine, wish)
        return known[key]

    return may


def deciding_assignment(
    world: World,
    object_id: str,
    action: str,
    scope: str,
    *,
    data_action: bool = False,
    attributes: Attributes | None = None,
) -> Json | None:
    """The first role assignment that grants it: the evidence that the activity log names."""
    around = {area.lower() for area in scopes_above(world, scope)}
    mine = effective_assignments(world, object_id, around)
    known = conditions.of_storage(scope) | dict(attributes or {})
    wish = _Wish(action, known, data_action=data_action)
    _note(world, object_id, mine, wish)
    return _first_grant(world, mine, wish)


@dataclass(frozen=True, slots=True)
class _Wish:
    """An action at a scope, with what conditions may ask about it."""

    action: str
    attributes: Attributes
    data_action: bool = False

    @property
    def blocks(self) -> tuple[str, str]:
        """Where a role says yes, and where it takes that back."""
        return ("dataActions", "notDataActions") if self.data_action else ("actions", "notActions")


def _first_grant(world: World, assignments: list[Json], wish: _Wish) -> Json | None:
    return next((one for one in assignments if _granting(world, one, wish)), None)


def _note(world: World, object_id: str, assignments: list[Json], wish: _Wish) -> None:
    """What of all that the caller holds would have sufficed, where anybody wants to know."""
    if not world.used.is_watched(object_id):
        return
    sufficed = {
        f"{_name_of(world, one)}: {pattern}"
        for one in assignments
        for pattern in _granting(world, one, wish)
    }
    world.used.note(object_id, "azure", sufficed)


def _name_of(world: World, assignment: Json) -> str:
    role = find_role_definition(world, assignment["properties"]["roleDefinitionId"])
    return str((role or {"properties": {"roleName": ""}})["properties"]["roleName"])


def effective_assignments(
    world: World, object_id: str, around: Collection[str] | None = None
) -> list[Json]:
    """This principal's assignments and its groups', as a resource provider knows them at this moment.

    `around`: only those at one of these scopes, in lower case.

    Up to 10 minutes late in Azure, both ways:
    https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
    """
    own = object_id.lower()
    # Its own first, always in the same order: logs name the first one that grants.
    mine = [own, *sorted(identities_of(world, object_id) - {own})]
    return world.azure.role_assignments.views_by(
        "principal",
        mine,
        world.seen_by_now(world.delays.role_assignments),
        lambda item: around is None or item["properties"]["scope"].lower() in around,
    )


def scopes_above(world: World, scope: str) -> list[str]:
    """The scope itself and everything that it inherits from, innermost first.

    Above a subscription stand the management groups that it is in, the root's name being the tenant's id:
    https://learn.microsoft.com/azure/governance/management-groups/overview
    """
    subscription = subscription_prefix(scope)
    parts = scope.rstrip("/").split("/")
    chain = []
    while subscription and len("/".join(parts)) >= len(subscription):
        chain.append("/".join(parts))
        parts.pop()
    if not subscription and scope.strip("/"):
        chain.append(scope.rstrip("/"))
    root = f"/providers/Microsoft.Management/managementGroups/{world.tenant_id}"
    while chain and (parent := world.azure.parents.get(chain[-1].lower())):
        chain.append(parent)
    if root.lower() not in {area.lower() for area in chain}:
        chain.append(root)
    return [*chain, "/"]


def _granting(world: World, assignment: Json, wish: _Wish) -> list[str]:
    """The patterns of its role that grant this; none where its condition does not hold."""
    properties = assignment["properties"]
    yes, no = wish.blocks
    # notActions only subtract within their own permission block:
    # https://learn.microsoft.com/azure/role-based-access-control/role-definitions#notactions
    found = [
        pattern
        for block in permissions_of(world, properties["roleDefinitionId"])
        if not _matching(block.get(no, []), wish.action)
        for pattern in _matching(block.get(yes, []), wish.action)
    ]
    if found and not conditions.holds(properties.get("condition"), wish.action, wish.attributes):
        return []
    return found


def _matching(patterns: list[str], action: str) -> list[str]:
    return [one for one in patterns if _pattern(one).fullmatch(action)]


@lru_cache(maxsize=1024)
def _pattern(wildcard: str) -> re.Pattern[str]:
    return re.compile(re.escape(wildcard).replace(r"\*", ".*"), re.IGNORECASE)
