"""The managed-identity endpoint inside App Service: tokens for a function app's identities.

Simulates   IDENTITY_ENDPOINT, api-version 2019-08-01, plain HTTP
Faithful    the header against request forgery; one token per resource for its whole life of 24 hours, so
            that a new role shows up late; `expires_on` as a string
Left out    certificates in place of tokens (Service Fabric)
Source      https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

import hmac

from starlette.responses import JSONResponse, Response

from sandbox.entra import hosts
from sandbox.entra.hosts import Wanted
from sandbox.entra.refusals import RefusalError
from sandbox.settings import identity_header
from sandbox.web import Call, Route, Router
from sandbox.world import Json, World

FIREBREAK_APP = "func-firebreak"  # the app beside whose process this endpoint listens
_API_VERSION = "2019-08-01"


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
    return token_in(world, call, _site(world))


def token_in(world: World, call: Call, site: Json) -> Response:
    """What code inside this app gets: 200 with a token, 400."""
    if call.query.get("api-version") != _API_VERSION:
        return _error(400, f"The api-version must be {_API_VERSION}.")
    if not call.query.get("resource"):
        return _error(400, "The resource parameter is missing.")
    principal = _principal(world, call, site)
    if principal is None:
        return _error(
            400,
            "No User Assigned or Delegated Managed Identity found for specified "
            "ClientId/ResourceId/PrincipalId.",
        )
    try:
        issued = hosts.issue(world, call, principal)
    except RefusalError as refusal:
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


def _site(world: World) -> Json:
    for each in world.azure.resources.values():
        if each["type"].lower() == "microsoft.web/sites" and each["name"] == FIREBREAK_APP:
            return each
    return {}


def _principal(world: World, call: Call, site: Json) -> Json | None:
    """The system-assigned identity, or whichever the call names."""
    query = call.query
    wanted = Wanted(
        query.get("client_id") or query.get("clientid") or "",
        query.get("principal_id") or query.get("object_id") or "",
        query.get("mi_res_id", ""),
    )
    system, user = hosts.attached(world, site)
    if wanted.is_nobody:
        return system
    candidates = [*user, *([system] if system else [])]
    return next((each for each in candidates if wanted.fits(each)), None)


def _error(status: int, message: str) -> Response:
    return JSONResponse({"statusCode": status, "message": message}, status_code=status)


ROUTES = [Route("GET", "/msi/token", token)]
_ROUTER = Router(ROUTES)
