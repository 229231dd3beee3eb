"""User-assigned managed identities.

Simulates   Microsoft.ManagedIdentity/userAssignedIdentities: list, get, put, patch, delete (2023-01-31, 2024-11-30)
Faithful    a service principal comes and goes with it; made again under its old name it has other ids; deleting it
            leaves its role assignments as orphans, and its name on the resources that it was attached to
            no `systemData`, which az shows as null: when one was made is asked of `GET …/resources?$expand=createdTime`
Left out    listAssociatedResources
Source      https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities
            https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftmanagedidentity
"""

import re

from starlette.responses import JSONResponse, Response

from sandbox.arm import bodies, locks, paths, resources
from sandbox.arm.errors import ArmError
from sandbox.arm.federated_identity_credentials import of_identity
from sandbox.arm.gate import authorize
from sandbox.entra import managed_principals
from sandbox.web import Call, Route
from sandbox.world import Json, World

_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_IDENTITY = f"{_GROUP}/providers/{_TYPE}/{{name}}"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,127}")
_ISOLATION_SINCE = "2024-11-30"
_SHAPE: bodies.Shape = {
    "id": None,
    "name": None,
    "type": None,
    "location": None,
    "tags": None,
    "systemData": None,
    "properties": {"isolationScope": None, "tenantId": None, "principalId": None, "clientId": None},
}


async def list_all(world: World, call: Call) -> Response:
    """200 with those that the caller may read; 404 for a scope that is not there."""
    return resources.visible(world, call, _TYPE)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    return resources.one(world, call, _TYPE)


async def put(world: World, call: Call) -> Response:
    """201 created, 200 changed, 400, 403, 404 no such group, 409 locked or in another location."""
    authorize(world, call, f"{_TYPE}/write", call.path)
    resources.require_scope(world, call.path, parent=True)
    body = bodies.read(call, _SHAPE, "Identity")
    if not _NAME.fullmatch(call.params["name"]):
        raise ArmError(400, "InvalidResourceName", f"'{call.params['name']}' is no valid name.")
    if not body.get("location"):
        raise ArmError(400, "LocationRequired", "The location property is required.")
    locks.refuse_if_locked(world, call.path, verb="write")
    found = world.azure.resources.get(call.path.lower())
    changed = _changed(found or _new(world, call, body), call, body)
    world.azure.resources.put(call.path.lower(), changed)
    return JSONResponse(changed, 200 if found else 201)


async def patch(world: World, call: Call) -> Response:
    """200 with the changed tags and isolation scope, 400, 403, 404, 409 locked."""
    authorize(world, call, f"{_TYPE}/write", call.path)
    found = resources.require(world, call.path)
    body = bodies.read(call, _SHAPE, "IdentityUpdate")
    locks.refuse_if_locked(world, call.path, verb="write")
    changed = _changed(found, call, body)
    world.azure.resources.put(call.path.lower(), changed)
    return JSONResponse(changed)


async def delete(world: World, call: Call) -> Response:
    """200 deleted, 204 was not there, 403, 409 locked."""
    authorize(world, call, f"{_TYPE}/delete", call.path)
    resources.require_scope(world, call.path, parent=True)
    locks.refuse_if_locked(world, call.path, verb="delete")
    gone = world.azure.resources.remove(call.path.lower())
    if gone is None:
        return Response(status_code=204)
    for credential in of_identity(world, call.path):
        world.azure.resources.remove(credential["id"].lower())
    managed_principals.remove(world, gone["properties"]["principalId"])
    return Response(status_code=200)


def _new(world: World, call: Call, body: Json) -> Json:
    name = call.params["name"]
    principal = managed_principals.create(world, name, call.path)
    return {
        "id": call.path,
        "name": name,
        "type": _TYPE,
        "location": body["location"],
        "tags": {},
        "properties": {
            "tenantId": world.tenant_id,
            "principalId": principal["id"],
            "clientId": principal["appId"],
        },
    }


def _changed(found: Json, call: Call, body: Json) -> Json:
    location = str(body.get("location", found["location"]))
    if location.replace(" ", "").lower() != found["location"].replace(" ", "").lower():
        group = paths.resource_group_of(call.path)
        raise ArmError(
            409,
            "InvalidResourceLocation",
            f"The resource '{found['name']}' already exists in location '{found['location']}' in "
            f"resource group '{group}'. A resource with the same name cannot be created in "
            f"location '{location}'. Please select a new resource name.",
        )
    changed = {**found, "tags": body.get("tags", found["tags"])}
    scope = body.get("properties", {}).get("isolationScope")
    if scope is None:
        return changed
    if call.query["api-version"] < _ISOLATION_SINCE or scope not in ("None", "Regional"):
        raise ArmError(400, "BadRequest", f"The isolationScope '{scope}' is not supported.")
    return {**changed, "properties": {**found["properties"], "isolationScope": scope}}


ROUTES = [
    Route("GET", f"/subscriptions/{{subscription}}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}", list_all),
    Route("GET", _IDENTITY, get),
    Route("PUT", _IDENTITY, put),
    Route("PATCH", _IDENTITY, patch),
    Route("DELETE", _IDENTITY, delete),
]
