"""Storage accounts, and which containers they have.

Simulates   Microsoft.Storage/storageAccounts, list and get (2023-05-01); blobServices/containers, list
Left out    keys, creating and changing them; blobs are a service of their own
Source      https://learn.microsoft.com/rest/api/storagerp/storage-accounts
            https://learn.microsoft.com/rest/api/storagerp/blob-containers/list
"""

from starlette.responses import Response

from sandbox.arm import bodies, resources
from sandbox.arm.gate import authorize
from sandbox.web import Call, Route
from sandbox.world import Json, World

_TYPE = "Microsoft.Storage/storageAccounts"
_CONTAINERS = f"{_TYPE}/blobServices/containers"
_PAGE = 100
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"


async def list_all(world: World, call: Call) -> Response:
    """200 with those that the caller may read; 404 for a scope that is not there."""
    return resources.visible(world, call, _TYPE)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    return resources.one(world, call, _TYPE)


async def containers(world: World, call: Call) -> Response:
    """200 with the containers of an account, without what is in them; 403, 404."""
    account = call.path.rpartition("/blobServices/")[0]
    authorize(world, call, f"{_CONTAINERS}/read", account)
    own = f"{resources.require(world, account)['name']}/"
    found: list[Json] = [
        {
            "id": f"{call.path}/{key.removeprefix(own)}",
            "name": key.removeprefix(own),
            "type": _CONTAINERS,
            "etag": one.etag,
            "properties": {
                "publicAccess": "None",
                "leaseStatus": "Unlocked",
                "leaseState": "Available",
                "hasImmutabilityPolicy": one.retention is not None,
                "hasLegalHold": False,
            },
        }
        for key, one in sorted(world.containers.items())
        if key.startswith(own)
    ]
    return bodies.page(call, found, size=_PAGE)


ROUTES = [
    Route("GET", f"/subscriptions/{{subscription}}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}/{{name}}", get),
    Route(
        "GET",
        f"{_GROUP}/providers/{_TYPE}/{{name}}/blobServices/{{service}}/containers",
        containers,
    ),
]
