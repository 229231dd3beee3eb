"""Pages from templates: everything that goes into one is text, and a browser is told to run nothing else.

Every name on a page may be an attacker's: Jinja escapes it, and `visible` takes what turns lines around or hides.

Source   https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import azure.functions as func
from markupsafe import Markup

from responders.untrusted import visible
from triggers.pages import static_files, words

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).with_name("templates")
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",  # the page asks for itself again
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)
HEADERS = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that a form's own Origin is "null". https://fetch.spec.whatwg.org/#append-a-request-origin-header
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_HSTS = {"Strict-Transport-Security": "max-age=31536000"}
_HTML = "text/html"


def page(
    req: func.HttpRequest,
    template: str,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> func.HttpResponse:
    """A whole page. `context` needs `person`, who may be None where nobody is signed in."""
    return answer(req, part(template, **context), status, headers=headers)


def part(template: str, **context: Any) -> str:
    """What stands in the middle of a page, by itself."""
    return environment().get_template(template).render(now=datetime.now(UTC), **context)


def answer(
    req: func.HttpRequest,
    body: str,
    status: int = 200,
    *,
    mimetype: str = _HTML,
    headers: Mapping[str, str] | None = None,
) -> func.HttpResponse:
    """Any answer to a browser."""
    safe = {**HEADERS, **(_HSTS if req.url.startswith("https:") else {}), **(headers or {})}
    return func.HttpResponse(
        body, status_code=status, headers=safe, mimetype=mimetype, charset="utf-8"
    )


def see_other(req: func.HttpRequest, path: str) -> func.HttpResponse:
    """303 to a path of ours: what was posted isn't posted again by a reload."""
    return answer(req, "", 303, headers={"Location": path})


def problem(
    req: func.HttpRequest, status: int, title: str, said: str, todo: str, **context: Any
) -> func.HttpResponse:
    """A page that says what is wrong and what to do next."""
    known = {"person": None, "back": "/incidents", **context}
    return page(req, "problem.html", status, title=title, said=said, todo=todo, **known)


@cache
def environment() -> "Environment":
    """Jinja with escaping always on; a name that a template misspells is an error, never nothing."""
    # Loaded with the first page, not with the app.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"asset": static_files.address, "words": words}
    made.filters |= {"utc": _utc, "left": _left, "lines": _lines}
    return made


def _text(value: object) -> object:
    """What a template shows of a value: its visible text. Markup is a template's own."""
    if isinstance(value, Markup):
        return value
    text = "" if value is None else str(value)
    return text if text.isprintable() else visible(text)  # plans of a fleet are megabytes


def _lines(text: str) -> Markup:
    """A command of several lines, each as it reads."""
    return Markup("\n").join(visible(one) for one in str(text).splitlines())


def _utc(moment: str) -> str:
    """A moment as a person reads it: in UTC and to the second, or as it stands where it is none."""
    read = _moment(moment)
    return f"{read:%Y-%m-%d %H:%M:%S} UTC" if read else moment


def _left(moment: str, now: datetime) -> str:
    """How long until then, to the minute; what is over says so."""
    read = _moment(moment)
    if read is None:
        return ""
    minutes = int((read - now).total_seconds() // 60)
    if minutes < 0:
        return "over"
    hours, rest = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{rest} min"]
    return "in " + " ".join(one for one in parts if one)


def _moment(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
