"""Application registrations.

Simulates   /applications: list, count, get, create, update, delete
Faithful    both keys (object id, appId); strict bodies; secrets only by actions; the home tenant's service
            principal follows changes and goes with a deleted application; a creator who is a user, or has
            only OwnedBy, becomes owner
Left out    logos, templates, extension properties, policies, upsert by uniqueName
Source      https://learn.microsoft.com/graph/api/resources/application
"""

from sandbox.graph import (
    audit,
    bodies,
    deletions,
    directory,
    federated_identity_credentials,
    holders,
    keys,
    owners,
    passwords,
    permissions,
    queries,
    shapes,
)
from sandbox.graph.errors import bad_request
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.schema import APPLICATION
from sandbox.world import Json

_CREDENTIALS = ("keyCredentials", "passwordCredentials")
_AUDIENCES = {
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
}


def list_all(request: Request) -> Reply:
    """200 a page, from the index; 400; 403."""
    permissions.read_applications(request)
    shelf = request.world.directory.applications
    return queries.listed(request, APPLICATION, shelf.views_as_of, expand=expand)


def count(request: Request) -> Reply:
    """200 a number; 400 without ConsistencyLevel; 403."""
    permissions.read_applications(request)
    found = request.world.directory.applications.views_as_of(queries.indexed_until(request))
    return queries.counted(request, APPLICATION, found, expand)


def get(request: Request) -> Reply:
    """200 it; 400; 403; 404."""
    permissions.read_applications(request)
    application = directory.application(request, request.params["key"])
    return queries.one(request, APPLICATION, application, expand=expand)


def create(request: Request) -> Reply:
    """201 it; 400 a value is wrong or an identifier URI is taken; 403."""
    permissions.register(request)
    wanted = bodies.read(request, APPLICATION)
    if not wanted.get("displayName"):
        raise bad_request(
            "A value is required for property 'displayName' of resource 'Application'."
        )
    if wanted.get("passwordCredentials"):
        raise bad_request("New password credentials must be generated with service actions.")
    _check(request, wanted, own_id="")
    world = request.world
    fresh = shapes.new_application(wanted["displayName"], created=world.clock.now())
    application = _merge(fresh, {**wanted, "createdByAppId": request.caller.app_id})
    application["keyCredentials"] = keys.replace([], wanted.get("keyCredentials") or [])
    world.directory.applications.put(application["id"], application)
    _own(request, application["id"])
    audit.record(request, "Add application", application, audit.differences({}, wanted))
    return queries.one(request, APPLICATION, application, status=201)


def update(request: Request) -> Reply:
    """204 changed; 400; 403; 404."""
    holder = holders.find_to_update(request)
    wanted = bodies.read(request, APPLICATION)
    _check(request, wanted, own_id=holder.object_id)
    before = holder.item
    changed = _merge(before, {k: v for k, v in wanted.items() if k not in _CREDENTIALS})
    if wanted.get("keyCredentials") is not None:
        changed["keyCredentials"] = keys.replace(before["keyCredentials"], wanted["keyCredentials"])
    if wanted.get("passwordCredentials") is not None:
        changed["passwordCredentials"] = passwords.replace(
            request, before["passwordCredentials"], wanted["passwordCredentials"]
        )
    if holders.described(before) != holders.described(changed):
        holders.write_credentials(request, holder, changed)
    else:
        holder.write(changed)
    _mirror(request, before, changed)
    changes = audit.differences(before, {k: changed[k] for k in wanted if k not in _CREDENTIALS})
    if changes:
        audit.record(request, "Update application", changed, changes)
    return Reply(204)


def delete(request: Request) -> Reply:
    """204 soft-deleted, with the home tenant's service principal; 403; 404."""
    application = directory.application(request, request.params["key"])
    permissions.delete(request, application["id"])
    deletions.delete_application(request, application)
    return Reply(204)


def expand(request: Request, application: Json, name: str) -> list[Json]:
    """What `$expand` puts into an application."""
    if name == "owners":
        return owners.of_object(request.world, application["id"])
    return federated_identity_credentials.expanded(request.world, application["id"])


def _merge(item: Json, wanted: Json) -> Json:
    """PATCH: complex properties are merged one level deep, everything else is replaced."""
    merged = dict(item)
    for name, value in wanted.items():
        old = merged.get(name)
        merged[name] = (
            {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged


def _check(request: Request, wanted: Json, *, own_id: str) -> None:
    if wanted.get("signInAudience", "AzureADMyOrg") not in _AUDIENCES:
        raise bad_request("Invalid value specified for property 'signInAudience' of resource.")
    if "displayName" in wanted and not wanted["displayName"]:
        raise bad_request("Invalid value specified for property 'displayName' of resource.")
    taken = {
        uri.lower()
        for each in request.world.directory.applications.values()
        if each["id"] != own_id
        for uri in each["identifierUris"]
    }
    if any(uri.lower() in taken for uri in wanted.get("identifierUris") or []):
        raise bad_request(
            "Another object with the same value for property identifierUris already exists.",
            "Request_MultipleObjectsWithSameKeyValue",
        )


def _own(request: Request, object_id: str) -> None:
    """A user, and an app that may manage only what it owns, owns what it creates.

    https://learn.microsoft.com/graph/permissions-reference (Application.ReadWrite.OwnedBy)
    """
    caller = request.caller
    if caller.kind == "user" or permissions.OWNED_BY in caller.roles:
        request.world.directory.owners[object_id] = [caller.object_id]


def _mirror(request: Request, before: Json, application: Json) -> None:
    """The home tenant's service principal shows the change at once."""
    shelf = request.world.directory.service_principals
    principal = directory.by_app_id(shelf, application["appId"])
    shown = shapes.application_mirror(application)
    if principal is None or shown == shapes.application_mirror(before):
        return
    extra = [
        name
        for name in principal["servicePrincipalNames"]
        if name not in shapes.application_mirror(before)["servicePrincipalNames"]
    ]
    shown["servicePrincipalNames"] = [*shown["servicePrincipalNames"], *extra]
    shelf.put(principal["id"], {**principal, **shown})


ROUTES = [
    Route("GET", "/applications", list_all),
    Route("POST", "/applications", create),
    Route("GET", "/applications/$count", count),
    Route("GET", "/applications/{key}", get),
    Route("PATCH", "/applications/{key}", update),
    Route("DELETE", "/applications/{key}", delete),
]
