"""How much is too much, and what the tenant has paid for: knobs that no cloud has."""

from dataclasses import asdict, fields

from starlette.responses import JSONResponse, Response

from sandbox.control.wishes import WishError, number, wish
from sandbox.knobs import Limits
from sandbox.loganalytics.tables import SCHEMAS
from sandbox.web import Call, Route
from sandbox.world import World


async def show_limits(world: World, call: Call) -> Response:
    """200 with all limits, each for the period that `Limits` names."""
    return JSONResponse(asdict(world.limits))


async def set_limits(world: World, call: Call) -> Response:
    """200 with all limits; those that are not named stay."""
    wanted = wish(call)
    known = {field.name for field in fields(Limits)}
    if unknown := sorted(set(wanted) - known):
        raise WishError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    for name, most in wanted.items():
        setattr(world.limits, name, number(name, most))
    return await show_limits(world, call)


async def show_licences(world: World, call: Call) -> Response:
    """200 with what the tenant has."""
    return JSONResponse({"workload_id_premium": world.directory.workload_id_premium})


async def set_licences(world: World, call: Call) -> Response:
    """200 with what the tenant has now; 400 for anything but yes and no."""
    has = wish(call, "workload_id_premium")["workload_id_premium"]
    if not isinstance(has, bool):
        raise WishError("workload_id_premium: true or false")
    world.directory.workload_id_premium = has
    return await show_licences(world, call)


async def set_table_plans(world: World, call: Call) -> Response:
    """200 with the plans that are not Analytics; null takes a table out of the workspace."""
    for table, plan in wish(call).items():
        if table not in SCHEMAS:
            raise WishError(f"{table}: no such table")
        if plan not in ("Analytics", "Basic", "Auxiliary", None):
            raise WishError(f"{table}: Analytics, Basic, Auxiliary or null")
        world.logs.plans[table] = plan
    return JSONResponse({"plans": world.logs.plans})


ROUTES = [
    Route("POST", "/sandbox/table-plans", set_table_plans),
    Route("GET", "/sandbox/limits", show_limits),
    Route("POST", "/sandbox/limits", set_limits),
    Route("GET", "/sandbox/licences", show_licences),
    Route("POST", "/sandbox/licences", set_licences),
]
