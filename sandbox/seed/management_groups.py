"""Management groups: the tenant's root, the platform's under it, and the subscription in that one.

Source      https://learn.microsoft.com/azure/governance/management-groups/overview
"""

from datetime import datetime

from sandbox.arm.management_groups import new_management_group
from sandbox.seed import names
from sandbox.world import World


def plant(world: World, since: datetime) -> None:
    """Put them up, and the subscription into the lowest one."""
    root = new_management_group(world, world.tenant_id, "Tenant Root Group", None, created=since)
    platform = new_management_group(
        world, names.PLATFORM_GROUP, "Platform", root["id"], created=since
    )
    world.azure.parents[names.subscription(world).lower()] = platform["id"]
