"""Containers as a whole.

Simulates   Create Container, Get Container Properties, List Blobs
Faithful    pages: the service may return fewer blobs than asked for, with a marker, and this one does
Left out    deleting containers, delimiters, `include`, public access, metadata of containers
Source      https://learn.microsoft.com/rest/api/storageservices/create-container
            https://learn.microsoft.com/rest/api/storageservices/list-blobs
"""

import base64
import re
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from starlette.responses import Response

from sandbox.storage.containers import Blob, Container, container_of
from sandbox.storage.errors import StorageError
from sandbox.web import Call
from sandbox.world import World

_PAGE = 100  # of at most 5000: a client that takes the first page for everything is to be found out
# https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
_NAME = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_PARAMETERS = frozenset({"restype", "comp", "prefix", "marker", "maxresults", "timeout"})


def create(world: World, call: Call) -> Response:
    """201; 400 name; 409 exists."""
    key = f"{call.params['account']}/{call.params['container']}"
    if not _NAME.fullmatch(call.params["container"]):
        raise StorageError("InvalidResourceName")
    if key in world.containers:
        raise StorageError("ContainerAlreadyExists")
    container = world.containers[key] = Container(created=world.clock.now())
    return Response(status_code=201, headers=_written(container))


def get(world: World, call: Call) -> Response:
    """200, 404."""
    container = container_of(world, call.params["account"], call.params["container"])
    return Response(
        status_code=200,
        headers={
            **_written(container),
            "x-ms-lease-status": "unlocked",
            "x-ms-lease-state": "available",
            "x-ms-has-immutability-policy": str(container.retention is not None).lower(),
            "x-ms-has-legal-hold": "false",
        },
    )


def list_blobs(world: World, call: Call) -> Response:
    """200 with a page in XML; 400 for what is not simulated; 404."""
    if not call.query.keys() <= _PARAMETERS:
        raise StorageError("UnsupportedQueryParameter")
    container = container_of(world, call.params["account"], call.params["container"])
    prefix, size = call.query.get("prefix", ""), _page_size(call)
    after = _position(call.query.get("marker", ""))
    names = sorted(name for name in container.blobs if name.startswith(prefix) and name > after)
    page, more = names[:size], len(names) > size
    blobs = "".join(_blob(name, container.blobs[name]) for name in page)
    marker = _marker(page[-1]) if more else ""
    endpoint = f"{call.origin}/{call.params['account']}/"
    body = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<EnumerationResults ServiceEndpoint={quoteattr(endpoint)} "
        f"ContainerName={quoteattr(call.params['container'])}>"
        f"<Prefix>{escape(prefix)}</Prefix><MaxResults>{size}</MaxResults>"
        f"<Blobs>{blobs}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
    )
    return Response(body, media_type="application/xml")


def _page_size(call: Call) -> int:
    asked = call.query.get("maxresults", str(_PAGE))
    if not asked.isdecimal():
        raise StorageError("InvalidQueryParameterValue")
    if int(asked) == 0:
        raise StorageError("OutOfRangeQueryParameterValue")
    return min(int(asked), _PAGE)


def _marker(name: str) -> str:
    """Opaque to the caller."""
    return base64.urlsafe_b64encode(name.encode()).decode()


def _position(marker: str) -> str:
    try:
        return base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise StorageError("InvalidQueryParameterValue") from None


def _blob(name: str, blob: Blob) -> str:
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties>"
        f"<Creation-Time>{format_datetime(blob.created, usegmt=True)}</Creation-Time>"
        f"<Last-Modified>{format_datetime(blob.modified, usegmt=True)}</Last-Modified>"
        f"<Etag>{escape(blob.etag.strip(chr(34)))}</Etag>"
        f"<Content-Length>{len(blob.content)}</Content-Length>"
        f"<Content-Type>{escape(blob.content_type)}</Content-Type>"
        f"<BlobType>{blob.kind}</BlobType><LeaseStatus>unlocked</LeaseStatus>"
        "<LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted>"
        "</Properties></Blob>"
    )


def _written(container: Container) -> dict[str, str]:
    return {
        "etag": container.etag,
        "last-modified": format_datetime(container.created, usegmt=True),
    }
