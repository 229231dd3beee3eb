"""The login service: the token endpoint and the public documents around it.

Simulates   login.microsoftonline.com for one tenant: client credentials by secret, certificate and federation,
            also of a user-assigned identity by federation; people's sign-in to a web app, see `people_sign_in`
Faithful    error codes and their JSON; every attempt leaves a sign-in row; replicas lag
Left out    codes, on-behalf-of, refresh tokens, conditional access
Source      https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse, Response

from sandbox.entra import (
    answers,
    clients,
    discovery,
    people_sign_in,
    refusals,
    resources,
    sign_ins,
    tokens,
)
from sandbox.entra.answers import Correlation
from sandbox.entra.refusals import RefusalError
from sandbox.entra.sign_ins import SignIn
from sandbox.web import Call, Route, Router
from sandbox.world import World


async def serve(world: World, call: Call) -> Response:
    """Find the handler; a refusal anywhere becomes Entra's error JSON."""
    found = _ROUTER.find(call)
    if found is None:
        return Response(status_code=405 if _ROUTER.methods(call.path) else 404)
    handler, routed = found
    try:
        return await handler(world, routed)
    except RefusalError as refusal:
        return answers.refuse(world, refusal, Correlation.of(call), call.origin)


async def token_v2(world: World, call: Call) -> Response:
    """200 with a token, 400 for a wrong request or a disabled client, 401 for a wrong credential."""
    return await _token(world, call, version=2)


async def token_v1(world: World, call: Call) -> Response:
    """As version 2, for clients that say `resource` in place of `scope`."""
    return await _token(world, call, version=1)


async def _token(world: World, call: Call, *, version: int) -> Response:
    correlation, sign_in = Correlation.of(call), SignIn()
    try:
        issued = await _issue(world, call, sign_in, version)
    except RefusalError as refusal:
        sign_ins.record(world, call, sign_in, correlation, refusal)
        return answers.refuse(world, refusal, correlation, call.origin)
    sign_ins.record(world, call, sign_in, correlation, issued)
    body = {
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "ext_expires_in": issued.expires_in,
        "access_token": issued.token,
    }
    if version == 1 and sign_in.resource is not None:
        body |= {
            "expires_in": str(issued.expires_in),
            "ext_expires_in": str(issued.expires_in),
            "expires_on": str(issued.expires_on),
            "not_before": str(issued.not_before),
            "resource": sign_in.resource.audience,
        }
    return JSONResponse(body, headers=answers.headers(correlation))


async def _issue(world: World, call: Call, sign_in: SignIn, version: int) -> tokens.Issued:
    discovery.check_tenant(world, call.params["tenant"])
    form = _form(call)
    grant = form.get("grant_type")
    if not grant:
        raise refusals.missing("grant_type")
    if grant != "client_credentials":
        raise refusals.unsupported_grant(grant)
    wanted = _wanted(form, version)
    principal = await clients.authenticate(world, call, form, sign_in)
    sign_in.resource = resources.find(world, wanted)
    if sign_in.resource is None:
        raise refusals.unknown_resource(wanted)
    return tokens.issue_to_principal(
        world,
        principal,
        sign_in.resource,
        credential_class="1" if sign_in.credential_type == "clientSecret" else "2",
        lifetime=tokens.lifetime_of(principal),
    )


def _form(call: Call) -> Mapping[str, str]:
    if not call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise refusals.missing("grant_type")
    try:
        return dict(parse_qsl(call.body.decode(), keep_blank_values=True))
    except UnicodeDecodeError as wrong:
        raise refusals.invalid_request(
            9002313, "Invalid request. Request is malformed or invalid."
        ) from wrong


def _wanted(form: Mapping[str, str], version: int) -> str:
    """The resource's name. A scope keeps what stands before "/.default", slashes and all."""
    if version == 1:
        if not form.get("resource"):
            raise refusals.missing("resource")
        return form["resource"]
    scope = form.get("scope", "").strip()
    if not scope:
        raise refusals.missing("scope")
    name = scope.removesuffix("/.default")
    if name == scope or " " in scope or not name:
        raise refusals.invalid_scope(scope)
    return name


ROUTES = [
    Route("POST", "/{tenant}/oauth2/v2.0/token", token_v2),
    Route("POST", "/{tenant}/oauth2/token", token_v1),
    Route("GET", "/{tenant}/oauth2/v2.0/authorize", people_sign_in.authorize),
    Route("POST", "/{tenant}/login", people_sign_in.log_in),
    Route("GET", "/{tenant}/oauth2/v2.0/logout", people_sign_in.log_out),
    Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", discovery.configuration_v2),
    Route("GET", "/{tenant}/.well-known/openid-configuration", discovery.configuration_v1),
    Route("GET", "/{tenant}/discovery/v2.0/keys", discovery.keys),
    Route("GET", "/{tenant}/discovery/keys", discovery.keys),
    Route("GET", "/common/discovery/instance", discovery.instance),
]
_ROUTER = Router(ROUTES)
