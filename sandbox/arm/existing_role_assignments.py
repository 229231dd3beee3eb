"""What a new role assignment meets: one that says the same, a name that is taken, a subscription that is full.

Source      https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

from sandbox.arm.definitions import subscription_prefix
from sandbox.arm.errors import ArmError
from sandbox.world import Json, World


def same(world: World, wanted: Json, scope: str, name: str) -> Json | None:
    """The same assignment under the same name, if it is there already. Raises 400 and 409."""
    mine = _identity(wanted, scope)
    for item in world.azure.role_assignments.values():
        theirs = _identity(item["properties"], item["properties"]["scope"])
        if item["name"].lower() == name.lower():
            if theirs != mine:
                raise ArmError(
                    400,
                    "RoleAssignmentUpdateNotPermitted",
                    "Tenant ID, application ID, principal ID, and scope are not allowed to be "
                    "updated.",
                )
            return item
        if theirs == mine:
            raise ArmError(
                409,
                "RoleAssignmentExists",
                "The role assignment already exists. The ID of the conflicting role assignment "
                f"is {item['name'].replace('-', '')}.",
            )
    return None


def check_limit(world: World, scope: str) -> None:
    """So many in a subscription, at it and below, or at one management group. Raises 400.

    https://learn.microsoft.com/azure/role-based-access-control/troubleshoot-limits
    """
    subscription = subscription_prefix(scope).lower()
    limits = world.limits
    most = limits.role_assignments if subscription else limits.management_group_role_assignments
    held = sum(
        subscription_prefix(at).lower() == subscription if subscription else at == scope.lower()
        for at in _scopes(world)
    )
    if held >= most:
        raise ArmError(
            400,
            "RoleAssignmentLimitExceeded",
            f"No more role assignments can be created. The limit of {most:.0f} is reached.",
        )


def _scopes(world: World) -> list[str]:
    found = world.azure.role_assignments.values()
    return [str(each["properties"]["scope"]).lower() for each in found]


def _identity(properties: Json, scope: str) -> tuple[str, str, str]:
    role = properties["roleDefinitionId"].rsplit("/", 1)[-1]
    return scope.lower().rstrip("/"), properties["principalId"].lower(), role.lower()
