"""Whether people get in: App Service authentication, tokens, and the page of a plan, asked for as a browser would."""

import os

from playbooks import addresses
from responders import own_pages
from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.own_checks import Check, Row
from responders.own_pages import ACCESS as _ACCESS
from responders.settings import Settings
from triggers import token_issuers
from triggers.token_issuers import BadTokenError

_NO_KEY = "none-of-them"
_REACHED = "see the endpoints: without the keys no token is believed"


def checks() -> list[Check]:
    """How people prove who they are, and what a browser sees of the pages."""
    return [
        Check("sign-in", _sign_in, _ACCESS),
        Check(
            "pages",
            _pages,
            "the app can't see its own page from inside: firebreak doctor looks from where you are",
            "unknown",
        ),
    ]


async def _sign_in() -> list[Row]:
    settings = Settings.from_environ()
    return [_easy_auth(settings), _audiences(settings), await _keys()]


def _signs_in() -> bool:
    return os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"


def _is_local() -> bool:
    return addresses.page_url("").startswith("http://")


def _easy_auth(settings: Settings) -> Row:
    about = "App Service authentication"
    if _signs_in():
        return Row("ok", "on: browsers are sent to sign in", about=about)
    said = "off: pages, and so plans in a browser, are for nobody"
    if _is_local():
        return Row("note", f"{said}; on your own machine the command line is there", "", about)
    todo = f"az webapp auth update --enabled true, with the app registration: {_ACCESS}"
    return Row("failed", said, todo, about, grave=not settings.api_audiences)


def _audiences(settings: Settings) -> Row:
    about = "tokens"
    if settings.api_audiences:
        return Row("ok", f"taken for {', '.join(settings.api_audiences)}", about=about)
    said = "FIREBREAK_API_AUDIENCE is not set: no token is checked here, so the command line is for nobody"
    if _signs_in():
        said = "FIREBREAK_API_AUDIENCE is not set: App Service authentication alone lets people in"
        return Row("note", said, f"set it: {_ACCESS}", about)
    return Row("failed", said, f"set it: {_ACCESS}", about, grave=True)


async def _keys() -> Row:
    """The tenant's signing keys, read as for a token; that none has this name is the answer of keys that were read."""
    try:
        await (await token_issuers.trust()).issuer("2.0").key(_NO_KEY)
    except BadTokenError:
        return Row("ok", "the tenant's signing keys are read", about="keys")
    except ResponderError as trouble:
        return Row("failed", f"the tenant's signing keys: {trouble}", _REACHED, "keys", grave=True)
    return Row("failed", f"the tenant has a key {_NO_KEY}", _ACCESS, "keys")


async def _pages() -> list[Row]:
    """The list of incidents as a browser asks for it that nobody is signed in to: each hop, up to Entra."""
    address = addresses.page_url(own_pages.PAGE)
    if not address:
        return [Row("unknown", "WEBSITE_HOSTNAME is not set: nobody knows the app's own address")]
    cloud = await Cloud.connect()
    for _ in range(own_pages.MOST_HOPS):
        async with azure_call(f"GET {address.partition('?')[0]}", seconds=10):
            answer = await cloud.http.get(address, headers={"Accept": "text/html"})
        sent = own_pages.next_address(
            address, answer.status_code, answer.headers.get("Location", "")
        )
        if sent is None:
            return [own_pages.stays(answer.status_code, local=_is_local())]
        address = sent
        if (client := own_pages.client_asked_for(address)) is not None:
            return [own_pages.arrives(client, cloud.settings.api_audiences)]
    return [own_pages.wanders(address)]
