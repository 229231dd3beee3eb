"""Virtual machines, as far as their identities go.

Simulates   Microsoft.Compute/virtualMachines: list, get, and patching `identity` (2024-07-01)
Left out    everything else about a machine; code on one gets its tokens at `/sandbox/machines`
Source      https://learn.microsoft.com/rest/api/compute/virtual-machines
"""

from starlette.responses import Response

from sandbox.arm import attachments, resources
from sandbox.web import Call, Route
from sandbox.world import World

_TYPE = "Microsoft.Compute/virtualMachines"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_MACHINE = f"{_GROUP}/providers/{_TYPE}/{{name}}"


async def list_all(world: World, call: Call) -> Response:
    """200 with those that the caller may read; 404 for a scope that is not there."""
    return resources.visible(world, call, _TYPE)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    return resources.one(world, call, _TYPE)


async def patch(world: World, call: Call) -> Response:
    """200 with the changed identity, 400, 403, 404, 409 locked."""
    return attachments.patch(world, call, _TYPE)


ROUTES = [
    Route("GET", f"/subscriptions/{{subscription}}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}", list_all),
    Route("GET", _MACHINE, get),
    Route("PATCH", _MACHINE, patch),
]
