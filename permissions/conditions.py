"""The condition under which `rebuild` may give and take roles, in the language of Azure ABAC, version 2.0.

Source   https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview
         https://learn.microsoft.com/azure/role-based-access-control/conditions-authorization-actions-attributes
"""

from collections.abc import Sequence
from typing import Final

_ASSIGNMENTS: Final = "Microsoft.Authorization/roleAssignments"
# Who holds one of these gives out any role. https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
NEVER: Final = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
}

# Stands for the ids of the roles that a deployment lists.
LISTED: Final = "GRANTABLE_ROLES"


def of(actions: Sequence[str], hand: str) -> str | None:
    """None where no condition applies: containment has to be able to take Owner away, and gives nothing."""
    if hand != "rebuild" or f"{_ASSIGNMENTS}/write" not in actions:
        return None
    return condition(())


def condition(grantable: Sequence[str]) -> str:
    """Roles for service principals alone, never one of `NEVER`; with ids of roles, of these alone."""
    return " AND ".join(
        _part(action, source, grantable)
        for action, source in (("write", "@Request"), ("delete", "@Resource"))
    )


def _part(action: str, source: str, grantable: Sequence[str]) -> str:
    role = f"{source}[{_ASSIGNMENTS}:RoleDefinitionId]"
    kind = f"{source}[{_ASSIGNMENTS}:PrincipalType]"
    tests = [
        f"{role} ForAnyOfAllValues:GuidNotEquals {{{', '.join(NEVER.values())}}}",
        f"{kind} ForAnyOfAnyValues:StringEqualsIgnoreCase {{'ServicePrincipal'}}",
    ]
    if grantable:
        tests.append(f"{role} ForAnyOfAnyValues:GuidEquals {{{', '.join(grantable)}}}")
    return f"((!(ActionMatches{{'{_ASSIGNMENTS}/{action}'}})) OR ({' AND '.join(tests)}))"
