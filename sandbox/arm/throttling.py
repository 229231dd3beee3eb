"""Too many calls: token buckets of Resource Manager, and those of a provider behind it.

Simulates   429 for each caller, subscription (or the tenant) and kind of operation; the headers that
            say how much is left
Faithful    a bucket and its refill as published; a refused call takes nothing; Retry-After is when
            there will be enough for one call; Microsoft.ManagedIdentity counts for each identity
Left out    regions, the limit of a subscription for all callers together; Resource Graph has its own
Source      https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

import math
from dataclasses import dataclass
from datetime import datetime

from sandbox.arm import paths
from sandbox.arm.errors import ArmError
from sandbox.arm.paths import Target
from sandbox.entra.bearer import Caller
from sandbox.web import Call
from sandbox.world import World

_KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
_NEVER_S = 3600  # what Retry-After says of a bucket that never fills


@dataclass
class _Bucket:
    """What is left, and as of when."""

    tokens: float
    at: datetime

    def take(self, now: datetime, most: float, refill: float) -> float:
        """Take one; 0, or the seconds until there is one."""
        gained = (now - self.at).total_seconds() * refill
        self.tokens, self.at = min(most, self.tokens + gained), now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0
        return (1 - self.tokens) / refill if refill else _NEVER_S


def take(world: World, caller: Caller, call: Call, target: Target) -> dict[str, str]:
    """Count one call; returns the headers that its answer carries. Raises 429 for one too many."""
    if target.namespace.lower() == "microsoft.resourcegraph":
        return {}
    kind = _KINDS.get(call.method, "writes")
    subscription = paths.subscription_of(call.path).lower()
    most = getattr(world.limits, f"arm_{kind}")
    refill = getattr(world.limits, f"arm_{kind}_refill")
    bucket = _bucket(world, (caller.object_id, subscription, kind), most)
    wait_s = bucket.take(world.clock.now(), most, refill)
    area = "subscription" if subscription else "tenant"
    headers = {f"x-ms-ratelimit-remaining-{area}-{kind}": str(int(bucket.tokens))}
    if wait_s:
        after = math.ceil(wait_s)
        raise ArmError(
            429,
            "SubscriptionRequestsThrottled" if subscription else "TenantRequestsThrottled",
            f"Number of requests for {area} '{subscription or world.tenant_id}' and operation "
            f"'{target.operation(call.method)}' exceeded the backend storage limit. Please try "
            f"again after '{after}' seconds.",
            headers={**headers, "Retry-After": str(after)},
        )
    _take_from_identity(world, call, target)
    return headers


def _take_from_identity(world: World, call: Call, target: Target) -> None:
    """Microsoft.ManagedIdentity's own limit: calls about one identity, whoever makes them."""
    if target.namespace.lower() != "microsoft.managedidentity" or not target.names:
        return
    kind = "reads" if call.method in ("GET", "HEAD") else "writes"
    rate = getattr(world.limits, f"managed_identity_{kind}")
    identity = f"{target.scope}/{target.names[0]}".lower()
    bucket = _bucket(world, (identity, "", kind), max(1, rate))
    if wait_s := bucket.take(world.clock.now(), max(1, rate), rate):
        raise ArmError(
            429,
            "TooManyRequests",
            f"The request rate for the identity '{target.names[0]}' is too high.",
            headers={"Retry-After": str(math.ceil(wait_s))},
        )


def _bucket(world: World, key: tuple[str, str, str], most: float) -> _Bucket:
    buckets: dict[tuple[str, str, str], _Bucket] = world.caches.setdefault("arm buckets", {})
    return buckets.setdefault(key, _Bucket(most, world.clock.now()))
