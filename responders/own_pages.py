"""Whether a browser that nobody is signed in to is sent to sign in, to the application whose tokens are taken. Pure.

The app asks from inside, the command line from where its user is: both judge alike.

Source   https://learn.microsoft.com/azure/app-service/configure-authentication-customize-sign-in-out
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qs, urljoin, urlsplit

from responders.own_checks import Row

PAGE: Final = "/incidents"
ACCESS: Final = "docs/how-to/give-people-access.md"
MOST_HOPS: Final = 3  # from the page to the platform's sign-in, from there to Entra
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def next_address(address: str, status: int, location: str) -> str | None:
    """Where a browser goes from here; None where it stays."""
    return urljoin(address, location) if status in _REDIRECTS and location else None


def client_asked_for(address: str) -> str | None:
    """The application that Entra is asked to sign in to; None where this is no address of Entra's sign-in."""
    parts = urlsplit(address)
    if not parts.path.endswith("/authorize"):
        return None
    return (parse_qs(parts.query).get("client_id") or [""])[0].lower()


def stays(status: int, *, local: bool) -> Row:
    """A browser is answered instead of being sent to sign in."""
    said = f"a browser that nobody is signed in to gets {status} and is not sent to sign in"
    if status == 401 and local:
        return Row("note", f"{said}: on your own machine the command line is there")
    fix = f"switch App Service authentication on, anonymous calls allowed: {ACCESS}"
    return Row("failed", said, fix)


def wanders(address: str) -> Row:
    """A browser is sent on and on, and not to Entra."""
    return Row("failed", f"a browser is sent on and on, to {urlsplit(address).netloc}", ACCESS)


def arrives(client: str, audiences: Collection[str]) -> Row:
    """Whether Entra is asked for the application whose tokens are taken."""
    taken = {one.removeprefix("api://").lower() for one in audiences}
    guids = {one for one in taken if len(one) == 36}
    if guids and client not in guids:
        said = (
            f"a browser signs in to {client}, and tokens are taken for {', '.join(sorted(taken))}"
        )
        fix = f"the same app registration in App Service authentication and FIREBREAK_API_AUDIENCE: {ACCESS}"
        return Row("failed", said, fix)
    return Row("ok", f"a browser is sent to sign in to {client}")
