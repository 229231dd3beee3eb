"""App Service authentication ("Easy Auth") for browsers: `/.auth/…` and the session cookie.

Faithful    the addresses, the cookie `AppServiceAuthSession`, an ID token by form post with a nonce where no client
            secret is set, redirects to this app alone, 401 of `/.auth/me` for nobody
Choice      the cookie is signed, not encrypted: whoever reads it learns what the person may know
Left out    the token store and `/.auth/refresh`, and the platform's own refusal of posts from other sites, so that an
            app shows here that it can refuse them itself
Source      https://learn.microsoft.com/azure/app-service/configure-authentication-customize-sign-in-out
            https://learn.microsoft.com/azure/app-service/configure-authentication-provider-aad
            https://learn.microsoft.com/azure/app-service/configure-authentication-oauth-tokens
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from host import log
from host.clock import CLOCK
from host.http_messages import read_body
from host.sign_in import BadTokenError, SignIn, headers_of_claims, name_of

PATH = "/.auth/"
_SESSION = "AppServiceAuthSession"
_NONCE = "Nonce"
_CALLBACK = "/.auth/login/aad/callback"
# The platform's default life of a session. https://learn.microsoft.com/azure/app-service/configure-authentication-oauth-tokens
_SESSION_S = 8 * 3600
_SIGN_IN_S = 15 * 60  # to choose an account


@dataclass(frozen=True, slots=True)
class BrowserOptions:
    """`--auth-client-id`, `--auth-authorize`."""

    client_id: str
    authorize_url: str


class BrowserSignIn:
    """Sends browsers to sign in, and knows them again by a cookie."""

    def __init__(self, options: BrowserOptions, tokens: SignIn, key: str) -> None:
        self._options = options
        self._tokens = tokens
        self._key = key

    def principal(self, cookies: Mapping[str, str]) -> dict[str, str]:
        """The headers that tell the app who calls; none without a session that still holds."""
        session = self._unsealed(cookies.get(_SESSION, ""), "session")
        return headers_of_claims(session["claims"]) if session else {}

    async def answer(self, request: Request) -> Response:
        """One request to `/.auth/…`."""
        path = request.url.path.lower().rstrip("/")
        if path == "/.auth/login/aad":
            return self._begin(request)
        if path == _CALLBACK and request.method == "POST":
            return await self._end(request)
        if path == "/.auth/me":
            return self._me(request)
        if path == "/.auth/logout":
            target = _local(request.query_params.get("post_logout_redirect_uri"), "/")
            gone = RedirectResponse(target, status_code=302)
            gone.delete_cookie(_SESSION, path="/")
            return gone
        return Response(status_code=404)

    def _begin(self, request: Request) -> Response:
        wanted = request.query_params.get("post_login_redirect_uri")
        back = _local(wanted, "")
        if wanted and not back:
            log.warning("sign-in would end elsewhere", target=wanted[:200])
            return Response("post_login_redirect_uri is not of this app", status_code=403)
        nonce = secrets.token_urlsafe(24)
        asked = {
            "response_type": "id_token",
            "response_mode": "form_post",
            "scope": "openid profile email",
            "client_id": self._options.client_id,
            "redirect_uri": f"{request.url.scheme}://{request.url.netloc}{_CALLBACK}",
            "nonce": nonce,
            "state": urlencode({"redir": back or "/"}),
        }
        sent = RedirectResponse(f"{self._options.authorize_url}?{urlencode(asked)}", 302)
        sealed = self._sealed({"nonce": nonce}, "nonce", _SIGN_IN_S)
        # The answer is posted from the login's own site, with which a browser sends no cookie that is not None.
        sent.set_cookie(
            _NONCE, sealed, max_age=_SIGN_IN_S, secure=True, httponly=True, samesite="none"
        )
        return sent

    async def _end(self, request: Request) -> Response:
        form = dict(parse_qsl((await read_body(request)).decode("utf-8", "replace")))
        begun = self._unsealed(request.cookies.get(_NONCE, ""), "nonce")
        try:
            claims = await self._tokens.claims(form.get("id_token", ""))
        except BadTokenError as refused:
            log.warning("ID token refused", reason=str(refused))
            return Response(status_code=401)
        ours = claims.get("aud") == self._options.client_id
        if begun is None or not ours or claims.get("nonce") != begun["nonce"]:
            log.warning("sign-in was not begun in this browser")
            return Response(status_code=401)
        state = dict(parse_qsl(form.get("state", "")))
        signed_in = RedirectResponse(_local(state.get("redir"), "/"), status_code=302)
        sealed = self._sealed({"claims": claims}, "session", _SESSION_S)
        signed_in.set_cookie(_SESSION, sealed, path="/", secure=True, httponly=True)
        signed_in.delete_cookie(_NONCE, path="/", secure=True, httponly=True, samesite="none")
        return signed_in

    def _me(self, request: Request) -> Response:
        session = self._unsealed(request.cookies.get(_SESSION, ""), "session")
        if session is None:
            return Response(status_code=401)
        claims = session["claims"]
        listed = [
            {"typ": name, "val": str(value)}
            for name, values in claims.items()
            for value in (values if isinstance(values, list) else [values])
        ]
        name = name_of(claims)
        return JSONResponse([{"provider_name": "aad", "user_claims": listed, "user_id": name}])

    def _sealed(self, content: Mapping[str, Any], use: str, lifetime_s: int) -> str:
        ends = CLOCK.now().timestamp() + lifetime_s
        return jwt.encode({**content, "use": use, "exp": int(ends)}, self._key, algorithm="HS256")

    def _unsealed(self, sealed: str, use: str) -> dict[str, Any] | None:
        """What was sealed for this use, unless its time is over by the host's clock, which a drill puts ahead."""
        try:
            content: dict[str, Any] = jwt.decode(
                sealed, self._key, algorithms=["HS256"], options={"verify_exp": False}
            )
        except jwt.PyJWTError:
            return None
        fresh = float(content["exp"]) > CLOCK.now().timestamp()
        return content if fresh and content.get("use") == use else None


def _local(target: str | None, otherwise: str) -> str:
    """The target where it is a path of this app. A backslash or a second slash makes it another host."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")):
        return target if target.isprintable() else otherwise
    return otherwise
