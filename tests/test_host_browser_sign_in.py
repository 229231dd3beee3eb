"""A browser signs in to the local host as to App Service: sent away, brought back, known again by a cookie."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from host.browser_sign_in import BrowserOptions, BrowserSignIn
from host.clock import CLOCK
from host.sign_in import SignIn, SignInOptions
from tests.host_apps.signing import ISSUER, Signer

CLIENT = "11111111-1111-4111-8111-111111111111"
LOGIN = "https://login.example/authorize"


@pytest.fixture
def signer() -> Signer:
    return Signer()


def sign_in(signer: Signer, key: str = "k" * 64) -> BrowserSignIn:
    keys = httpx.MockTransport(lambda _: httpx.Response(200, json=signer.jwks()))
    options = SignInOptions(ISSUER, [CLIENT, "api://other"], "https://sts.example/keys")
    return BrowserSignIn(BrowserOptions(CLIENT, LOGIN), SignIn(options, transport=keys), key)


@pytest.fixture
async def browser(signer: Signer) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at a host that answers /.auth/… and tells at any other path who it takes the caller for."""
    door = sign_in(signer)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.url.path.startswith("/.auth/"):
            answer = await door.answer(request)
        else:
            answer = JSONResponse(door.principal(request.cookies))
        await answer(scope, receive, send)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://app.example") as client:
        yield client


async def begin(browser: httpx.AsyncClient, back: str = "/incidents?phase=held") -> dict[str, str]:
    """Go to sign in; returns what the login is asked."""
    sent = await browser.get("/.auth/login/aad", params={"post_login_redirect_uri": back})
    assert sent.status_code == 302
    assert sent.headers["location"].startswith(f"{LOGIN}?")
    return {
        name: one[0] for name, one in parse_qs(urlsplit(sent.headers["location"]).query).items()
    }


async def end(browser: httpx.AsyncClient, token: str, state: str) -> httpx.Response:
    return await browser.post("/.auth/login/aad/callback", data={"id_token": token, "state": state})


async def test_who_signs_in_is_brought_back_and_known(
    browser: httpx.AsyncClient, signer: Signer
) -> None:
    asked = await begin(browser)
    back = await end(browser, signer.token(aud=CLIENT, nonce=asked["nonce"]), asked["state"])
    known = (await browser.get("/incidents")).json()
    me = (await browser.get("/.auth/me")).json()

    assert asked["redirect_uri"] == "https://app.example/.auth/login/aad/callback"
    assert (back.status_code, back.headers["location"]) == (302, "/incidents?phase=held")
    assert known["x-ms-client-principal-name"] == "rosa@contoso.example"
    assert me[0]["user_id"] == "rosa@contoso.example"


async def test_a_session_cookie_is_out_of_reach_of_scripts(
    browser: httpx.AsyncClient, signer: Signer
) -> None:
    asked = await begin(browser)
    back = await end(browser, signer.token(aud=CLIENT, nonce=asked["nonce"]), asked["state"])
    session = next(
        one
        for one in back.headers.get_list("set-cookie")
        if one.startswith("AppServiceAuthSession")
    )
    assert {"HttpOnly", "Secure", "Path=/"} <= set(session.split("; "))


async def test_a_sign_in_that_this_browser_did_not_begin_is_refused(
    browser: httpx.AsyncClient, signer: Signer
) -> None:
    """Else somebody could have another one sign in as them, without noticing."""
    nonce = "of-somebody-else"
    assert (await end(browser, signer.token(aud=CLIENT, nonce=nonce), "")).status_code == 401
    await begin(browser)
    assert (await end(browser, signer.token(aud=CLIENT, nonce=nonce), "")).status_code == 401
    assert (await browser.get("/incidents")).json() == {}


@pytest.mark.parametrize("wrong", [{"aud": "api://other"}, {"exp": 1}, {"iss": "https://evil/"}])
async def test_a_token_that_is_not_for_this_app_is_no_session(
    browser: httpx.AsyncClient, signer: Signer, wrong: dict[str, object]
) -> None:
    asked = await begin(browser)
    token = signer.token(**{"aud": CLIENT, "nonce": asked["nonce"], **wrong})
    assert (await end(browser, token, asked["state"])).status_code == 401


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"]
)
async def test_nobody_is_sent_to_another_place(
    browser: httpx.AsyncClient, signer: Signer, elsewhere: str
) -> None:
    refused = await browser.get("/.auth/login/aad", params={"post_login_redirect_uri": elsewhere})
    out = await browser.get("/.auth/logout", params={"post_logout_redirect_uri": elsewhere})
    asked = await begin(browser)
    token = signer.token(aud=CLIENT, nonce=asked["nonce"])
    back = await end(browser, token, f"redir={elsewhere}")

    assert refused.status_code == 403
    assert (out.headers["location"], back.headers["location"]) == ("/", "/")


async def test_who_signs_out_is_nobody(browser: httpx.AsyncClient, signer: Signer) -> None:
    asked = await begin(browser)
    await end(browser, signer.token(aud=CLIENT, nonce=asked["nonce"]), asked["state"])
    await browser.get("/.auth/logout")

    assert (await browser.get("/.auth/me")).status_code == 401


async def test_a_session_ends_by_the_hosts_clock(
    browser: httpx.AsyncClient, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await begin(browser)
    await end(browser, signer.token(aud=CLIENT, nonce=asked["nonce"]), asked["state"])
    now = CLOCK.now()
    later = now.replace(year=now.year + 1)
    monkeypatch.setattr(type(CLOCK), "now", lambda _: later)

    assert (await browser.get("/incidents")).json() == {}


async def test_a_cookie_of_another_host_is_nobodys(signer: Signer) -> None:
    theirs = sign_in(signer, key="t" * 64)
    forged = theirs._sealed({"claims": {"oid": "x"}}, "session", 60)

    assert theirs.principal({"AppServiceAuthSession": forged}) != {}
    assert sign_in(signer).principal({"AppServiceAuthSession": forged}) == {}
    nonce = sign_in(signer)._sealed({"nonce": "n", "claims": {}}, "nonce", 60)
    assert sign_in(signer).principal({"AppServiceAuthSession": nonce}) == {}
