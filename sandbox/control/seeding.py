"""More world than the seed has: principals, what they hold, resources, Kubernetes objects; all there all along.

What is planted here was never a request: no log row, no permission and no delay stands in its way.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.control import (
    seeding_azure,
    seeding_bindings,
    seeding_credentials,
    seeding_directory,
    seeding_logs,
    seeding_policies,
    seeding_resources,
    seeding_sign_ins,
    seeding_subscriptions,
)
from sandbox.control.wishes import WishError, a_list, an_object, nothing_else, number, wish
from sandbox.kubernetes import definitions, served
from sandbox.kubernetes.statuses import StatusError
from sandbox.web import Call, Route
from sandbox.world import Json, World

_LONG_AGO_DAYS = 200.0


async def seed(world: World, call: Call) -> Response:
    """200 with what was planted; 400 where a part, a property or an id makes no sense."""
    body = wish(call)
    since = world.clock.now() - timedelta(
        days=number("days_ago", body.pop("days_ago", _LONG_AGO_DAYS))
    )
    if unknown := sorted(set(body) - {*_PARTS, "clusters"}):
        known = ", ".join(sorted([*_PARTS, "clusters", "days_ago"]))
        raise WishError(f"unknown: {', '.join(unknown)}; there are {known}")
    planted: Json = {
        part: [_planted(world, since, part, one) for one in a_list(part, body[part])]
        for part in _PARTS
        if part in body
    }
    planted["clusters"] = _kubernetes(world, body.get("clusters", {}))
    return JSONResponse(planted)


def _planted(world: World, since: datetime, part: str, value: object) -> Json:
    one = an_object(part, value)
    made = _PARTS[part](world, since, one)
    nothing_else(part, one)
    return made


def _kubernetes(world: World, clusters: Any) -> Json:
    """{"aks-weu": {"deployments": [object, ...]}}: as an administrator would create them, settled at once.

    {"aks-06": "aks-weu"}: the whole of another cluster instead of what it has, which is much quicker.
    """
    planted: Json = {}
    for name, kinds in an_object("clusters", clusters).items():
        if name not in world.clusters:
            raise WishError(f"clusters: no {name}; there are {', '.join(world.clusters)}")
        cluster = world.clusters[name]
        if isinstance(kinds, str):
            if kinds not in world.clusters:
                raise WishError(f"{name}: no {kinds}; there are {', '.join(world.clusters)}")
            cluster.stand_as(world.clusters[kinds])
            planted[name] = [kinds]
            continue
        for plural, objects in an_object(name, kinds).items():
            if served.by_plural(cluster, plural) is None and plural not in definitions.plurals():
                raise WishError(f"{name}: no kind {plural}")
            for one in a_list(plural, objects):
                try:
                    made = cluster.seed(plural, an_object(plural, one))
                except StatusError as wrong:
                    raise WishError(f"{name}/{plural}: {wrong}") from wrong
                planted.setdefault(name, []).append(f"{plural}/{made['metadata']['name']}")
    return planted


# In this order: what names an id comes after what has it. Each takes out of the object what it knows.
_PARTS: dict[str, Callable[[World, datetime, Json], Json]] = {
    **seeding_subscriptions.PARTS,
    **seeding_directory.PRINCIPALS,
    **seeding_resources.PARTS,
    **seeding_bindings.PARTS,
    **seeding_directory.RELATIONS,
    **seeding_credentials.PARTS,
    **seeding_azure.PARTS,
    **seeding_sign_ins.PARTS,
    **seeding_logs.PARTS,
    **seeding_policies.PARTS,
}

ROUTES = [Route("POST", "/sandbox/seed", seed)]
