"""One blob at a time.

Simulates   Put Blob (block and append), Append Block, Get Blob, Get Blob Properties, Delete Blob
Faithful    conditions, ranges, append positions, checksums, immutability, blob types
Left out    blocks that are staged and committed, page blobs, copies, leases, snapshots, tiers, tags
Source      https://learn.microsoft.com/rest/api/storageservices/put-blob
            https://learn.microsoft.com/rest/api/storageservices/append-block
            https://learn.microsoft.com/rest/api/storageservices/get-blob
            https://learn.microsoft.com/rest/api/storageservices/delete-blob
"""

from email.utils import format_datetime
from typing import Literal

from starlette.responses import Response

from sandbox.storage import headers
from sandbox.storage.containers import Blob, blob_of, container_of
from sandbox.storage.errors import StorageError
from sandbox.web import Call
from sandbox.world import World

_MOST_BLOCKS = 50_000
_BLOCK_TYPES: dict[str, Literal["BlockBlob", "AppendBlob"]] = {
    "BlockBlob": "BlockBlob",
    "AppendBlob": "AppendBlob",
}


def put(world: World, call: Call) -> Response:
    """201; 409 exists or immutable; 412 condition; 400 type, checksum.

    Which of two refusals comes first, the condition's or the policy's, is not documented: here the condition's.
    """
    container = container_of(world, call.params["account"], call.params["container"])
    headers.check_body(call)
    if "x-ms-blob-type" not in call.headers:
        raise StorageError("MissingRequiredHeader")
    kind = _BLOCK_TYPES.get(call.headers["x-ms-blob-type"])
    if kind is None or (kind == "AppendBlob" and call.body):
        raise StorageError("InvalidHeaderValue")
    name, now = call.params["blob"], world.clock.now()
    current = container.blobs.get(name)
    headers.check_write(call, current)
    if current is not None:
        container.refuse_overwrite()
    kept = call.headers.get("content-type", "application/octet-stream")
    blob = Blob(
        kind,
        bytearray(call.body),
        created=current.created if current else now,
        modified=now,
        content_type=call.headers.get("x-ms-blob-content-type", kept),
        metadata=headers.metadata_of(call),
    )
    container.blobs[name] = blob
    return Response(status_code=201, headers=_accepted(call, blob))


def append(world: World, call: Call) -> Response:
    """201 with where it was put; 404; 409 type, immutable, too many; 412 position, size, condition."""
    container = container_of(world, call.params["account"], call.params["container"])
    headers.check_body(call)
    if not call.body:
        raise StorageError("InvalidHeaderValue")
    blob = blob_of(container, call.params["blob"])
    if blob.kind != "AppendBlob":
        raise StorageError("InvalidBlobType")
    headers.check_write(call, blob)
    headers.check_append(call, blob)
    container.refuse_append()
    if blob.blocks >= _MOST_BLOCKS:
        raise StorageError("BlockCountExceedsLimit")
    offset = len(blob.content)
    blob.content += call.body
    blob.blocks += 1
    blob.touch(world.clock.now())
    place = {
        "x-ms-blob-append-offset": str(offset),
        "x-ms-blob-committed-block-count": str(blob.blocks),
    }
    return Response(status_code=201, headers=_accepted(call, blob) | place)


def get(world: World, call: Call) -> Response:
    """200 or 206 with the bytes, for HEAD without; 304, 404, 412, 416."""
    container = container_of(world, call.params["account"], call.params["container"])
    blob = blob_of(container, call.params["blob"])
    headers.check_read(call, blob)
    size = len(blob.content)
    about = _about(blob)
    part = None if call.method == "HEAD" else headers.range_of(call, size)
    content = bytes(blob.content if part is None else blob.content[part[0] : part[1]])
    if part is not None:
        about["content-range"] = f"bytes {part[0]}-{part[1] - 1}/{size}"
        if call.headers.get("x-ms-range-get-content-md5") == "true":
            about["content-md5"] = headers.md5(content)
    elif blob.kind == "BlockBlob":
        about["content-md5"] = headers.md5(content)
    response = Response(
        b"" if call.method == "HEAD" else content,
        status_code=200 if part is None else 206,
        headers=about,
    )
    response.headers["content-length"] = str(len(content))
    return response


def delete(world: World, call: Call) -> Response:
    """202; 404; 409 immutable; 412 condition."""
    container = container_of(world, call.params["account"], call.params["container"])
    blob = blob_of(container, call.params["blob"])
    headers.check_write(call, blob)
    container.refuse_delete(blob, world.clock.now())
    del container.blobs[call.params["blob"]]
    return Response(status_code=202, headers={"x-ms-delete-type-permanent": "true"})


def _accepted(call: Call, blob: Blob) -> dict[str, str]:
    return {
        **headers.written(blob),
        "content-md5": headers.md5(call.body),
        "x-ms-request-server-encrypted": "true",
    }


def _about(blob: Blob) -> dict[str, str]:
    about = {
        **headers.written(blob),
        "content-type": blob.content_type,
        "accept-ranges": "bytes",
        "x-ms-creation-time": format_datetime(blob.created, usegmt=True),
        "x-ms-blob-type": blob.kind,
        "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available",
        "x-ms-server-encrypted": "true",
    }
    if blob.kind == "AppendBlob":
        about["x-ms-blob-committed-block-count"] = str(blob.blocks)
    return about | {f"x-ms-meta-{name}": value for name, value in blob.metadata.items()}
