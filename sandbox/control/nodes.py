"""What happens on a cluster's nodes, beneath every API: code running in somebody's pod."""

import importlib

from starlette.responses import JSONResponse, Response

from sandbox.web import Call
from sandbox.world import World


async def steal_token(world: World, call: Call) -> Response:
    """Placeholder until the clusters have nodes."""
    return await _nodes("steal_token", world, call)


async def run(world: World, call: Call) -> Response:
    """Placeholder until the clusters have nodes."""
    return await _nodes("run", world, call)


async def _nodes(name: str, world: World, call: Call) -> Response:
    try:
        module = importlib.import_module("sandbox.kubernetes.nodes")
    except ModuleNotFoundError:
        return JSONResponse({"error": "not implemented"}, status_code=501)
    answered: Response = await getattr(module, name)(world, call)
    return answered
