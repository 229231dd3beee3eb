"""The service principal that follows a managed identity: made with it, and gone with it.

Faithful    no application object; `alternativeNames` says which resource; nothing restores a deleted one; role
            assignments in Azure stay behind as orphans
Left out    audit log rows of their own; the 30 days in which a deleted identity counts towards the quota
Source      https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq
"""

from sandbox.graph import group_members, shapes
from sandbox.world import Json, World


def create(world: World, name: str, resource_id: str) -> Json:
    """A service principal with fresh ids: an identity made again under its old name is another one."""
    principal = shapes.new_managed_identity(
        name, created=world.clock.now(), resource_id=resource_id
    )
    world.directory.service_principals.put(principal["id"], principal)
    return principal


def remove(world: World, object_id: str) -> None:
    """It is gone, with what the directory had granted to it."""
    directory = world.directory
    directory.service_principals.remove(object_id)
    for each in directory.app_role_assignments.values():
        if each["principalId"] == object_id:
            directory.app_role_assignments.remove(each["id"])
    for each in directory.role_assignments.values():
        if each["principalId"] == object_id:
            directory.role_assignments.remove(each["id"])
    group_members.leave_all(world, object_id)


def resource_of(principal: Json) -> str:
    """The resource id that a managed identity's service principal names; "" for any other principal."""
    if principal.get("servicePrincipalType") != "ManagedIdentity":
        return ""
    return next((str(each) for each in principal["alternativeNames"] if each.startswith("/")), "")
