"""How directory objects leave and come back: 30 days in the bin.

Faithful    an application takes the home tenant's service principal along and brings it back; federated credentials and
            owners stay with the deleted object; app role assignments, delegated grants, memberships and roles do not
Source      https://learn.microsoft.com/entra/architecture/recover-from-deletions
            https://learn.microsoft.com/entra/identity/enterprise-apps/delete-recover-faq
"""

from sandbox.graph import audit, directory, federated_identity_credentials, group_members
from sandbox.graph.errors import duplicate
from sandbox.graph.exchange import Request
from sandbox.graph.schema import APPLICATION, SERVICE_PRINCIPAL, Resource
from sandbox.graph.shapes import moment
from sandbox.world import Json, Shelf


def delete_application(request: Request, application: Json) -> None:
    """Move it and its service principal into the bin."""
    shelves = request.world.directory
    _bin(request, APPLICATION, shelves.applications, application)
    audit.record(request, "Delete application", application)
    principal = directory.by_app_id(shelves.service_principals, application["appId"])
    if principal is not None:
        delete_service_principal(request, principal)


def delete_service_principal(request: Request, principal: Json) -> None:
    """Move it into the bin; what was granted to it and on it is gone."""
    shelves = request.world.directory
    _bin(request, SERVICE_PRINCIPAL, shelves.service_principals, principal)
    for each in shelves.app_role_assignments.values():
        if principal["id"] in (each["principalId"], each["resourceId"]):
            shelves.app_role_assignments.remove(each["id"])
    for each in shelves.oauth2_permission_grants.values():
        if principal["id"] in (each["clientId"], each["resourceId"]):
            shelves.oauth2_permission_grants.remove(each["id"])
    for each in shelves.role_assignments.values():
        if each["principalId"] == principal["id"]:
            shelves.role_assignments.remove(each["id"])
    group_members.leave_all(request.world, principal["id"])
    audit.record(request, "Remove service principal", principal)


def restore(request: Request, deleted: Json) -> Json:
    """Bring it back, an application with its service principal. Raises 409."""
    item = _restore_one(request, deleted)
    if not is_principal(deleted):
        for each in request.world.directory.deleted_items.values():
            if is_principal(each) and each["appId"] == deleted["appId"]:
                _restore_one(request, each)
    return item


def purge(request: Request, deleted: Json) -> None:
    """Delete for good, with everything that hung on it."""
    world = request.world
    world.directory.deleted_items.remove(deleted["id"])
    world.directory.owners.pop(deleted["id"], None)
    for each in deleted["passwordCredentials"]:
        world.directory.secrets.pop(each["keyId"], None)
    if is_principal(deleted):
        audit.record(request, "Hard delete service principal", deleted)
        return
    federated_identity_credentials.purge(world, deleted["id"])
    audit.record(request, "Hard Delete application", deleted)


def is_principal(deleted: Json) -> bool:
    """Whether a deleted item is a service principal; otherwise it is an application."""
    return bool(deleted["@odata.type"] == SERVICE_PRINCIPAL.odata_type)


def _bin(request: Request, resource: Resource, shelf: Shelf, item: Json) -> None:
    world = request.world
    shelf.remove(item["id"])
    gone = {
        **item,
        "deletedDateTime": moment(world.clock.now()),
        "@odata.type": resource.odata_type,
    }
    world.directory.deleted_items.put(item["id"], gone)


def _restore_one(request: Request, deleted: Json) -> Json:
    shelves = request.world.directory
    principal = is_principal(deleted)
    shelf = shelves.service_principals if principal else shelves.applications
    if directory.by_app_id(shelf, deleted["appId"]) is not None:
        raise duplicate(
            "The service principal cannot be created, updated, or restored because the service "
            f"principal name {deleted['appId']} is already in use."
        )
    item = {**deleted, "deletedDateTime": None}
    del item["@odata.type"]
    shelves.deleted_items.remove(deleted["id"])
    shelf.put(item["id"], item)
    audit.record(request, f"Restore {'service principal' if principal else 'application'}", item)
    return item
