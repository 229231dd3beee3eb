"""Groups: what principals are allowed to do without anybody having named them.

`sg-data-readers` carries a role on the orders' data and is inside `sg-orders`; `sg-app-operators` carries a directory
role; `dyn-accountants` fills itself by a rule.
"""

from datetime import datetime

from sandbox.graph import directory_role_definitions as roles
from sandbox.graph import group_shapes
from sandbox.seed import names
from sandbox.seed.names import ORDERS_API
from sandbox.world import Json, World


def plant(world: World, since: datetime) -> None:
    """Put them into the directory, with their direct members."""
    members = {
        names.DATA_READERS: [ORDERS_API.object_id],
        names.ORDERS_GROUP: [names.group_id(names.DATA_READERS), names.user_id("dana")],
        names.ROLE_ASSIGNABLE_GROUP: [names.user_id("rosa")],
        names.DYNAMIC_GROUP: [names.user_id("vera")],
    }
    special: dict[str, Json] = {
        names.ROLE_ASSIGNABLE_GROUP: {"isAssignableToRole": True, "visibility": "Private"},
        names.DYNAMIC_GROUP: {
            "groupTypes": ["DynamicMembership"],
            "membershipRule": '(user.jobTitle -eq "Accountant")',
            "membershipRuleProcessingState": "On",
        },
    }
    for name, inside in members.items():
        group = group_shapes.new_group(
            name, created=since, object_id=names.group_id(name), **special.get(name, {})
        )
        world.directory.groups.put(group["id"], group, since=since)
        world.directory.group_members[group["id"]] = inside
    for principal_id, role in (
        (names.group_id(names.ROLE_ASSIGNABLE_GROUP), roles.CLOUD_APPLICATION_ADMINISTRATOR),
        (names.user_id("rosa"), roles.SECURITY_ADMINISTRATOR),
    ):
        assignment = group_shapes.new_directory_role_assignment(principal_id, role)
        world.directory.role_assignments.put(assignment["id"], assignment, since=since)
