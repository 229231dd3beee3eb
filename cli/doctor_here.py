"""What only the caller can see: whether the app answers from here, whether the sign-in works, whose clock is off."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from cli.connection import App, Json
from cli.errors import NotSignedInError
from responders import own_endpoints, own_pages
from responders.own_checks import Row, State
from responders.version import VERSION

_APP, _SIGNED_IN, _ROLE, _PAGES = "app", "your sign-in", "your role", "pages from here"
_CLOCK, _VERSION = "your clock", "your version"
CHECKS = (_APP, _SIGNED_IN, _ROLE, _PAGES, _CLOCK, _VERSION)
_READS = "Incident.Read"
_ROLES = frozenset({_READS, "Incident.Respond", "Incident.Approve", "Incident.Admin"})
_ANSWER_S = 15.0  # an app that sleeps takes seconds to wake up
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def spelt(name: str) -> str:
    """The name of a check as it stands in the table: `your-clock` is as good as `your clock`."""
    words = name.strip().lower().replace("-", " ")
    return next((one for one in CHECKS if one.replace("-", " ") == words), words)


def row(name: str, status: State, said: str, fix: str = "", *, grave: bool = False) -> Json:
    """A row, as the app's own are."""
    return {
        "name": name,
        "about": "",
        "status": status,
        "grave": grave,
        "duration_ms": 0,
        "detail": said,
        "fix": fix,
    }


def rows(app: App, names: Sequence[str]) -> list[Json]:
    """Of these, what can be said without the app's word on itself."""
    known: dict[str, Callable[[App], Json]] = {
        _APP: _answers,
        _SIGNED_IN: _signed_in,
        _ROLE: _role,
        _PAGES: _pages,
    }
    return [ask(app) for name, ask in known.items() if name in names]


def compared(said: Json, names: Sequence[str]) -> list[Json]:
    """What the app says of itself beside what is so here. One of an earlier version says less."""
    found = []
    if _CLOCK in names and said.get("at"):
        ahead = datetime.fromisoformat(str(said["at"])) - datetime.now(UTC)
        found.append(_of(_CLOCK, own_endpoints.skew_row(ahead, "the app", "this machine")))
    if _VERSION in names:
        found.append(_version(said.get("version")))
    return found


def _of(name: str, found: Row) -> Json:
    return row(name, found.state, found.said, found.fix, grave=found.grave)


def _answers(app: App) -> Json:
    """In a word, as for anybody: one try, since a person waits."""
    try:
        answer = app.http.get(f"{app.origin}/api/health", timeout=_ANSWER_S)
        word = str(answer.json().get("status"))
    except httpx.TransportError as broken:
        said = f"{app.origin} does not answer: {type(broken).__name__} {broken}".rstrip()
        fix = "az functionapp show -o table; if it is down, go on from here: docs/how-to/break-glass.md"
        return row(_APP, "failed", said, fix, grave=True)
    except (ValueError, AttributeError):
        said = f"{app.origin} answers {answer.status_code}, and not as Firebreak does"
        return row(
            _APP, "failed", said, "correct --app, or deploy: docs/how-to/deploy.md", grave=True
        )
    if word == "ok":
        return row(_APP, "ok", f"{app.origin} answers, and says that it is well")
    said = f"{app.origin} answers, and says that it is {word[:40]}"
    return row(_APP, "failed", said, "see settings, policy and evidence store below", grave=True)


def _signed_in(app: App) -> Json:
    try:
        app.tokens.token()
    except NotSignedInError as refused:
        return row(_SIGNED_IN, "failed", str(refused), refused.todo)
    return row(_SIGNED_IN, "ok", "Entra gives you a token for the app")


def _role(app: App) -> Json:
    """By the token's own words: whether the app believes them shows in its answer."""
    try:
        claims = _claims(app.tokens.token())
    except NotSignedInError:
        return row(_ROLE, "unknown", "without a sign-in nobody knows", "see your sign-in")
    except ValueError as odd:
        return row(_ROLE, "unknown", f"the token can't be read: {odd}", own_pages.ACCESS)
    held = sorted(_ROLES.intersection(claims.get("roles") or []))
    if not held:
        said = "you hold no role of Firebreak's: it tells you nothing"
        return row(
            _ROLE, "failed", said, f"an owner of the app gives you {_READS}: {own_pages.ACCESS}"
        )
    return row(_ROLE, "ok", ", ".join(held))


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("it is no JSON Web Token")
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    return cast(dict[str, Any], json.loads(base64.urlsafe_b64decode(padded)))


def _pages(app: App) -> Json:
    """As a browser that nobody is signed in to, up to Entra, which is not asked."""
    address = app.origin + own_pages.PAGE
    is_local = urlsplit(app.origin).hostname in _LOCAL
    for _ in range(own_pages.MOST_HOPS):
        try:
            answer = app.http.get(address, headers={"Accept": "text/html"}, timeout=_ANSWER_S)
        except httpx.TransportError as broken:
            said = f"{urlsplit(address).netloc} does not answer: {type(broken).__name__}"
            return row(_PAGES, "failed", said, "see the app")
        sent = own_pages.next_address(
            address, answer.status_code, answer.headers.get("Location", "")
        )
        if sent is None:
            return _of(_PAGES, own_pages.stays(answer.status_code, local=is_local))
        address = sent
        if (client := own_pages.client_asked_for(address)) is not None:
            return _of(_PAGES, own_pages.arrives(client, _audiences(app)))
    return _of(_PAGES, own_pages.wanders(address))


def _audiences(app: App) -> list[str]:
    audience = getattr(app.tokens, "audience", "")
    return [str(audience)] if audience else []


def _version(theirs: object) -> Json:
    if theirs == VERSION:
        return row(_VERSION, "ok", f"{VERSION}, as the app's")
    said = f"this is {VERSION}, the app is {theirs or 'older'}"
    return row(_VERSION, "note", said, "docs/how-to/upgrade.md, or check out what is deployed")
