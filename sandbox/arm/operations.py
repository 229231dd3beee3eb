"""Long-running operations of AKS: accepted now, done later, asked about in between.

Simulates   Microsoft.ContainerService/locations/operations and operationresults
Faithful    202 with both addresses; the first one answers 200 with a status all the time, the other one 202 until it
            is over and 204 then; a cluster takes one operation at a time, and any other gets 409 meanwhile; one that
            fails says so in its status and in the cluster's state, and another one may be tried
Left out    the second event that the activity log has of what went on after "accepted"
Source      https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
            https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/error-codes/operationnotallowed-error-other-operations-inprogress
"""

import uuid
from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from sandbox.arm import paths
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.web import Call, Route
from sandbox.world import Json, World, timestamp

_LOCATIONS = "Microsoft.ContainerService/locations"
_AT = f"/subscriptions/{{subscription}}/providers/{_LOCATIONS}/{{location}}"
_VERSION = "2016-03-30"  # what AKS puts into both addresses, whatever version was called


def begin(
    world: World, call: Call, cluster: Json, kind: str, finish: Callable[[], None]
) -> Response:
    """202: `finish` is called when `delays.cluster_operations` have passed. Raises 409 while another one runs."""
    refuse_if_busy(cluster)
    _mark(world, cluster["id"], kind)
    operation_id = str(uuid.uuid4())
    started: Json = {
        "name": operation_id,
        "status": "InProgress",
        "startTime": timestamp(world.clock.now()),
    }
    world.azure.operations[operation_id] = started

    def finished() -> None:
        failure = _failure(world, cluster)
        if failure is None:
            finish()
        status = "Succeeded" if failure is None else "Failed"
        _mark(world, cluster["id"], status)
        ended = {"status": status, "endTime": timestamp(world.clock.now())}
        error = {} if failure is None else {"error": failure}
        world.azure.operations[operation_id] = started | ended | error

    world.agenda.after(world.delays.cluster_operations, finished)
    return Response(status_code=202, headers=_addresses(call, cluster, operation_id))


def refuse_if_busy(cluster: Json) -> None:
    """409 OperationNotAllowed while something is under way in this cluster."""
    state = cluster["properties"]["provisioningState"]
    if state not in ("Succeeded", "Failed"):
        raise ArmError(
            409,
            "OperationNotAllowed",
            f"Operation is not allowed: Another operation ({state}) is in progress, please wait for it to finish "
            "before starting a new operation. See https://aka.ms/aks-pending-operation for more details",
        )


async def status(world: World, call: Call) -> Response:
    """200 with InProgress or Succeeded, 403, 404."""
    return JSONResponse(_find(world, call, "operations"))


async def result(world: World, call: Call) -> Response:
    """202 it is still going on, 204 it is over and has no result, 403, 404, 500 it failed."""
    found = _find(world, call, "operationresults")
    if found["status"] == "Succeeded":
        return Response(status_code=204)
    if found["status"] == "Failed":
        raise ArmError(500, found["error"]["code"], found["error"]["message"])
    here = f"{call.origin}{call.path}?api-version={_VERSION}"
    return Response(status_code=202, headers={"Location": here, "Retry-After": "1"})


def failing(world: World) -> set[str]:
    """Names of the clusters whose next operation is to fail, once; for the control API to fill."""
    found: set[str] = world.caches.setdefault("clusters whose next operation fails", set())
    return found


def _failure(world: World, cluster: Json) -> Json | None:
    if cluster["name"] not in failing(world):
        return None
    failing(world).discard(cluster["name"])
    return {"code": "InternalOperationError", "message": "Internal server error"}


def _find(world: World, call: Call, kind: str) -> Json:
    authorize(world, call, f"{_LOCATIONS}/{kind}/read", call.path)
    found = world.azure.operations.get(call.params["operation"].lower())
    if found is None:
        raise ArmError(404, "NotFound", f"The operation '{call.params['operation']}' is not found.")
    return found


def _mark(world: World, cluster_id: str, state: str) -> None:
    cluster = world.azure.resources.get(cluster_id.lower())
    if cluster is not None:
        cluster["properties"]["provisioningState"] = state
        world.azure.resources.put(cluster_id.lower(), cluster)


def _addresses(call: Call, cluster: Json, operation_id: str) -> dict[str, str]:
    subscription = paths.subscription_of(cluster["id"])
    base = (
        f"{call.origin}/subscriptions/{subscription}/providers/{_LOCATIONS}/{cluster['location']}"
    )
    return {
        "Azure-AsyncOperation": f"{base}/operations/{operation_id}?api-version={_VERSION}",
        "Location": f"{base}/operationresults/{operation_id}?api-version={_VERSION}",
        "Retry-After": "1",  # AKS asks for more; here an operation takes about as long
    }


ROUTES = [
    Route("GET", f"{_AT}/operations/{{operation}}", status),
    Route("GET", f"{_AT}/operationresults/{{operation}}", result),
]
