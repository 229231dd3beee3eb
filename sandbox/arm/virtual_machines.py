"""Virtual machines and scale sets of them, as far as their identities go.

Simulates   Microsoft.Compute/virtualMachines and virtualMachineScaleSets: list, get, and patching `identity`
            (2024-07-01)
Left out    everything else about a machine; code on one gets its tokens at `/sandbox/machines`
Source      https://learn.microsoft.com/rest/api/compute/virtual-machines
            https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-sets
"""

from starlette.responses import Response

from sandbox.arm import attachments, paths, resources
from sandbox.web import Call, Route
from sandbox.world import World

_TYPES = {
    "virtualmachines": "Microsoft.Compute/virtualMachines",
    "virtualmachinescalesets": "Microsoft.Compute/virtualMachineScaleSets",
}
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"


async def list_all(world: World, call: Call) -> Response:
    """200 with those that the caller may read; 404 for a scope that is not there."""
    return resources.visible(world, call, _type_of(call))


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    return resources.one(world, call, _type_of(call))


async def patch(world: World, call: Call) -> Response:
    """200 with the changed identity, 400, 403, 404, 409 locked."""
    return attachments.patch(world, call, _type_of(call))


def _type_of(call: Call) -> str:
    return _TYPES[paths.parse(call.path).types[0].lower()]


ROUTES = [
    route
    for kind in _TYPES.values()
    for route in (
        Route("GET", f"/subscriptions/{{subscription}}/providers/{kind}", list_all),
        Route("GET", f"{_GROUP}/providers/{kind}", list_all),
        Route("GET", f"{_GROUP}/providers/{kind}/{{name}}", get),
        Route("PATCH", f"{_GROUP}/providers/{kind}/{{name}}", patch),
    )
]
