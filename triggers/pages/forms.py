"""Forms of the pages, which nobody else's page can send.

App Service's sign-in is a cookie, so any site can have a signed-in browser post something. Two things keep that out,
each alone enough: the browser's own word on where the form was (`Origin`, `Sec-Fetch-Site`), and a token that is bound
to this browser, person, incident and act. Its key is a cookie of its own that no other site reads, sets or has sent.

Source   https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

import azure.functions as func
import structlog

from triggers.pages import rendering
from triggers.people import Person

_log = structlog.get_logger("firebreak.pages")
_MOST_FIELDS = 700  # a consent may name 500 choices and 100 confirmations
_LONGEST = 200_000  # bytes of a form
_KEY_BYTES = 32
TOKEN = "form_token"  # noqa: S105 - the field's name
# Proxies in front of the app (Front Door, Application Gateway) say here under which name they were called. A page of
# somebody else can't have a browser send these.
_HOSTS = ("host", "x-forwarded-host", "x-original-host")


class ForgedError(Exception):
    """The form wasn't sent by a page of ours."""


def key(req: func.HttpRequest) -> tuple[str, dict[str, str]]:
    """This browser's key, and the headers that set it where it has none yet."""
    known = _cookie(req)
    if known:
        return known, {}
    made = secrets.token_urlsafe(_KEY_BYTES)
    secure = "; Secure" if _is_secure(req) else ""
    cookie = f"{_name(req)}={made}; Path=/; HttpOnly; SameSite=Strict{secure}"
    return made, {"Set-Cookie": cookie}


def token(browser_key: str, person: Person, incident_id: str, act: str) -> str:
    """What a form carries to be believed."""
    bound = "\0".join((person.object_id, incident_id, act))
    return hmac.new(browser_key.encode(), bound.encode(), hashlib.sha256).hexdigest()


def read(
    req: func.HttpRequest, person: Person, incident_id: str, act: str
) -> Mapping[str, list[str]]:
    """The fields of a form of ours, without its token. Raises `ForgedError`, and `ValueError` for no form at all."""
    check_origin(req)
    body = req.get_body()
    if len(body) > _LONGEST:
        raise ValueError("the form is too long")
    fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    sent = fields.pop(TOKEN, [""])[0]
    known = _cookie(req)
    if not known or not hmac.compare_digest(sent, token(known, person, incident_id, act)):
        raise ForgedError("the form carries no token of this browser, person, incident and act")
    return fields


def check_origin(req: func.HttpRequest) -> None:
    """Raise `ForgedError` unless the browser says that a page of ours sent this."""
    site, origin = req.headers.get("Sec-Fetch-Site"), req.headers.get("Origin")
    if site is not None and site != "same-origin":
        raise ForgedError(f"the browser says that the form was on another site: {site[:40]}")
    hosts = {req.headers.get(one, "").lower() for one in _HOSTS} - {""}
    if origin is None or urlsplit(origin).netloc.lower() not in hosts:
        raise ForgedError(f"the form was sent from {(origin or 'nowhere')[:200]}")


def refused(req: func.HttpRequest, person: Person, problem: Exception) -> func.HttpResponse:
    """403 for a forged form, 400 for what is no form."""
    _log.warning("form refused", reason=str(problem), by=person.object_id)
    status = 403 if isinstance(problem, ForgedError) else 400
    todo = "Open the page again and use its own form. Cookies must be allowed for this site."
    return rendering.problem(
        req, status, "This form was not accepted", str(problem), todo, person=person
    )


def _cookie(req: func.HttpRequest) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(req.headers.get("Cookie", ""))
    except CookieError:
        return ""
    morsel = jar.get(_name(req))
    return morsel.value if morsel and len(morsel.value) >= _KEY_BYTES else ""


def _name(req: func.HttpRequest) -> str:
    """With the prefix no other host or plain HTTP can set it: https://developer.mozilla.org/docs/Web/HTTP/Cookies."""
    return "__Host-firebreak-forms" if _is_secure(req) else "firebreak-forms"


def _is_secure(req: func.HttpRequest) -> bool:
    """All but the local host, which serves loopback alone."""
    return bool(req.url.startswith("https:"))
