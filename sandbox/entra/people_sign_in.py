"""A person at a browser: the authorize endpoint, which hands a web app an ID token.

Simulates   sign-in to a web app by the implicit grant, as App Service authentication does it without a client secret
Faithful    registered redirect URIs alone, with any port on loopback; nonce and app roles are in the token
Choice      the page lists the tenant's people and believes whoever chooses one: here nobody has a password
Left out    codes, access tokens of this endpoint, single sign-on, conditional access, consent
Source      https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
            https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
"""

from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl, urlsplit

from starlette.responses import HTMLResponse, Response

from sandbox.entra import discovery, refusals, resources, tokens, user_sign_ins
from sandbox.web import Call
from sandbox.world import Json, World

_LOOPBACK = {"localhost", "127.0.0.1"}
_CARRIED = ("client_id", "redirect_uri", "response_type", "response_mode", "nonce", "state")


async def authorize(world: World, call: Call) -> Response:
    """200 with the people to choose from; 400 for a client, address or kind of answer that isn't registered."""
    discovery.check_tenant(world, call.params["tenant"])
    application = _client(world, call.query)
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(call.query.get(name, ""))}">'
        for name in _CARRIED
    )
    people = "".join(
        f'<p><button name="account" value="{escape(user["id"])}">{escape(user["displayName"])} '
        f"({escape(user['userPrincipalName'])})</button></p>"
        for user in world.directory.users.values()
        if user["accountEnabled"]
    )
    return _page(
        f"Sign in to {escape(application['displayName'])}",
        f'<form method="post" action="/{world.tenant_id}/login">{hidden}{people}</form>'
        "<p>The sandbox believes whoever you choose.</p>",
    )


async def log_in(world: World, call: Call) -> Response:
    """200 with a form that carries the ID token to the app; 400 as above, or for nobody."""
    form = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
    _client(world, form)
    user = world.directory.users.get(form.get("account", ""))
    resource = resources.find(world, form["client_id"])
    if user is None or not user["accountEnabled"] or resource is None:
        raise refusals.invalid_request(50034, "The user account does not exist in the directory.")
    issued = tokens.issue_id_token(world, user, resource, form["nonce"])
    user_sign_ins.record(world, call, user, resource, issued)
    target = escape(form["redirect_uri"])
    return _page(
        "Signed in",
        f'<form method="post" action="{target}"><input type="hidden" name="id_token" value="{issued.token}">'
        f'<input type="hidden" name="state" value="{escape(form.get("state", ""))}">'
        "<button>Continue</button></form><script>document.forms[0].submit()</script>",
    )


async def log_out(world: World, call: Call) -> Response:
    """200: here nobody stays signed in."""
    discovery.check_tenant(world, call.params["tenant"])
    return _page("Signed out", "<p>You can close this window.</p>")


def _client(world: World, sent: Mapping[str, str]) -> Json:
    """The application that asks, when all that it asks for is registered."""
    client_id = sent.get("client_id", "").lower()
    moment = world.seen_by_now(world.delays.directory)
    known = world.directory.applications.values_as_of(moment)
    application = next((each for each in known if each["appId"] == client_id), None)
    if application is None:
        raise refusals.unknown_client(client_id)
    if not _is_registered(sent.get("redirect_uri", ""), application["web"]["redirectUris"]):
        raise refusals.unknown_reply_address(sent.get("redirect_uri", ""), client_id)
    enabled = application["web"]["implicitGrantSettings"]["enableIdTokenIssuance"]
    if sent.get("response_type") != "id_token" or not enabled:
        raise refusals.disabled_response_type(sent.get("response_type", ""))
    if sent.get("response_mode") != "form_post":
        raise refusals.invalid_request(
            70007, "The provided value for the input parameter 'response_mode' is not allowed."
        )
    if not sent.get("nonce"):
        raise refusals.missing("nonce")
    return application


def _is_registered(address: str, registered: list[str]) -> bool:
    """The same to the letter, but for the port on loopback."""
    return address in registered or _portless(address) in {_portless(one) for one in registered}


def _portless(address: str) -> str | None:
    parts = urlsplit(address)
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK or parts.query or parts.fragment:
        return None
    return f"http://{parts.hostname}{parts.path}"


def _page(title: str, body: str) -> Response:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(html, headers={"cache-control": "no-store"})
