"""What happens on a cluster's nodes, beneath every API: code running in somebody's pod."""

from dataclasses import replace

import httpx
from starlette.responses import JSONResponse, Response

from sandbox.control.wishes import wish
from sandbox.entra import token_proxy as proxy
from sandbox.kubernetes import nodes
from sandbox.kubernetes.nodes import PodNotReadyError
from sandbox.web import Call
from sandbox.world import World


async def steal_token(world: World, call: Call) -> Response:
    """200 with the projected token; 404 no such cluster; 409 where no such pod runs."""
    wanted = wish(call, "namespace", "service_account")
    cluster = call.params["cluster"]
    if cluster not in world.clusters:
        return _error(404, f"no cluster {cluster}")
    try:
        token = nodes.steal_token(
            world, cluster, str(wanted["namespace"]), str(wanted["service_account"])
        )
    except PodNotReadyError as absent:
        return _error(409, str(absent))
    return JSONResponse({"token": token})


async def run(world: World, call: Call) -> Response:
    """200 with what the workload got; 404 no such cluster; 409 the pod can't; 502 a cut connection."""
    wanted = wish(call, "url", "resource", optional=("method",))
    where = call.params
    if where["cluster"] not in world.clusters:
        return _error(404, f"no cluster {where['cluster']}")
    try:
        answer = await nodes.run_in_pod(
            world,
            where["cluster"],
            where["namespace"],
            where["pod"],
            str(wanted.get("method", "GET")),
            str(wanted["url"]),
            str(wanted["resource"]),
        )
    except PodNotReadyError as absent:
        return _error(409, str(absent))
    except httpx.HTTPError as failed:
        return _error(502, f"{type(failed).__name__}: {failed}")
    return JSONResponse(answer)


async def token_proxy(world: World, call: Call) -> Response:
    """As the proxy that only pods of this cluster reach answers a token request; 404 no such cluster."""
    cluster = call.params["cluster"]
    if cluster not in world.clusters:
        return _error(404, f"no cluster {cluster}")
    path = f"/{call.params['tenant']}/oauth2/v2.0/token"
    origin = world.endpoints["login"]
    return await proxy.exchange(world.clusters[cluster], replace(call, path=path, origin=origin))


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status_code=status)
