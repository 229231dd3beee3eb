"""Code on a virtual machine or in a function app: each machine's own door to its identities' tokens.

In Azure the address is the same on every machine (169.254.169.254) and tells itself who asks. Here the path says which
machine it is; behind it everything is as there. What a machine asks for is no traffic of Azure's, so none is recorded.
"""

from collections.abc import Sequence

from starlette.responses import JSONResponse, Response

from sandbox.control.wishes import WishError, wish
from sandbox.entra import instance_metadata, managed_identity, resources, revocations
from sandbox.web import Call, Route
from sandbox.world import Json, World

_MACHINES = ("microsoft.compute/virtualmachines", "microsoft.compute/virtualmachinescalesets")
_SITES = ("microsoft.web/sites",)
_PATH = "/sandbox/machines/{name}"


async def metadata_token(world: World, call: Call) -> Response:
    """As the instance metadata service answers on this machine, or on one of this scale set; 404 without one."""
    machine = _named(world, call, _MACHINES)
    return instance_metadata.token_on(world, call, machine) if machine else _absent(call)


async def app_token(world: World, call: Call) -> Response:
    """As the managed-identity endpoint answers inside this app, whose code knows the header; 404 without one."""
    site = _named(world, call, _SITES)
    return managed_identity.token_in(world, call, site) if site else _absent(call)


async def show_revocation(world: World, call: Call) -> Response:
    """200 with the resources that refuse revoked tokens."""
    return JSONResponse({"honoured_by": sorted(revocations.honoured_by(world))})


async def set_revocation(world: World, call: Call) -> Response:
    """200 {"honoured_by": ["https://management.azure.com", ...]}: these refuse revoked tokens, the others take them."""
    wanted = wish(call, "honoured_by")["honoured_by"]
    if not isinstance(wanted, list):
        raise WishError("honoured_by: a list is needed")
    named = {resources.canonical(world, str(each)) for each in wanted}
    if unknown := sorted(named - set(resources.FIRST_PARTY)):
        raise WishError(f"honoured_by: no resource {', '.join(unknown)}")
    honoured = revocations.honoured_by(world)
    honoured.clear()
    honoured.update(named)
    return await show_revocation(world, call)


def _named(world: World, call: Call, kinds: Sequence[str]) -> Json | None:
    for each in world.azure.resources.values():
        if each["type"].lower() in kinds and each["name"].lower() == call.params["name"].lower():
            return each
    return None


def _absent(call: Call) -> Response:
    return JSONResponse({"error": f"no machine {call.params['name']}"}, status_code=404)


ROUTES = [
    Route("GET", f"{_PATH}/metadata/identity/oauth2/token", metadata_token),
    Route("GET", f"{_PATH}/msi/token", app_token),
    Route("GET", "/sandbox/token-revocation", show_revocation),
    Route("POST", "/sandbox/token-revocation", set_revocation),
]
