"""What a request is to a service of the sandbox, and how one finds its handler.

A service is `async def serve(world, call) -> Response`; a handler is `async def name(world, call) -> Response` whose
docstring lists its status codes. Each module ends in `ROUTES`, its table of contents, with Microsoft's URL templates.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import Response

from sandbox.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read to its end."""

    service: str
    method: str
    path: str  # percent-decoded, without the query
    query: Mapping[str, str]  # percent-decoded; the last of a repeated name
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    origin: str  # "https://localhost:8443": nextLinks and redirects must point back here
    client_ip: str = "127.0.0.1"
    params: Mapping[str, str] = field(default_factory=dict)  # from the URL template
    raw_query: str = ""  # as it was sent, for the few names that may be repeated

    def json(self) -> Any:
        """The body as JSON. Raises `ValueError` where it is not, which a service answers with 400."""
        return json.loads(self.body)


Handler = Callable[[World, Call], Awaitable[Response]]
Service = Callable[[World, Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a URL template: `{name}` is one segment, `{name:path}` any number of them."""

    method: str
    template: str
    handler: Handler


class Router:
    """Finds the handler of a call, or says whether the path or only the method is unknown."""

    def __init__(self, routes: Sequence[Route], *, ignore_case: bool = False) -> None:
        flags = re.IGNORECASE if ignore_case else 0
        self._routes = [(route, re.compile(_pattern(route.template), flags)) for route in routes]

    def find(self, call: Call) -> tuple[Handler, Call] | None:
        """The first route that fits, with the call that carries its path parameters."""
        for route, pattern in self._routes:
            if route.method == call.method and (match := pattern.fullmatch(call.path)):
                return route.handler, replace(call, params=match.groupdict())
        return None

    def methods(self, path: str) -> set[str]:
        """The methods that this path answers to; empty where the path is unknown."""
        return {route.method for route, pattern in self._routes if pattern.fullmatch(path)}


def _pattern(template: str) -> str:
    parts = re.split(r"\{(\w+)(:path)?\}", template)
    pattern = ""
    for index in range(0, len(parts), 3):
        pattern += re.escape(parts[index])
        if index + 1 < len(parts):
            inside = ".+?" if parts[index + 2] else "[^/()']+"
            pattern += f"(?P<{parts[index + 1]}>{inside})"
    return pattern + "/?"
