"""Delegated permissions that people or admins have consented to for a client.

Simulates   /oauth2PermissionGrants: list, get, create, update, delete; and those of a service principal
Faithful    one for each client, resource and person, or for everybody; an update sets the scopes and nothing else
Choice      the audit log names an update as it names a new grant; the reference knows no other activity
Source      https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
"""

from sandbox.graph import audit, bodies, directory, permissions, queries
from sandbox.graph.errors import bad_request, duplicate, not_found, read_only
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.schema import OAUTH2_PERMISSION_GRANT
from sandbox.graph.shapes import new_permission_grant
from sandbox.world import Json

_CONSENT_TYPES = ("AllPrincipals", "Principal")
_KEY = ("clientId", "resourceId", "consentType", "principalId")


def list_all(request: Request) -> Reply:
    """200 a page; 400; 403."""
    permissions.read_delegated_permissions(request)
    shelf = request.world.directory.oauth2_permission_grants
    return queries.listed(
        request,
        OAUTH2_PERMISSION_GRANT,
        lambda _: directory.seen_by(request, shelf, lambda _each: True),
    )


def list_of_principal(request: Request) -> Reply:
    """200 those whose client it is; 403; 404."""
    permissions.read_delegated_permissions(request)
    principal = directory.service_principal(request, request.params["key"])
    shelf = request.world.directory.oauth2_permission_grants
    return queries.listed(
        request,
        OAUTH2_PERMISSION_GRANT,
        lambda _: directory.seen_by(
            request, shelf, lambda each: bool(each["clientId"] == principal["id"])
        ),
        context=f"servicePrincipals('{principal['id']}')/oauth2PermissionGrants",
    )


def get(request: Request) -> Reply:
    """200 it; 403; 404."""
    permissions.read_delegated_permissions(request)
    return queries.one(request, OAUTH2_PERMISSION_GRANT, _find(request))


def create(request: Request) -> Reply:
    """201 it; 400; 403; 404 no such client or resource."""
    permissions.grant_delegated_permissions(request)
    wanted = bodies.read(request, OAUTH2_PERMISSION_GRANT)
    if wanted.get("consentType") not in _CONSENT_TYPES:
        raise bad_request("Invalid value specified for property 'consentType' of resource.")
    if (wanted["consentType"] == "Principal") is not bool(wanted.get("principalId")):
        raise bad_request("'principalId' is required for, and only for, consentType 'Principal'.")
    client = directory.service_principal(request, str(wanted.get("clientId")))
    directory.service_principal(request, str(wanted.get("resourceId")))
    fresh = new_permission_grant(client_id="", resource_id="", scope=None)
    grant = {**fresh, **wanted}
    _refuse_second(request, grant)
    request.world.directory.oauth2_permission_grants.put(grant["id"], grant)
    _audit(request, "Add delegated permission grant", client, None, grant["scope"])
    return queries.one(request, OAUTH2_PERMISSION_GRANT, grant, status=201)


def update(request: Request) -> Reply:
    """204 the scopes are these now; 400 for any other property; 403; 404."""
    permissions.grant_delegated_permissions(request)
    grant = _find(request)
    wanted = bodies.read(request, OAUTH2_PERMISSION_GRANT)
    for name in wanted:
        if name != "scope":
            raise read_only(name)
    changed = {**grant, **wanted}
    request.world.directory.oauth2_permission_grants.put(grant["id"], changed)
    client = _client_of(request, grant)
    _audit(request, "Add delegated permission grant", client, grant["scope"], changed["scope"])
    return Reply(204)


def delete(request: Request) -> Reply:
    """204 revoked; 403; 404."""
    permissions.grant_delegated_permissions(request)
    grant = _find(request)
    request.world.directory.oauth2_permission_grants.remove(grant["id"])
    client = _client_of(request, grant)
    _audit(request, "Remove delegated permission grant", client, grant["scope"], None)
    return Reply(204)


def _client_of(request: Request, grant: Json) -> Json:
    found = directory.anything(request.world, grant["clientId"])
    return found[1] if found else {"id": grant["clientId"]}


def _refuse_second(request: Request, grant: Json) -> None:
    """409 where this client has a grant on this resource for the same people already."""
    for each in request.world.directory.oauth2_permission_grants.values():
        if all(each[name] == grant[name] for name in _KEY):
            raise duplicate("Permission entry already exists.")


def _find(request: Request) -> Json:
    grant = request.world.directory.oauth2_permission_grants.get(request.params["grant"])
    if grant is None:
        raise not_found(request.params["grant"])
    return grant


def _audit(request: Request, operation: str, client: Json, old: object, new: object) -> None:
    changes = [audit.modified("DelegatedPermissionGrant.Scope", old, new)]
    audit.record(request, operation, client, changes)


ROUTES = [
    Route("GET", "/oauth2PermissionGrants", list_all),
    Route("POST", "/oauth2PermissionGrants", create),
    Route("GET", "/oauth2PermissionGrants/{grant}", get),
    Route("PATCH", "/oauth2PermissionGrants/{grant}", update),
    Route("DELETE", "/oauth2PermissionGrants/{grant}", delete),
    Route("GET", "/servicePrincipals/{key}/oauth2PermissionGrants", list_of_principal),
    Route("GET", "/servicePrincipals/{key}/oauth2PermissionGrants/{grant}", get),
]
