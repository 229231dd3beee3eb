"""How fast the clusters are: a knob that no cloud has."""

from dataclasses import asdict, fields

from starlette.responses import JSONResponse, Response

from sandbox.control.wishes import WishError, number, wish
from sandbox.kubernetes.cluster import Cluster, Pace
from sandbox.web import Call, Route
from sandbox.world import Json, World


async def set_pace(world: World, call: Call) -> Response:
    """200 with the pace of every cluster; what is not named stays. All zero: rollouts take no time."""
    wanted = wish(call)
    for cluster in world.clusters.values():
        turn(cluster, wanted)
    return JSONResponse({name: asdict(one.pace) for name, one in world.clusters.items()})


def turn(cluster: Cluster, wanted: Json) -> None:
    """Set the pace of one cluster. Raises `WishError`."""
    known = {field.name for field in fields(Pace)}
    if unknown := sorted(set(wanted) - known):
        raise WishError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    for name, seconds in wanted.items():
        setattr(cluster.pace, name, number(name, seconds))


ROUTES = [Route("POST", "/sandbox/pace", set_pace)]
