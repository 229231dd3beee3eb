"""From a request to its reply: the table of all routes, and refusals turned into error objects.

Faithful    an unknown segment is 400, as Graph's gateway answers it, and a known one with another method 405
Source      https://learn.microsoft.com/graph/errors
"""

import json
import re
from dataclasses import replace

from sandbox.graph import (
    app_role_assignments,
    applications,
    audit_logs,
    deleted_items,
    directory_objects,
    directory_roles,
    federated_identity_credentials,
    groups,
    identity_protection,
    keys,
    memberships,
    oauth2_permission_grants,
    organization,
    owners,
    passwords,
    service_principals,
    throttling,
    users,
)
from sandbox.graph.errors import GraphError, malformed
from sandbox.graph.exchange import Reply, Request, Routes, normalise
from sandbox.world import Json, World

_MODULES = (
    applications,
    federated_identity_credentials,
    service_principals,
    passwords,
    keys,
    owners,
    app_role_assignments,
    oauth2_permission_grants,
    memberships,
    groups,
    directory_roles,
    identity_protection,
    deleted_items,
    directory_objects,
    users,
    organization,
    audit_logs,
)
_ROUTES = Routes([route for module in _MODULES for route in module.ROUTES])
# What of beta is described; everything else is asked of v1.0.
_BETA = re.compile(
    r"/auditLogs/.*|/applications/[^/]+/federatedIdentityCredentials(/.*)?", re.IGNORECASE
)


def answer(request: Request) -> Reply:
    """The reply, whatever happens: a refusal is one too."""
    try:
        return _handle(request)
    except GraphError as refusal:
        return refuse(request.world, refusal, request.request_id, request.correlation_id)


def refuse(world: World, refusal: GraphError, request_id: str, correlation_id: str) -> Reply:
    """The error object that Graph sends."""
    inner = {
        "date": world.clock.now().strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": correlation_id,
    }
    error: Json = {"code": refusal.code, "message": refusal.message}
    if refusal.details:
        error["details"] = refusal.details
    error["innerError"] = inner
    return Reply(refusal.status, {"error": error}, refusal.headers)


def size(body: Json | str | None) -> int:
    """How many bytes a body has on the wire."""
    if body is None:
        return 0
    return len((body if isinstance(body, str) else json.dumps(body)).encode())


def _handle(request: Request) -> Reply:
    request = replace(request, path=normalise(request.path))
    if request.version == "beta" and not _BETA.fullmatch(request.path):
        raise _unknown(request.path)
    found = _ROUTES.find(request.method, request.path)
    if found is None:
        if _ROUTES.knows(request.path):
            raise GraphError(
                405,
                "Request_BadRequest",
                "Specified HTTP method is not allowed for the request target.",
            )
        raise _unknown(request.path)
    handler, params = found
    headers = throttling.admit(request)
    reply = handler(replace(request, params=params))
    return replace(reply, headers={**headers, **reply.headers})


def _unknown(path: str) -> GraphError:
    segments = [each for each in path.split("/") if each]
    return malformed(f"Resource not found for the segment '{segments[-1] if segments else ''}'.")
