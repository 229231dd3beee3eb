"""Federated credentials of a user-assigned identity: who outside is believed to be it.

Simulates   Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials (2023-01-31, 2024-11-30,
            flexible ones 2025-05-31-preview)
Faithful    one write at a time for each identity, any other gets 409; at most 20; issuer and subject unique together;
            what is written here is not yet known to the token endpoint: see `Delays.federation`
Choice      a stable version shows a flexible one with subject null and without its expression, as Graph's v1.0 does;
            Microsoft documents nothing for ARM
Source      https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials
            https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.responses import JSONResponse, Response

from sandbox.arm import bodies, locks, resources
from sandbox.arm import federated_credential_rules as rules
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.web import Call, Route
from sandbox.world import Json, World

_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
_TYPE = f"{_IDENTITIES}/federatedIdentityCredentials"
_COLLECTION = (
    f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{_IDENTITIES}/{{name}}"
    "/federatedIdentityCredentials"
)
_PAGE = 20
_SERVICE_VERSION = "2024-11-30"


async def list_all(world: World, call: Call) -> Response:
    """200, 400 for a wrong $top, 403, 404 for an identity that is not there."""
    identity = call.path.rpartition("/")[0]
    authorize(world, call, f"{_TYPE}/read", identity)
    resources.require(world, identity)
    top = call.query.get("$top", str(_PAGE))
    if not top.isdecimal() or not int(top):
        raise ArmError(400, "BadRequest", f"Invalid $top '{top}' specified.")
    shown = [_shown(each, call) for each in of_identity(world, identity)]
    return bodies.page(call, shown, size=min(int(top), _PAGE))


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    authorize(world, call, f"{_TYPE}/read", call.path)
    resources.require(world, _identity_of(call))
    return JSONResponse(_shown(resources.require(world, call.path), call))


async def put(world: World, call: Call) -> Response:
    """201 created, 200 changed, 400, 403, 404 no such identity, 409 locked or another write is under way."""
    authorize(world, call, f"{_TYPE}/write", call.path)
    identity = _identity_of(call)
    resources.require(world, identity)
    properties = bodies.read(call, rules.SHAPE, "FederatedIdentityCredential").get("properties", {})
    locks.refuse_if_locked(world, call.path, verb="write")
    async with _writing(world, identity):
        name = call.params["credential"]
        others = [each for each in of_identity(world, identity) if not _is(each, name)]
        checked = rules.check(name, properties, others, version=call.query["api-version"])
        existed = call.path.lower() in world.azure.resources
        credential: Json = {"id": call.path, "name": name, "type": _TYPE, "properties": checked}
        world.azure.resources.put(call.path.lower(), credential)
    return JSONResponse(_shown(credential, call), 200 if existed else 201)


async def delete(world: World, call: Call) -> Response:
    """200 deleted, 204 was not there, 403, 404 no such identity, 409 locked or another write is under way."""
    authorize(world, call, f"{_TYPE}/delete", call.path)
    identity = _identity_of(call)
    resources.require(world, identity)
    locks.refuse_if_locked(world, call.path, verb="delete")
    async with _writing(world, identity):
        gone = world.azure.resources.remove(call.path.lower())
    return Response(status_code=200 if gone else 204)


async def write_for_service(world: World, identity: str, name: str, properties: Json) -> None:
    """Write the credential that a service of Azure keeps on an identity for itself. Raises 400 over the limit, 409."""
    path = f"{identity}/federatedIdentityCredentials/{name}"
    async with _writing(world, identity):
        others = [each for each in of_identity(world, identity) if not _is(each, name)]
        kept = rules.check(name, properties, others, version=_SERVICE_VERSION)
        credential: Json = {"id": path, "name": name, "type": _TYPE, "properties": kept}
        world.azure.resources.put(path.lower(), credential)


def of_identity(world: World, identity: str) -> list[Json]:
    """All credentials of an identity, flexible ones with their expression."""
    return resources.under(world, identity, _TYPE)


@contextlib.asynccontextmanager
async def _writing(world: World, identity: str) -> AsyncIterator[None]:
    """The identity is held by this write, for as long as it takes. Raises 409 where another one holds it.

    Code and words: https://github.com/Azure/bicep-registry-modules/issues/1447
    """
    held: set[str] = world.caches.setdefault("identities being written", set())
    key = identity.lower()
    if key in held:
        raise ArmError(
            409,
            "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
            "Too many Federated Identity Credentials are written concurrently for the managed "
            f"identity '{identity}'. Concurrent Federated Identity Credentials writes under the "
            "same managed identity are not supported.",
        )
    held.add(key)
    try:
        await asyncio.sleep(world.delays.identity_writes)
        yield
    finally:
        held.discard(key)


def _shown(credential: Json, call: Call) -> Json:
    properties = dict(credential["properties"])
    unknown = call.query["api-version"] not in rules.FLEXIBLE_SINCE
    if unknown and properties.pop("claimsMatchingExpression", None) is not None:
        properties["subject"] = None
    return {**credential, "properties": properties}


def _identity_of(call: Call) -> str:
    return call.path.rsplit("/", 2)[0]


def _is(credential: Json, name: str) -> bool:
    return bool(credential["name"].lower() == name.lower())


ROUTES = [
    Route("GET", _COLLECTION, list_all),
    Route("GET", f"{_COLLECTION}/{{credential}}", get),
    Route("PUT", f"{_COLLECTION}/{{credential}}", put),
    Route("DELETE", f"{_COLLECTION}/{{credential}}", delete),
]
