"""Which request is which operation, what it is called in the logs, and which permission opens it.

Source      https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory#permissions-for-calling-data-operations
            https://learn.microsoft.com/rest/api/storageservices/storage-analytics-logged-operations-and-status-messages
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from starlette.responses import Response

from sandbox.storage import blobs, listings
from sandbox.web import Call
from sandbox.world import World

_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_READ, _WRITE = f"{_CONTAINERS}/blobs/read", f"{_CONTAINERS}/blobs/write"
_ADD = f"{_CONTAINERS}/blobs/add/action"


@dataclass(frozen=True)
class Operation:
    """One documented operation. Any one of the actions is enough."""

    name: str
    category: Literal["StorageRead", "StorageWrite", "StorageDelete"]
    actions: tuple[str, ...]
    handle: Callable[[World, Call], Response]
    data_action: bool = True


_GET = Operation("GetBlob", "StorageRead", (_READ,), blobs.get)
_HEAD = Operation("GetBlobProperties", "StorageRead", (_READ,), blobs.get)
_PUT = Operation("PutBlob", "StorageWrite", (_WRITE,), blobs.put)
_APPEND = Operation("AppendBlock", "StorageWrite", (_WRITE, _ADD), blobs.append)
_DELETE = Operation("DeleteBlob", "StorageDelete", (f"{_CONTAINERS}/blobs/delete",), blobs.delete)
_LIST = Operation("ListBlobs", "StorageRead", (_READ,), listings.list_blobs)
_PROPERTIES = Operation(
    "GetContainerProperties",
    "StorageRead",
    (f"{_CONTAINERS}/read",),
    listings.get,
    data_action=False,
)
_CREATE = Operation(
    "CreateContainer",
    "StorageWrite",
    (f"{_CONTAINERS}/write",),
    listings.create,
    data_action=False,
)
# What, method, restype, comp.
_OPERATIONS = {
    ("blob", "GET", "", ""): _GET,
    ("blob", "HEAD", "", ""): _HEAD,
    ("blob", "PUT", "", ""): _PUT,
    ("blob", "PUT", "", "appendblock"): _APPEND,
    ("blob", "DELETE", "", ""): _DELETE,
    ("container", "GET", "container", "list"): _LIST,
    ("container", "GET", "container", ""): _PROPERTIES,
    ("container", "HEAD", "container", ""): _PROPERTIES,
    ("container", "PUT", "container", ""): _CREATE,
}


def find(what: str, call: Call) -> Operation | None:
    """The operation, or None where the query asks for one that is not simulated."""
    kind, component = call.query.get("restype", ""), call.query.get("comp", "")
    return _OPERATIONS.get((what, call.method, kind, component))


def permission(call: Call, operation: Operation, *, exists: bool) -> tuple[str, ...]:
    """A new blob may be created with the right to add as well; what exists needs the right to write."""
    if operation is _PUT and not exists:
        return (_WRITE, _ADD)
    return operation.actions
