"""How much Graph takes from a caller before it answers 429.

Simulates   the limits of identity and access (resource units and writes of an application in a tenant, writes on
            applications for personal accounts) and of identity protection (the tenant's one request a second)
Faithful    token buckets; costs by path, $select, $expand and $top; Retry-After, but not from identity protection;
            x-ms-resource-unit on every answer, x-ms-throttle-limit-percentage beyond 0.8, scope and reason on a 429
Left out    the limits over all applications and all tenants, those of reports; x-ms-throttle-priority changes nothing
Source      https://learn.microsoft.com/graph/throttling-limits
            https://learn.microsoft.com/graph/throttling
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime

from sandbox.graph.errors import GraphError
from sandbox.graph.exchange import Request

_WRITES = ("POST", "PATCH", "PUT", "DELETE")
_WARN = 0.8
_LOWEST_TOP = 20
_PERSONAL = ("AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")
_ID = r"[^/]+"
_COSTS = [
    ("GET", r"/applications(/\$count)?", 2),
    ("POST", r"/directoryObjects/getByIds", 3),
    ("GET", rf"/groups/{_ID}/members", 3),
    ("GET", rf"/groups/{_ID}/transitiveMembers", 5),
    ("GET", rf"/oauth2PermissionGrants(/{_ID})?", 2),
    ("GET", rf"/servicePrincipals/{_ID}/appRoleAssignments", 2),
    ("GET", rf"/(users|servicePrincipals)/{_ID}/(memberOf|transitiveMemberOf|ownedObjects)", 2),
    ("GET", r"/users", 2),
]
_READING_POSTS = re.compile(r"/directoryObjects/getByIds", re.IGNORECASE)


@dataclass
class _Bucket:
    """Fills evenly, up to what may be used in one period."""

    left: float
    at: datetime

    def take(self, cost: float, most: float, period_s: float, now: datetime) -> float:
        """0 where it was there; else how many seconds it takes until it is."""
        refill = (now - self.at).total_seconds() * most / period_s
        self.left, self.at = min(most, self.left + refill), now
        if self.left >= cost:
            self.left -= cost
            return 0.0
        return (cost - self.left) * period_s / most if most else period_s


def admit(request: Request) -> dict[str, str]:
    """Headers for the answer. Raises 429 where a limit is reached."""
    if request.path.lower().startswith("/identityprotection/"):
        _protect(request)
        return {}
    units, limits = cost(request), request.world.limits
    writes = request.method in _WRITES and not _READING_POSTS.fullmatch(request.path)
    if writes and _for_personal_accounts(request):
        _take(request, "personal", 1, (limits.graph_personal_account_writes, 60.0))
    if writes:
        _take(request, "Write", 1, (limits.graph_writes, 150.0))
    used = _take(request, "ReadWrite", units, (limits.graph_resource_units, 10.0))
    headers = {"x-ms-resource-unit": str(units)}
    if used > _WARN:
        headers["x-ms-throttle-limit-percentage"] = f"{used:.2f}"
    return headers


def cost(request: Request) -> int:
    """Resource units of one request; never less than one."""
    units = 1
    for method, path, base in _COSTS:
        if method == request.method and re.fullmatch(path, request.path, re.IGNORECASE):
            units = base
    top = request.query.get("$top", "")
    units -= "$select" in request.query
    units += "$expand" in request.query
    units -= top.isdigit() and int(top) < _LOWEST_TOP
    return max(units, 1)


def _take(request: Request, limit: str, units: float, quota: tuple[float, float]) -> float:
    """How much of the limit is used now, as a fraction. Raises 429."""
    most, period_s = quota
    bucket = _bucket(request, f"{request.caller.app_id}/{limit}", most)
    wait_s = bucket.take(units, most, period_s, request.world.clock.now())
    if wait_s > 0:
        raise _too_many(request, limit, wait_s)
    return 1 - bucket.left / most


def _protect(request: Request) -> None:
    most = request.world.limits.identity_protection
    bucket = _bucket(request, "identityProtection", most)
    if bucket.take(1, most, 1.0, request.world.clock.now()) > 0:
        raise GraphError(429, "TooManyRequests", "Too Many Requests")


def _bucket(request: Request, name: str, most: float) -> _Bucket:
    world = request.world
    kept: dict[str, _Bucket] = world.caches.setdefault("graph throttling", {})
    return kept.setdefault(name, _Bucket(most, world.clock.now()))


def _too_many(request: Request, limit: str, wait_s: float) -> GraphError:
    scope = "ReadWrite" if limit == "ReadWrite" else "Write"
    reason = "ResourceUnitLimitExceeded" if limit == "ReadWrite" else "WriteLimitExceeded"
    caller = request.caller
    return GraphError(
        429,
        "TooManyRequests",
        "Please retry again later.",
        headers={
            "Retry-After": str(max(1, math.ceil(wait_s))),
            "x-ms-throttle-scope": f"Tenant_Application/{scope}/{caller.app_id}/{caller.tenant_id}",
            "x-ms-throttle-information": reason,
        },
    )


def _for_personal_accounts(request: Request) -> bool:
    """Whether it writes on an application that personal Microsoft accounts may use."""
    match = re.match(rf"/applications/({_ID})", request.path, re.IGNORECASE)
    if match is None:
        return False
    key = match.group(1).removeprefix("appId=").lower()
    return any(
        each["signInAudience"] in _PERSONAL
        for each in request.world.directory.applications.values()
        if key in (each["id"], each["appId"])
    )
