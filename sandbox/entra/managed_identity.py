"""The managed-identity endpoint inside App Service: tokens for the function app's own identity.

Simulates   IDENTITY_ENDPOINT, api-version 2019-08-01, plain HTTP
Faithful    the header against request forgery; one token per resource for its whole life of 24 hours, so
            that a new role shows up late; `expires_on` as a string
Left out    the instance metadata service of virtual machines
Source      https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

import hmac
from datetime import timedelta

from starlette.responses import JSONResponse, Response

from sandbox.entra import refusals, resources, sign_ins, tokens
from sandbox.entra.answers import Correlation
from sandbox.entra.refusals import RefusalError
from sandbox.entra.sign_ins import SignIn
from sandbox.settings import identity_header
from sandbox.web import Call, Route, Router
from sandbox.world import Json, World

_API_VERSION = "2019-08-01"
_MARGIN = timedelta(minutes=5)


async def serve(world: World, call: Call) -> Response:
    """The one path there is, else 404."""
    found = _ROUTER.find(call)
    if found is None:
        return _error(404, "Not found.")
    handler, routed = found
    return await handler(world, routed)


async def token(world: World, call: Call) -> Response:
    """200 with a token; 400 wrong request, identity or resource; 401 without the secret header."""
    if not hmac.compare_digest(call.headers.get("x-identity-header", ""), identity_header()):
        return _error(401, "The X-IDENTITY-HEADER header is missing or wrong.")
    if call.query.get("api-version") != _API_VERSION:
        return _error(400, f"The api-version must be {_API_VERSION}.")
    if not call.query.get("resource"):
        return _error(400, "The resource parameter is missing.")
    principal = _principal(world, call)
    if principal is None:
        return _error(
            400,
            "No User Assigned or Delegated Managed Identity found for specified "
            "ClientId/ResourceId/PrincipalId.",
        )
    correlation = Correlation.of(call)
    sign_in = SignIn(principal["appId"], principal, credential_type="managedIdentity")
    try:
        issued = _issue(world, call, sign_in, correlation)
    except RefusalError as refusal:
        sign_ins.record(world, call, sign_in, correlation, refusal, managed_identity=True)
        return _error(400, f"AADSTS{refusal.code}: {refusal}")
    return JSONResponse(
        {
            "access_token": issued.token,
            "expires_on": str(issued.expires_on),
            "resource": call.query["resource"],
            "token_type": "Bearer",
            "client_id": principal["appId"].upper(),
        }
    )


def _issue(world: World, call: Call, sign_in: SignIn, correlation: Correlation) -> tokens.Issued:
    """The token of the cache, or a new one, which alone leaves a sign-in row."""
    principal, name = sign_in.principal or {}, call.query["resource"]
    sign_in.resource = resources.find(world, name)
    if sign_in.resource is None:
        raise refusals.unknown_resource(name)
    if not principal.get("accountEnabled", True):
        raise refusals.disabled(principal["appId"], principal["displayName"])
    cache: dict[tuple[str, str], tokens.Issued] = world.caches.setdefault("managed identity", {})
    key = (principal["id"], sign_in.resource.audience)
    known = cache.get(key)
    if known is not None and known.expires_on > (world.clock.now() + _MARGIN).timestamp():
        return known
    issued = tokens.issue_to_principal(
        world,
        principal,
        sign_in.resource,
        credential_class="2",
        lifetime=tokens.MANAGED_IDENTITY_LIFETIME,
    )
    cache[key] = issued
    sign_ins.record(world, call, sign_in, correlation, issued, managed_identity=True)
    return issued


def _principal(world: World, call: Call) -> Json | None:
    """The system-assigned identity, or the user-assigned one that the call names."""
    moment = world.seen_by_now(world.delays.directory)
    site = next(
        (
            each
            for each in world.azure.resources.values()
            if each["type"].lower() == "microsoft.web/sites"
        ),
        {},
    )
    identity = site.get("identity") or {}
    system = identity.get("principalId")
    attached = {system} | {
        each.get("principalId") for each in (identity.get("userAssignedIdentities") or {}).values()
    }
    wanted_client = call.query.get("client_id") or call.query.get("clientid")
    wanted_object = call.query.get("principal_id") or call.query.get("object_id")
    wanted_resource = call.query.get("mi_res_id", "").lower()
    for principal in world.directory.service_principals.values_as_of(moment):
        if principal["id"] not in attached:
            continue
        names = [each.lower() for each in principal.get("alternativeNames", [])]
        if wanted_client or wanted_object or wanted_resource:
            if (
                principal["appId"] == (wanted_client or "").lower()
                or principal["id"] == (wanted_object or "").lower()
                or (wanted_resource and wanted_resource in names)
            ):
                return principal
        elif principal["id"] == system:
            return principal
    return None


def _error(status: int, message: str) -> Response:
    return JSONResponse({"statusCode": status, "message": message}, status_code=status)


ROUTES = [Route("GET", "/msi/token", token)]
_ROUTER = Router(ROUTES)
