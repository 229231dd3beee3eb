"""Resource providers and the api-versions of their types.

Simulates   GET /subscriptions/{id}/providers[/{namespace}] (2022-09-01)
Left out    registering and unregistering: all are registered
Source      https://learn.microsoft.com/rest/api/resources/providers/list
"""

from starlette.responses import JSONResponse, Response

from sandbox.arm.bodies import page
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.arm.resources import require_scope
from sandbox.arm.versions import SUPPORTED
from sandbox.web import Call, Route
from sandbox.world import Json, World

_LOCATIONS = ["West Europe", "North Europe", "France Central"]


async def list_all(world: World, call: Call) -> Response:
    """200 with every provider that the sandbox knows."""
    scope = _scope(world, call)
    namespaces = sorted({kind.split("/")[0] for kind in SUPPORTED})
    return page(call, [_provider(scope, each) for each in namespaces], size=100)


async def get(world: World, call: Call) -> Response:
    """200, or 404 InvalidResourceNamespace."""
    scope, wanted = _scope(world, call), call.params["namespace"]
    for namespace in {kind.split("/")[0] for kind in SUPPORTED}:
        if namespace.lower() == wanted.lower():
            return JSONResponse(_provider(scope, namespace))
    raise ArmError(
        404, "InvalidResourceNamespace", f"The resource namespace '{wanted}' is invalid."
    )


def _scope(world: World, call: Call) -> str:
    scope = f"/subscriptions/{call.params['subscription']}"
    require_scope(world, scope)
    authorize(world, call, "Microsoft.Resources/subscriptions/providers/read", scope)
    return scope


def _provider(scope: str, namespace: str) -> Json:
    return {
        "id": f"{scope}/providers/{namespace}",
        "namespace": namespace,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": [
            {
                "resourceType": kind.partition("/")[2],
                "locations": _LOCATIONS,
                "apiVersions": list(reversed(versions)),
            }
            for kind, versions in SUPPORTED.items()
            if kind.startswith(f"{namespace}/")
        ],
    }


ROUTES = [
    Route("GET", "/subscriptions/{subscription}/providers", list_all),
    Route("GET", "/subscriptions/{subscription}/providers/{namespace}", get),
]
