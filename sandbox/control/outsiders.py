"""Stand-ins for people at a browser and for an attacker's own OIDC issuer."""

import uuid

from starlette.responses import JSONResponse, Response

from sandbox.control.wishes import WishError, number, wish
from sandbox.entra import resources, tokens, user_sign_ins
from sandbox.entra.claims_matching import claims_of
from sandbox.entra.resources import ARM, FIREBREAK, GRAPH
from sandbox.issuers import Issuer
from sandbox.web import Call
from sandbox.world import Json, World

# What Azure CLI's sign-in carries for Graph; what the person may really do is for Graph to decide.
_SCOPES = {
    GRAPH: "Application.ReadWrite.All AuditLog.Read.All Directory.AccessAsUser.All User.Read",
    ARM: "user_impersonation",
    FIREBREAK: "Incidents.Handle",
}
_TOKEN_LIFE_S = 3600.0


async def sign_in(world: World, call: Call) -> Response:
    """200 with a person's token, 400 for an unknown audience, 403 disabled, 404 for nobody's name.

    {"app_id", "audience"} stands in for a service of Microsoft's, which needs no secret of this tenant.
    """
    if "app_id" in wish(call):
        return _sign_in_app(world, call)
    wanted = wish(call, "user", "audience")
    user = _user(world, str(wanted["user"]))
    if user is None:
        return JSONResponse({"error": f"nobody is called {wanted['user']}"}, status_code=404)
    if not user["accountEnabled"]:
        return JSONResponse({"error": "AADSTS50057: The account is disabled."}, status_code=403)
    resource = resources.find(world, str(wanted["audience"]))
    if resource is None:
        raise WishError(f"audience {wanted['audience']}: no such resource")
    scopes = _SCOPES.get(resource.canonical, "user_impersonation")
    issued = tokens.issue_to_user(world, user, resource, scopes)
    user_sign_ins.record(world, call, user, resource, issued)
    return JSONResponse(
        {
            "access_token": issued.token,
            "expires_in": issued.expires_in,
            "token_type": "Bearer",
            "scope": scopes,
        }
    )


def _sign_in_app(world: World, call: Call) -> Response:
    wanted = wish(call, "app_id", "audience")
    found = [
        each
        for each in world.directory.service_principals.values()
        if each["appId"] == str(wanted["app_id"]).lower()
    ]
    if not found:
        return JSONResponse({"error": f"no service principal of {wanted['app_id']}"}, 404)
    resource = resources.find(world, str(wanted["audience"]))
    if resource is None:
        raise WishError(f"audience {wanted['audience']}: no such resource")
    issued = tokens.issue_to_principal(world, found[0], resource, credential_class="2")
    return JSONResponse(
        {
            "access_token": issued.token,
            "expires_in": issued.expires_in,
            "token_type": "Bearer",
        }
    )


async def open_issuer(world: World, call: Call) -> Response:
    """200 with the URL of an issuer whose keys are the attacker's.

    {"url": ...} stands in for GitHub and the like, where anybody's workflow gets a token that says whose it is.
    """
    wanted = wish(call)
    if set(wanted) == {"url"}:
        url = str(wanted["url"])
        if not claims_of(url):
            raise WishError(f"url: {url} is no service that a flexible federated credential trusts")
    else:
        path = str(wish(call, "url_path")["url_path"]).strip("/")
        if not path:
            raise WishError("url_path: empty")
        url = f"{world.endpoints['oidc']}/{path}/"
    world.issuers.setdefault(url, Issuer(url))
    return JSONResponse({"issuer": url})


async def sign_token(world: World, call: Call) -> Response:
    """200 with a token that says what the attacker wants it to; 404 for an issuer not his own."""
    wanted = wish(call, "issuer", "subject", "audience", optional=("lifetime_s",))
    url = str(wanted["issuer"])
    clusters = {cluster.issuer.url for cluster in world.clusters.values()}
    if url not in world.issuers or url in clusters:
        return JSONResponse({"error": f"no foreign issuer {url}"}, status_code=404)
    now = int(world.clock.now().timestamp())
    lifetime = int(number("lifetime_s", wanted.get("lifetime_s", _TOKEN_LIFE_S)))
    claims = {
        "sub": wanted["subject"],
        "aud": [wanted["audience"]],
        "iat": now,
        "nbf": now,
        "exp": now + lifetime,
        "jti": str(uuid.uuid4()),
    }
    return JSONResponse({"token": world.issuers[url].sign(claims)})


def _user(world: World, name: str) -> Json | None:
    for user in world.directory.users.values():
        upn = user["userPrincipalName"]
        if name.lower() in (upn, upn.partition("@")[0], user["id"]):
            return user
    return None
