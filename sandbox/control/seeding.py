"""More world than the seed has: applications, trusts, roles, permissions, Kubernetes objects; all there all along.

What is planted here was never a request: no log row, no permission and no delay stands in its way.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.arm.built_in_roles import BUILT_IN_ROLES
from sandbox.arm.definitions import new_role_assignment
from sandbox.control.wishes import WishError, number, wish
from sandbox.entra.resources import FIRST_PARTY, GRAPH
from sandbox.graph import shapes
from sandbox.graph.credentials import new_federated_credential
from sandbox.kubernetes.kinds import KINDS
from sandbox.kubernetes.statuses import StatusError
from sandbox.seed.first_party import GRAPH_ROLES
from sandbox.web import Call, Route
from sandbox.world import Json, World

_LONG_AGO_DAYS = 200.0


async def seed(world: World, call: Call) -> Response:
    """200 with what was planted; 400 where a part, a property or an id makes no sense."""
    body = wish(call)
    since = world.clock.now() - timedelta(
        days=number("days_ago", body.pop("days_ago", _LONG_AGO_DAYS))
    )
    if unknown := sorted(set(body) - {*_PARTS, "clusters"}):
        known = ", ".join(sorted([*_PARTS, "clusters", "days_ago"]))
        raise WishError(f"unknown: {', '.join(unknown)}; there are {known}")
    planted: Json = {
        part: [plant(world, since, _object(part, one)) for one in _list(part, body[part])]
        for part, plant in _PARTS.items()
        if part in body
    }
    planted["clusters"] = _kubernetes(world, body.get("clusters", {}))
    return JSONResponse(planted)


def _application(world: World, since: datetime, one: Json) -> Json:
    """{"displayName", ...}: the application and its service principal."""
    name = _text(one, "displayName")
    plain = shapes.new_application(name, created=since)
    if unknown := sorted(set(one) - set(plain)):
        raise WishError(f"applications: an application has no {', '.join(unknown)}")
    application = plain | one
    principal = shapes.new_service_principal(application, created=since, tenant_id=world.tenant_id)
    world.directory.applications.put(application["id"], application, since=since)
    world.directory.service_principals.put(principal["id"], principal, since=since)
    return {
        "application_object_id": application["id"],
        "app_id": application["appId"],
        "object_id": principal["id"],
    }


def _trust(world: World, since: datetime, one: Json) -> Json:
    """{"applicationId", "name", "issuer", "subject"}; the id is the application's object id."""
    application_id = _text(one, "applicationId")
    if application_id not in world.directory.applications:
        raise WishError(f"federatedCredentials: no application {application_id}")
    trust = new_federated_credential(
        _text(one, "name"),
        application_id=application_id,
        issuer=_text(one, "issuer"),
        subject=_text(one, "subject"),
    )
    world.directory.federated_credentials.put(trust["id"], trust, since=since)
    return {"id": trust["id"]}


def _role(world: World, since: datetime, one: Json) -> Json:
    """{"scope", "role", "principalId"}; a role is named as built in."""
    role, scope = _text(one, "role"), _text(one, "scope")
    principal_id = _text(one, "principalId")
    is_person = principal_id in world.directory.users
    if not is_person and principal_id not in world.directory.service_principals:
        raise WishError(f"roleAssignments: no service principal or user {principal_id}")
    if role not in {one.name for one in BUILT_IN_ROLES}:
        raise WishError(f"roleAssignments: no built-in role {role!r}")
    found = new_role_assignment(
        world,
        scope=scope,
        role=role,
        principal_id=principal_id,
        principal_type="User" if is_person else "ServicePrincipal",
        created=since,
    )
    world.azure.role_assignments.put(found["id"].lower(), found, since=since)
    return {"id": found["id"]}


def _app_role(world: World, since: datetime, one: Json) -> Json:
    """{"principalId", "role"}: an application permission of Microsoft Graph, by its name."""
    principal = world.directory.service_principals.get(_text(one, "principalId"))
    role = _text(one, "role")
    if principal is None:
        raise WishError("appRoleAssignments: no such service principal")
    if role not in GRAPH_ROLES:
        raise WishError(f"appRoleAssignments: Microsoft Graph has no role {role!r}")
    app_id, _ = FIRST_PARTY[GRAPH]
    graph = next(
        each for each in world.directory.service_principals.values() if each["appId"] == app_id
    )
    found = shapes.new_app_role_assignment(principal, graph, GRAPH_ROLES[role], created=since)
    world.directory.app_role_assignments.put(found["id"], found, since=since)
    return {"id": found["id"]}


def _lock(world: World, since: datetime, one: Json) -> Json:
    """{"scope", "name", "level"}: a management lock, as an owner would put it."""
    scope, name, level = _text(one, "scope"), _text(one, "name"), _text(one, "level")
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


def _kubernetes(world: World, clusters: Any) -> Json:
    """{"aks-weu": {"deployments": [object, ...]}}: as an administrator would create them, settled at once."""
    planted: Json = {}
    for name, kinds in _object("clusters", clusters).items():
        if name not in world.clusters:
            raise WishError(f"clusters: no {name}; there are {', '.join(world.clusters)}")
        for plural, objects in _object(name, kinds).items():
            if plural not in {kind.plural for kind in KINDS}:
                raise WishError(f"{name}: no kind {plural}")
            for one in _list(plural, objects):
                try:
                    made = world.clusters[name].seed(plural, _object(plural, one))
                except StatusError as wrong:
                    raise WishError(f"{name}/{plural}: {wrong}") from wrong
                planted.setdefault(name, []).append(f"{plural}/{made['metadata']['name']}")
    return planted


def _object(what: str, value: object) -> Json:
    if not isinstance(value, dict):
        raise WishError(f"{what}: a JSON object is needed")
    return dict(value)


def _list(what: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise WishError(f"{what}: a list is needed")
    return value


def _text(one: Json, name: str) -> str:
    value = one.pop(name, None)
    if not isinstance(value, str) or not value:
        raise WishError(f"{name}: a text is needed")
    return value


_PARTS: dict[str, Callable[[World, datetime, Json], Json]] = {
    "applications": _application,
    "federatedCredentials": _trust,
    "roleAssignments": _role,
    "appRoleAssignments": _app_role,
    "locks": _lock,
}

ROUTES = [Route("POST", "/sandbox/seed", seed)]
