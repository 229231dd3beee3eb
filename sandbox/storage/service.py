"""Blob storage: what the attacker is after, what the workloads live on, and where evidence lies.

Simulates   the Blob REST API with Entra tokens, path-style URLs as Azurite has them; see `operations`
Faithful    an action of Azure RBAC is needed per call; error codes and XML; versions; a row per request
Left out    account keys, SAS
Source      https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
"""

import uuid

from starlette.responses import Response

from sandbox.arm import access, conditions
from sandbox.entra import bearer
from sandbox.entra.bearer import Caller, InvalidTokenError
from sandbox.entra.resources import STORAGE
from sandbox.storage import errors, headers, logs, operations
from sandbox.storage.containers import account_of
from sandbox.storage.errors import StorageError
from sandbox.storage.logs import Served
from sandbox.storage.operations import Operation
from sandbox.web import Call, Route, Router
from sandbox.world import Json, World


async def serve(world: World, call: Call) -> Response:
    """Answer and leave a row in StorageBlobLogs."""
    served = Served(str(uuid.uuid4()), caller=bearer.peek(world, call))
    found = _ROUTER.find(call)
    try:
        if found is None:
            raise StorageError("InvalidUri")
        call = found[1]
        response = _perform(world, call, served)
    except StorageError as error:
        served.failure = error.code
        response = errors.answer(world, error, served.request_id)
    refused = response.status_code >= 400
    if response.status_code == 304 or (call.method == "HEAD" and refused):
        response = Response(status_code=response.status_code, headers=_only_ours(response))
    response.headers.update(_headers(call, served.request_id))
    logs.record(world, call, served, response)
    return response


def _perform(world: World, call: Call, served: Served) -> Response:
    account = account_of(world, call.params["account"])
    operation = served.operation = operations.find(
        "blob" if "blob" in call.params else "container", call
    )
    served.caller = _authenticate(world, call)
    if operation is None:
        raise StorageError(
            "UnsupportedQueryParameter" if "comp" in call.query else "UnsupportedHttpVerb"
        )
    headers.check_known(call)
    served.assignment = _authorize(world, call, served.caller, account, operation)
    return operation.handle(world, call)


def _authorize(
    world: World, call: Call, caller: Caller, account: Json, operation: Operation
) -> Json:
    """The role assignment that opens it. Raises 403."""
    scope = f"{account['id']}/blobServices/default/containers/{call.params['container']}"
    held = world.containers.get(f"{call.params['account']}/{call.params['container']}")
    exists = held is not None and call.params.get("blob") in held.blobs
    known = conditions.of_blob(call.params.get("blob", ""))
    for action in operations.permission(call, operation, exists=exists):
        assignment = access.deciding_assignment(
            world,
            caller.object_id,
            action,
            scope,
            data_action=operation.data_action,
            attributes=known,
        )
        if assignment is not None:
            return assignment
    raise StorageError("AuthorizationPermissionMismatch")


def _authenticate(world: World, call: Call) -> Caller:
    if "authorization" not in call.headers:
        raise StorageError("PublicAccessNotPermitted")
    headers.check_version(call)
    try:
        own = f"https://{call.params['account']}.blob.core.windows.net"
        return bearer.authenticate(world, call, (STORAGE, own))
    except InvalidTokenError as invalid:
        raise StorageError(
            "InvalidAuthenticationInfo",
            401,
            f"Server failed to authenticate the request. Please refer to the information in the "
            f"www-authenticate header. ({invalid})",
        ) from invalid


def _only_ours(response: Response) -> dict[str, str]:
    """An error without a body keeps its code in the header."""
    return {
        name: value
        for name, value in response.headers.items()
        if name in {"x-ms-error-code", "www-authenticate"}
    }


def _headers(call: Call, request_id: str) -> dict[str, str]:
    ours = {"x-ms-request-id": request_id}
    for name in ("x-ms-version", "x-ms-client-request-id"):
        if name in call.headers:
            ours[name] = call.headers[name]
    return ours


_BLOB, _CONTAINER = "/{account}/{container}/{blob:path}", "/{account}/{container}"
ROUTES = [
    *(Route(method, _CONTAINER, serve) for method in ("GET", "HEAD", "PUT")),
    *(Route(method, _BLOB, serve) for method in ("GET", "HEAD", "PUT", "DELETE", "POST")),
]
_ROUTER = Router(ROUTES)
