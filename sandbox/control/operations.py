"""Operations of Azure that fail after they were accepted, which no cloud does on demand."""

from starlette.responses import JSONResponse, Response

from sandbox.arm import operations
from sandbox.control.wishes import WishError, a_list, wish
from sandbox.web import Call, Route
from sandbox.world import World


async def fail_next(world: World, call: Call) -> Response:
    """200 {"fail": ["aks-weu", ...]}: the next operation on each of these clusters is accepted, and fails."""
    wanted = {str(each) for each in a_list("fail", wish(call, "fail")["fail"])}
    if unknown := sorted(wanted - set(world.clusters)):
        raise WishError(f"fail: no cluster {', '.join(unknown)}")
    failing = operations.failing(world)
    failing.clear()
    failing.update(wanted)
    return JSONResponse({"fail": sorted(failing)})


ROUTES = [Route("POST", "/sandbox/cluster-operations", fail_next)]
