"""The truth behind all replicas, for verdicts that must not rest on anybody's claim."""

from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.control import normal_form
from sandbox.control.wishes import WishError
from sandbox.entra import revocations
from sandbox.eventgrid.topics import topic_of
from sandbox.web import Call
from sandbox.world import World

_PARTS: dict[str, Callable[[World], Any]] = {
    "applications": lambda world: world.directory.applications.values(),
    "servicePrincipals": lambda world: world.directory.service_principals.values(),
    "federatedCredentials": lambda world: world.directory.federated_credentials.values(),
    "appRoleAssignments": lambda world: world.directory.app_role_assignments.values(),
    "oauth2PermissionGrants": lambda world: world.directory.oauth2_permission_grants.values(),
    "groups": lambda world: world.directory.groups.values(),
    "groupMembers": lambda world: world.directory.group_members,
    "directoryRoleAssignments": lambda world: world.directory.role_assignments.values(),
    "riskyServicePrincipals": lambda world: world.directory.risky_service_principals.values(),
    "users": lambda world: world.directory.users.values(),
    "owners": lambda world: world.directory.owners,
    "deletedItems": lambda world: world.directory.deleted_items.values(),
    "roleAssignments": lambda world: world.azure.role_assignments.values(),
    "customRoles": lambda world: world.azure.role_definitions.values(),
    "managementGroups": lambda world: world.azure.management_groups.values(),
    "resources": lambda world: world.azure.resources.values(),
    "activity": lambda world: world.azure.activity,
    "clusters": lambda world: {name: each.state() for name, each in world.clusters.items()},
    "signingKeys": lambda world: {
        name: [key["kid"] for key in each.issuer.jwks()["keys"]]
        for name, each in world.clusters.items()
    },
    "tokenRevocations": revocations.all_of,
    "teams": lambda world: world.teams_messages,
    "failedTeamsRuns": lambda world: world.caches.get("failed teams runs", []),
    "sentinelIncidents": lambda world: list(world.sentinel_incidents.values()),
    "sentinelComments": lambda world: list(world.sentinel_comments.values()),
    "topics": lambda world: topic_of(world).published,
    "logs": lambda world: {table: world.logs.rows(table) for table in world.logs.tables},
}


async def show(world: World, call: Call) -> Response:
    """200 with everything, or with what can be compared (`?form=normal`). Secrets' values are in no part of it.

    The normal form is described in `normal_form`; `drill/differences.py` compares two of them.
    """
    form = call.query.get("form", "")
    if form == "normal":
        return JSONResponse(normal_form.of(world))
    if form:
        raise WishError(f"form={form}: there is normal, and none for everything as it is")
    return JSONResponse({name: read(world) for name, read in _PARTS.items()})


async def show_part(world: World, call: Call) -> Response:
    """200 with one part, such as `clusters/aks-weu/pods` or `logs/AuditLogs`; 404 without it."""
    first, *further = call.params["part"].split("/")
    if first not in _PARTS:
        return _unknown(first, list(_PARTS))
    value = _PARTS[first](world)
    for name in further:
        if not isinstance(value, dict) or name not in value:
            return _unknown(name, list(value) if isinstance(value, dict) else [])
        value = value[name]
    return JSONResponse(value)


def _unknown(name: str, known: list[str]) -> Response:
    message = f"no part {name}; there are {', '.join(sorted(known)) or 'none'}"
    return JSONResponse({"error": message}, status_code=404)
