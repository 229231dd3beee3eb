"""One storage account's blobs: what the attacker is after, and what the workloads live on.

Simulates   Get Blob and Get Blob Properties with Entra tokens, path-style URLs as Azurite has them
Faithful    a data action of Azure RBAC is needed per read; error codes and XML; a row per request
Left out    account keys, SAS, writing, listing, ranges
Source      https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
"""

import hashlib
import uuid
from dataclasses import dataclass
from email.utils import format_datetime
from xml.sax.saxutils import escape

from starlette.responses import Response

from sandbox.arm import access
from sandbox.entra import bearer
from sandbox.entra.bearer import Caller, InvalidTokenError
from sandbox.entra.resources import STORAGE
from sandbox.storage import logs
from sandbox.web import Call, Route, Router
from sandbox.world import Json, World

_READ = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
# Bearer tokens are understood from this version on.
# https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
_FIRST_VERSION = "2017-11-09"


@dataclass(frozen=True)
class StorageError(Exception):
    """A refusal, as the service words it."""

    status: int
    code: str
    message: str


async def serve(world: World, call: Call) -> Response:
    """Answer and leave a row in StorageBlobLogs."""
    request_id = str(uuid.uuid4())
    caller, assignment, failure = bearer.peek(world, call), None, None
    found = _ROUTER.find(call)
    try:
        if found is None:
            raise _unknown(call)
        call = found[1]
        response, caller, assignment = _get_blob(world, call)
    except StorageError as error:
        failure, response = error, _answer(world, error, request_id)
    response.headers.update(_headers(call, request_id))
    logs.record(
        world,
        call,
        request_id=request_id,
        caller=caller,
        assignment=assignment,
        status=response.status_code,
        status_text=failure.code if failure else "Success",
        body_size=0 if call.method == "HEAD" else len(response.body),
    )
    return response


async def get_blob(world: World, call: Call) -> Response:
    """200; 401 bad token; 403 no data action; 404 no such blob; 409 anonymous."""
    return _get_blob(world, call)[0]


def _get_blob(world: World, call: Call) -> tuple[Response, Caller, Json | None]:
    account = _account(world, call.params["account"])
    caller = _authenticate(world, call)
    container = f"{account['id']}/blobServices/default/containers/{call.params['container']}"
    assignment = access.deciding_assignment(
        world, caller.object_id, _READ, container, data_action=True
    )
    if assignment is None:
        raise StorageError(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )
    blobs = world.blobs.get(f"{call.params['account']}/{call.params['container']}")
    if blobs is None:
        raise StorageError(404, "ContainerNotFound", "The specified container does not exist.")
    content = blobs.get(call.params["blob"])
    if content is None:
        raise StorageError(404, "BlobNotFound", "The specified blob does not exist.")
    response = Response(
        content if call.method == "GET" else b"",
        media_type="text/csv" if call.params["blob"].endswith(".csv") else None,
        headers={
            "etag": f'"0x{hashlib.sha256(content).hexdigest()[:15].upper()}"',
            "last-modified": format_datetime(world.clock.now(), usegmt=True),
            "x-ms-blob-type": "BlockBlob",
            "x-ms-server-encrypted": "true",
        },
    )
    if call.method == "HEAD":
        response.headers["content-length"] = str(len(content))
    return response, caller, assignment


def _account(world: World, name: str) -> Json:
    for resource in world.azure.resources.values():
        if resource["type"] == "Microsoft.Storage/storageAccounts" and resource["name"] == name:
            return resource
    raise StorageError(404, "ResourceNotFound", "The specified resource does not exist.")


def _authenticate(world: World, call: Call) -> Caller:
    if "authorization" not in call.headers:
        raise StorageError(
            409,
            "PublicAccessNotPermitted",
            "Public access is not permitted on this storage account.",
        )
    if call.headers.get("x-ms-version", "") < _FIRST_VERSION:
        raise StorageError(
            400,
            "InvalidAuthenticationInfo",
            "Authentication information is not given in the correct format. Check the value of "
            "Authorization header.",
        )
    try:
        own = f"https://{call.params['account']}.blob.core.windows.net"
        return bearer.authenticate(world, call, (STORAGE, own))
    except InvalidTokenError as invalid:
        raise StorageError(
            401,
            "InvalidAuthenticationInfo",
            f"Server failed to authenticate the request. Please refer to the information in the "
            f"www-authenticate header. ({invalid})",
        ) from invalid


def _unknown(call: Call) -> StorageError:
    if _ROUTER.methods(call.path):
        return StorageError(
            405,
            "UnsupportedHttpVerb",
            "The resource doesn't support the specified HTTP verb.",
        )
    return StorageError(
        400, "InvalidUri", "The requested URI does not represent any resource on the server."
    )


def _answer(world: World, error: StorageError, request_id: str) -> Response:
    moment = world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    body = (
        '<?xml version="1.0" encoding="utf-8"?><Error>'
        f"<Code>{error.code}</Code><Message>{escape(error.message)}\n"
        f"RequestId:{request_id}\nTime:{moment}</Message></Error>"
    )
    headers = {"x-ms-error-code": error.code}
    if error.status == 401:
        login = f"{world.endpoints['login']}/{world.tenant_id}/oauth2/authorize"
        headers["www-authenticate"] = f"Bearer authorization_uri={login} resource_id={STORAGE}"
    return Response(body, status_code=error.status, media_type="application/xml", headers=headers)


def _headers(call: Call, request_id: str) -> dict[str, str]:
    headers = {"x-ms-request-id": request_id}
    for name in ("x-ms-version", "x-ms-client-request-id"):
        if name in call.headers:
            headers[name] = call.headers[name]
    return headers


_BLOB = "/{account}/{container}/{blob:path}"
ROUTES = [Route("GET", _BLOB, get_blob), Route("HEAD", _BLOB, get_blob)]
_ROUTER = Router(ROUTES)
