"""Service principals: what an application or a managed identity is in this tenant.

Simulates   /servicePrincipals: list, count, get, create, update, delete
Faithful    both keys (object id, appId); one per application; accountEnabled; those of managed identities
            refuse every change
Left out    applications of other tenants, SAML single sign-on, token signing certificates
Source      https://learn.microsoft.com/graph/api/resources/serviceprincipal
"""

from sandbox.graph import (
    app_role_assignments,
    audit,
    bodies,
    deletions,
    directory,
    holders,
    keys,
    memberships,
    owners,
    passwords,
    permissions,
    property_locks,
    queries,
    shapes,
)
from sandbox.graph.errors import bad_request, duplicate, no_application, read_only
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.schema import SERVICE_PRINCIPAL
from sandbox.world import Json

_CREDENTIALS = ("keyCredentials", "passwordCredentials")


def list_all(request: Request) -> Reply:
    """200 a page, from the index; 400; 403."""
    permissions.read_applications(request)
    shelf = request.world.directory.service_principals
    return queries.listed(request, SERVICE_PRINCIPAL, shelf.views_as_of, expand=expand)


def count(request: Request) -> Reply:
    """200 a number; 400 without ConsistencyLevel; 403."""
    permissions.read_applications(request)
    shelf = request.world.directory.service_principals
    found = shelf.views_as_of(queries.indexed_until(request))
    return queries.counted(request, SERVICE_PRINCIPAL, found, expand)


def get(request: Request) -> Reply:
    """200 it; 400; 403; 404."""
    permissions.read_applications(request)
    principal = directory.service_principal(request, request.params["key"])
    return queries.one(request, SERVICE_PRINCIPAL, principal, expand=expand)


def create(request: Request) -> Reply:
    """201 it; 400 no such application; 403; 409 there is one."""
    wanted = bodies.read(request, SERVICE_PRINCIPAL)
    app_id = wanted.get("appId")
    if not app_id:
        raise bad_request(
            "A value is required for property 'appId' of resource 'ServicePrincipal'."
        )
    world = request.world
    application = directory.arrived(
        world,
        world.directory.applications,
        directory.by_app_id(world.directory.applications, app_id),
    )
    _may_create(request, application)
    if application is None:
        raise no_application(app_id)
    if directory.by_app_id(world.directory.service_principals, app_id) is not None:
        raise duplicate(
            "The service principal cannot be created, updated, or restored because the service "
            f"principal name {app_id} is already in use."
        )
    principal = shapes.new_service_principal(
        application, created=world.clock.now(), tenant_id=world.tenant_id
    )
    principal |= {name: value for name, value in wanted.items() if name not in _CREDENTIALS}
    principal["createdByAppId"] = request.caller.app_id
    without = {**principal, "tokenEncryptionKeyId": None}
    principal["keyCredentials"] = keys.replace([], wanted.get("keyCredentials") or [])
    property_locks.check(world, without, principal)
    world.directory.service_principals.put(principal["id"], principal)
    if request.caller.kind == "user" or permissions.OWNED_BY in request.caller.roles:
        world.directory.owners[principal["id"]] = [request.caller.object_id]
    changes = audit.differences({}, {"accountEnabled": principal["accountEnabled"], **wanted})
    audit.record(request, "Add service principal", principal, changes)
    return queries.one(request, SERVICE_PRINCIPAL, principal, status=201)


def update(request: Request) -> Reply:
    """204 changed; 400; 403 not allowed, or a managed identity; 404."""
    holder = holders.find_to_update(request)
    wanted = bodies.read(request, SERVICE_PRINCIPAL)
    if "appId" in wanted:
        raise read_only("appId")
    before = holder.item
    changed = {**before, **{k: v for k, v in wanted.items() if k not in _CREDENTIALS}}
    if wanted.get("keyCredentials") is not None:
        changed["keyCredentials"] = keys.replace(before["keyCredentials"], wanted["keyCredentials"])
    if wanted.get("passwordCredentials") is not None:
        changed["passwordCredentials"] = passwords.replace(
            request, before["passwordCredentials"], wanted["passwordCredentials"]
        )
    holder.check_lock(request.world, changed)
    if holders.described(before) != holders.described(changed):
        holders.write_credentials(request, holder, changed)
    else:
        holder.write(changed)
    changes = audit.differences(before, {k: changed[k] for k in wanted if k not in _CREDENTIALS})
    if changes:
        audit.record(request, "Update service principal", changed, changes)
    return Reply(204)


def delete(request: Request) -> Reply:
    """204 soft-deleted; 403 not allowed, or a managed identity; 404."""
    principal = directory.service_principal(request, request.params["key"])
    permissions.delete(request, principal["id"])
    holders.refuse_managed_identity(principal)
    deletions.delete_service_principal(request, principal)
    return Reply(204)


def expand(request: Request, principal: Json, name: str) -> list[Json]:
    """What `$expand` puts into a service principal."""
    world, object_id = request.world, principal["id"]
    match name:
        case "owners":
            return owners.of_object(world, object_id)
        case "appRoleAssignments":
            return app_role_assignments.held_by(world, object_id)
        case "appRoleAssignedTo":
            return app_role_assignments.granted_on(world, object_id)
        case "ownedObjects":
            return memberships.owned_by(world, object_id)
        case _:
            return memberships.member_of(world, object_id)


def _may_create(request: Request, application: Json | None) -> None:
    """People, and apps with only OwnedBy, create those of applications that they own."""
    if application is None:
        permissions.create(request)
    else:
        permissions.delete(request, application["id"])


ROUTES = [
    Route("GET", "/servicePrincipals", list_all),
    Route("POST", "/servicePrincipals", create),
    Route("GET", "/servicePrincipals/$count", count),
    Route("GET", "/servicePrincipals/{key}", get),
    Route("PATCH", "/servicePrincipals/{key}", update),
    Route("DELETE", "/servicePrincipals/{key}", delete),
]
