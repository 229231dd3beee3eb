"""Subscriptions and tenants.

Simulates   GET /subscriptions, /subscriptions/{id}, /tenants (2022-12-01)
Faithful    a caller sees the subscriptions in which he has any role at all, directly or inherited
Source      https://learn.microsoft.com/rest/api/resources/subscriptions/list
"""

from starlette.responses import JSONResponse, Response

from sandbox.arm.access import effective_assignments, scopes_above
from sandbox.arm.bodies import page
from sandbox.arm.errors import subscription_not_found
from sandbox.arm.gate import caller_of
from sandbox.entra.bearer import Caller
from sandbox.web import Call, Route
from sandbox.world import Json, World

_PAGE = 100


async def list_all(world: World, call: Call) -> Response:
    """200 with the visible ones; an empty list where there are none."""
    caller = caller_of(world, call)
    return page(call, visible_to(world, caller), size=_PAGE)


async def get(world: World, call: Call) -> Response:
    """200, or 404 where it is not there or the caller has nothing in it."""
    caller, name = caller_of(world, call), call.params["subscription"]
    found = require(world, name)
    if not _sees(world, caller, name):
        raise subscription_not_found(name)
    return JSONResponse(found)


async def list_tenants(world: World, call: Call) -> Response:
    """200 with the one tenant."""
    caller_of(world, call)
    tenant = {
        "id": f"/tenants/{world.tenant_id}",
        "tenantId": world.tenant_id,
        "tenantCategory": "Home",
        "displayName": "Contoso",
        "defaultDomain": "contoso.onmicrosoft.com",
        "domains": ["contoso.onmicrosoft.com"],
        "tenantType": "AAD",
    }
    return JSONResponse({"value": [tenant]})


def require(world: World, name: str) -> Json:
    """The subscription, or 404 SubscriptionNotFound; ids compare without case."""
    for subscription in world.azure.subscriptions.values():
        if subscription["subscriptionId"].lower() == name.lower():
            return subscription
    raise subscription_not_found(name)


def visible_to(world: World, caller: Caller) -> list[Json]:
    """The subscriptions in which the caller has any role."""
    return [
        subscription
        for subscription in world.azure.subscriptions.values()
        if _sees(world, caller, subscription["subscriptionId"])
    ]


def _sees(world: World, caller: Caller, name: str) -> bool:
    scope = f"/subscriptions/{name}".lower()
    above = {area.lower() for area in scopes_above(world, scope)}
    held = [
        assignment["properties"]["scope"].lower()
        for assignment in effective_assignments(world, caller.object_id)
    ]
    return any(area in above or area.startswith(f"{scope}/") for area in held)


ROUTES = [
    Route("GET", "/subscriptions", list_all),
    Route("GET", "/subscriptions/{subscription}", get),
    Route("GET", "/tenants", list_tenants),
]
