"""Roles that Firebreak's own identity holds at one resource."""

from sandbox.arm.definitions import new_role_assignment
from sandbox.seed import names
from sandbox.seed.names import FIREBREAK
from sandbox.world import World, stable_guid


def give(world: World, scope: str, role: str) -> None:
    """As if it had been given long ago."""
    since = names.seeded_at(world)
    assignment = new_role_assignment(
        world,
        scope=scope,
        role=role,
        principal_id=FIREBREAK.object_id,
        principal_type="ServicePrincipal",
        name=stable_guid(f"role-assignment/{FIREBREAK.object_id}/{role}"),
        created=since,
    )
    world.azure.role_assignments.put(assignment["id"].lower(), assignment, since=since)
