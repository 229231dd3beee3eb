"""One connection to a Firebreak app: who calls is whoever is signed in to the Azure CLI.

https://learn.microsoft.com/python/api/azure-identity/azure.identity.azureclicredential
"""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import quote, urlsplit

import httpx

from cli.errors import CommandError, NotSignedInError, RefusedError, UnreachableError

Json = dict[str, Any]
_ANSWER_S = 60.0  # a restore looks at the whole world before it answers
_CONNECT_S = 10.0
_TRIES = (
    4  # of one call whose connection broke: with its key it counts once, however often it arrives
)
_AGAIN = frozenset({429, 502, 503, 504})
_LONGEST_PAUSE_S = 10.0
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class TokenSource(Protocol):
    """Where a token for the app comes from."""

    def token(self) -> str:
        """A bearer token. Raises `NotSignedInError`."""


@dataclass
class AzureCli:
    """Tokens of the person who ran `az login`."""

    audience: str  # client id or application ID URI of the app registration
    tenant: str | None = None
    _credential: Any = field(default=None, repr=False)

    def token(self) -> str:
        """A token for the app's own API, from the cache of the Azure CLI where it has one."""
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415
        from azure.identity import AzureCliCredential  # noqa: PLC0415  half a second

        if self._credential is None:
            self._credential = AzureCliCredential(tenant_id=self.tenant or "", process_timeout=30)
        try:
            return str(self._credential.get_token(f"{self.audience}/.default").token)
        except ClientAuthenticationError as refused:
            said = str(refused.message or refused).splitlines()[0]
            todo = f"run: az login --scope {self.audience}/.default"
            raise NotSignedInError(f"no token for {self.audience}: {said}", todo) from refused


@dataclass
class App:
    """A Firebreak app at an address. Every call raises a `CommandError` where it is not answered with success."""

    origin: str
    tokens: TokenSource
    http: httpx.Client

    def get(self, path: str, **query: str | int | None) -> Json:
        """A JSON document."""
        return cast(Json, self.call("GET", path, query=query).json())

    def pages(
        self, path: str, name: str, limit: int, *, size: int, **query: str | None
    ) -> tuple[list[Json], bool]:
        """At most so many of a list that comes in pages, and whether there are more."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **query, limit=min(limit - len(found), size), cursor=cursor)
            found += page[name]
            cursor = page.get("next_cursor")
            if not cursor or len(found) >= limit:
                return found, cursor is not None

    def text(self, path: str, **query: str | int | None) -> str:
        """A document that is no JSON."""
        return self.call("GET", path, query=query).text

    def changed(self, path: str, etag: str | None) -> tuple[Json | None, str | None]:
        """The document and its ETag; None where it is still the one with this ETag."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = self.call("GET", path, headers=headers)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None, etag
        return answer.json(), answer.headers.get("ETag")

    def post(self, path: str, body: Json, *, etag: str | None = None, method: str = "POST") -> Json:
        """Steer. A call whose answer was lost is sent again under the same key, so it counts once."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        if etag:
            headers["If-Match"] = etag
        return cast(Json, self.call(method, path, body=body, headers=headers).json())

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: dict[str, str | int | None] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """One call, tried again where time can help."""
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        for number in range(1, _TRIES + 1):
            try:
                answer = self.http.request(
                    method,
                    self.origin + path,
                    json=body,
                    params=asked,
                    headers={"Authorization": f"Bearer {self.tokens.token()}", **(headers or {})},
                )
            except httpx.TransportError as broken:
                if number == _TRIES:
                    raise _unreachable(self.origin, broken) from broken
                time.sleep(min(2.0 ** (number - 1), _LONGEST_PAUSE_S))
                continue
            if answer.status_code in _AGAIN and number < _TRIES and not _is_meant(answer):
                time.sleep(_pause(answer, number))
                continue
            return _checked(answer)
        raise AssertionError("the last try returns or raises")


def incident_path(incident_id: str, part: str = "") -> str:
    """The API's path of an incident. The id is quoted: what a person typed must not name another route."""
    return f"/api/incidents/{quote(incident_id, safe='')}{part}"


def checked_origin(url: str) -> str:
    """https://host, or http on this machine. Raises `CommandError`: a token must not go to anybody else."""
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    if not secure or not parts.hostname or parts.username or parts.query or parts.fragment:
        said = f"{url[:80]!r} is no address of a Firebreak app"
        raise CommandError(said, "give https://<app>.azurewebsites.net in --app or FIREBREAK_APP")
    return f"{parts.scheme}://{parts.netloc}"


def http_client() -> httpx.Client:
    """A client that follows no redirect: it would carry the token elsewhere."""
    return httpx.Client(timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S))


def _pause(answer: httpx.Response, number: int) -> float:
    asked = answer.headers.get("Retry-After", "")
    seconds = float(asked) if asked.isdigit() else 2.0 ** (number - 1)
    return min(seconds, _LONGEST_PAUSE_S)


def _unreachable(origin: str, broken: httpx.TransportError) -> UnreachableError:
    said = f"{origin} does not answer: {type(broken).__name__} {broken}".rstrip()
    return UnreachableError(said, "if the app is down, go on from here: firebreak --local ...")


def _is_meant(answer: httpx.Response) -> bool:
    """An app that says of itself that it can't work answers with a document, and not with a problem."""
    media = answer.headers.get("Content-Type", "").partition(";")[0]
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and media == "application/json"


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED or _is_meant(answer):
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        said = str(problem.get("detail") or "the app does not take this sign-in")
        raise NotSignedInError(said, str(problem.get("next") or "run az login, as who you are"))
    if not problem and answer.status_code in _AGAIN:
        raise UnreachableError(f"HTTP {answer.status_code}", "the app is starting, or it is down")
    if not problem:
        problem = {"detail": f"HTTP {answer.status_code}, which no Firebreak app says"}
    raise RefusedError(answer.status_code, problem)
