"""Route templates of HTTP triggers, matched as ASP.NET Core matches them.

`incidents/{id}`, `{id:guid}`, `{id?}`, `{*rest}`; literals without case. The first that fits wins, in the order in
which they were registered: a literal has no precedence over a parameter.
https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#customize-the-http-endpoint
https://github.com/Azure/azure-webjobs-sdk-extensions/blob/main/src/WebJobs.Extensions.Http/Routing/WebJobsRouteBuilder.cs
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from host.errors import AppError
from host.functions import Function

_CONSTRAINTS = {
    "": r"[^/]+",
    "int": r"-?\d+",
    "long": r"-?\d+",
    "alpha": r"[A-Za-z]+",
    "bool": r"(?i:true|false)",
    "guid": r"(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One function's way in."""

    function: Function
    methods: frozenset[str]  # empty: any
    pattern: re.Pattern[str]

    @property
    def auth_level(self) -> str:
        """ANONYMOUS, FUNCTION or ADMIN."""
        return str(self.function.trigger.get("authLevel", "FUNCTION"))


class Routes:
    """All HTTP functions, as they were registered."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self._routes = [_route(one) for one in functions]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The function for a raw path below the prefix, with its route parameters."""
        for route in self._routes:
            if route.methods and method not in route.methods:
                continue
            if match := route.pattern.fullmatch(path.strip("/")):
                given = {k: unquote(v) for k, v in match.groupdict().items() if v is not None}
                return route, given
        return None


def _route(function: Function) -> Route:
    template = str(function.trigger.get("route") or function.name).strip("/")
    pattern = ""
    for position, segment in enumerate(template.split("/")):
        part, optional = _segment(segment, template)
        slash = "/" if position else ""
        pattern += f"(?:{slash}{part})?" if optional else f"{slash}{part}"
    methods = frozenset(str(m).upper() for m in function.trigger.get("methods") or ())
    return Route(function, methods, re.compile(pattern))


def _segment(segment: str, template: str) -> tuple[str, bool]:
    if not segment.startswith("{"):
        if "{" in segment:
            raise AppError(f"Route {template!r}: a parameter must be a whole segment for this host")
        return f"(?i:{re.escape(segment)})", False
    inner = re.fullmatch(r"\{(\*{0,2})(\w+)(?::(\w+))?(\?)?\}", segment)
    if inner is None or (inner[3] or "") not in _CONSTRAINTS:
        raise AppError(f"Route {template!r}: {segment} isn't understood by this host")
    if inner[1]:
        return f"(?P<{inner[2]}>.*)", True
    return f"(?P<{inner[2]}>{_CONSTRAINTS[inner[3] or '']})", bool(inner[4])
