"""Seeds of who may do what in Azure, and of what nobody may delete."""

from datetime import datetime

from sandbox.arm.built_in_roles import BUILT_IN_ROLES
from sandbox.arm.definitions import new_role_assignment
from sandbox.control.wishes import WishError, text
from sandbox.world import Json, World

_CONDITION_VERSION = "2.0"


def _role(world: World, since: datetime, one: Json) -> Json:
    """{"scope", "role", "principalId", "condition"?, "name"?}; a role is named as built in, or as a custom one is."""
    role, scope = text(one, "role"), text(one, "scope")
    principal_id = text(one, "principalId")
    custom = {
        one["properties"]["roleName"]: one["name"] for one in world.azure.role_definitions.values()
    }
    if role not in {*custom, *(one.name for one in BUILT_IN_ROLES)}:
        raise WishError(f"roleAssignments: no role {role!r}")
    condition = one.pop("condition", None)
    found = new_role_assignment(
        world,
        scope=scope,
        role=custom.get(role, role),
        principal_id=principal_id,
        principal_type=_type_of(world, principal_id),
        name=one.pop("name", None),
        created=since,
        condition=condition,
        condition_version=_CONDITION_VERSION if condition else None,
    )
    world.azure.role_assignments.put(found["id"].lower(), found, since=since)
    return {"id": found["id"]}


def _type_of(world: World, principal_id: str) -> str:
    kinds = {
        "User": world.directory.users,
        "Group": world.directory.groups,
        "ServicePrincipal": world.directory.service_principals,
    }
    for kind, shelf in kinds.items():
        if principal_id in shelf:
            return kind
    raise WishError(f"roleAssignments: no service principal, user or group {principal_id}")


def _lock(world: World, since: datetime, one: Json) -> Json:
    """{"scope", "name", "level"}: a management lock, as an owner would put it."""
    scope, name, level = text(one, "scope"), text(one, "name"), text(one, "level")
    if level not in ("CanNotDelete", "ReadOnly"):
        raise WishError("locks: the level is CanNotDelete or ReadOnly")
    kind = "Microsoft.Authorization/locks"
    found: Json = {
        "id": f"{scope}/providers/{kind}/{name}",
        "name": name,
        "type": kind,
        "properties": {"level": level},
    }
    world.azure.resources.put(found["id"].lower(), found, since=since)
    return {"id": found["id"]}


PARTS = {"roleAssignments": _role, "locks": _lock}
