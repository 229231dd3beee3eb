"""Who looks at a page: signed in by App Service, or sent to sign in, or told what they lack.

A browser that isn't signed in is sent to the platform's own sign-in, and back to a path of ours, never elsewhere.
https://learn.microsoft.com/azure/app-service/configure-authentication-customize-sign-in-out
"""

import os
from urllib.parse import quote, urlsplit

import azure.functions as func
import structlog

from responders.errors import ResponderError
from triggers import people
from triggers.pages import rendering

_log = structlog.get_logger("firebreak.pages")
_SIGN_IN = "/.auth/login/aad?post_login_redirect_uri="


async def visitor(req: func.HttpRequest, *roles: str) -> people.Person | func.HttpResponse:
    """The person, who holds one of these app roles; or the answer for who isn't one or may not."""
    try:
        person = await people.caller(req)
    except people.NotSignedInError as nobody:
        return _sign_in(req, str(nobody))
    except ResponderError as unreadable:
        _log.error("nobody can say who looks at a page", reason=str(unreadable))
        todo = "Try again in a minute; the log says more."
        return rendering.problem(req, 503, "Nobody can say who you are", str(unreadable), todo)
    try:
        person.must_be(*roles)
    except people.NotAllowedError as lacking:
        _log.warning("page refused", reason=str(lacking), by=person.object_id)
        todo = f"Ask an owner of the Firebreak app for the role {' or '.join(roles)}."
        return rendering.problem(
            req, 403, "You may not see or do this", str(lacking), todo, person=person
        )
    return person


def path_of(req: func.HttpRequest) -> str:
    """The path and query of a request, as a path of ours: a second slash would be another host."""
    parts = urlsplit(req.url)
    path = "/" + parts.path.lstrip("/\\")
    return f"{path}?{parts.query}" if parts.query else path


def _sign_in(req: func.HttpRequest, why: str) -> func.HttpResponse:
    """302 to the platform's sign-in. What was posted is lost, so that a page says it and nothing is sent on."""
    signs_in = os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"
    back = path_of(req) if req.method == "GET" else "/incidents"
    address = _SIGN_IN + quote(back, safe="")
    if signs_in and req.method == "GET":
        return rendering.answer(req, "", 302, headers={"Location": address})
    todo = "Sign in, then do it again." if signs_in else "Turn App Service authentication on."
    return rendering.problem(
        req, 401, "You are not signed in", why, todo, back=address if signs_in else ""
    )
