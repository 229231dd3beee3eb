"""A Graph request, its reply, and how the one finds the handler of the other.

Graph has several spellings for one address. All are brought into one form before a template is looked
for: `applications(appId='…')` and `applications('…')` become a path segment, the namespaces
`microsoft.graph.` and `graph.` in front of an action or a type are dropped, and case is ignored.
https://learn.microsoft.com/graph/use-the-api
https://learn.microsoft.com/graph/api/application-get
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.entra.bearer import Caller
from sandbox.graph.errors import malformed
from sandbox.world import Json, World

BY_APP_ID = "appId="  # marks a path segment that holds an alternate key
BY_NAME = "name="


@dataclass(frozen=True, slots=True)
class Request:
    """One call, alone or out of a batch, by somebody whose token is good."""

    world: World
    caller: Caller
    method: str
    version: str  # "v1.0" or "beta"
    path: str  # below the version; a handler sees its one form
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: Any
    origin: str
    client_ip: str
    request_id: str
    correlation_id: str  # client-request-id
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """`https://host/v1.0`: what @odata.context and @odata.nextLink start with."""
        return f"{self.origin}/{self.version}"

    @property
    def advanced(self) -> bool:
        """Whether the caller accepts the index: the condition of advanced queries.

        https://learn.microsoft.com/graph/aad-advanced-queries
        """
        return self.headers.get("consistencylevel", "").lower() == "eventual"


@dataclass(frozen=True, slots=True)
class Reply:
    """A status with a JSON object, a plain text, or nothing."""

    status: int
    body: Json | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a URL template below the version; `{name}` is one segment."""

    method: str
    template: str
    handler: Handler


class Routes:
    """All templates of the service."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [(route, _pattern(route.template)) for route in routes]

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler and the path parameters."""
        for route, pattern in self._routes:
            if route.method == method and (match := pattern.fullmatch(path)):
                return route.handler, match.groupdict()
        return None

    def knows(self, path: str) -> bool:
        """Whether any method is known here: the difference between 405 and an unknown segment."""
        return any(pattern.fullmatch(path) for _, pattern in self._routes)


def normalise(path: str) -> str:
    """The one form of a path below the version. Raises 400 where it uses our own spelling."""
    if inside := re.search(rf"/((?:{BY_APP_ID}|{BY_NAME})[^/]*)", path):
        raise malformed(f"Resource not found for the segment '{inside.group(1)}'.")
    path = re.sub(r"\(appId\s*=\s*'([^']*)'\)", rf"/{BY_APP_ID}\1", path, flags=re.IGNORECASE)
    path = re.sub(r"\(name\s*=\s*'([^']*)'\)", rf"/{BY_NAME}\1", path, flags=re.IGNORECASE)
    path = re.sub(r"\('([^']*)'\)", r"/\1", path)
    path = re.sub(r"/(?:microsoft\.)?graph\.(?=\w)", "/", path, flags=re.IGNORECASE)
    return path.rstrip("/") or "/"


def spelled_out(path: str) -> str:
    """The public spelling of a normalised path."""
    return re.sub(rf"/({BY_APP_ID}|{BY_NAME})([^/]+)", r"(\1'\2')", path)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    pattern = "".join(
        f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )
    return re.compile(pattern, re.IGNORECASE)
