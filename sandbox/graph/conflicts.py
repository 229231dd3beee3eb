"""Two writes to one object at the same time: the second is told to come again.

Faithful    409 Directory_ConcurrencyViolation for applications (with their credentials, trusts and owners), service
            principals and groups (with their members); grants and role assignments are objects of their own
Left out    writes inside a batch come one after the other, so that they never overlap
Source      https://learn.microsoft.com/graph/errors (409; code and message are as seen, not documented)
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.graph import directory
from sandbox.graph.errors import GraphError
from sandbox.graph.exchange import Request, normalise
from sandbox.world import Shelf

_WRITES = ("POST", "PATCH", "PUT", "DELETE")
_OBJECT = re.compile(r"/(applications|servicePrincipals|groups)/([^/]+)(/.*)?", re.IGNORECASE)
_APART = ("/approleassignments", "/approleassignedto")


@contextmanager
def writing(request: Request) -> Iterator[bool]:
    """Holds the object that is written to while the block runs; tells whether there is one. Raises 409."""
    key = _object_id(request)
    if key is None:
        yield False
        return
    held: set[str] = request.world.caches.setdefault("graph writes", set())
    if key in held:
        raise GraphError(
            409,
            "Directory_ConcurrencyViolation",
            "Error due to concurrent requests being made to the tenant. Please wait briefly and "
            "retry.",
        )
    held.add(key)
    try:
        yield True
    finally:
        held.discard(key)


def _object_id(request: Request) -> str | None:
    """The id of the object that the request would change; None for reads and for what is not there."""
    match = _OBJECT.fullmatch(normalise(request.path))
    if request.method not in _WRITES or match is None:
        return None
    collection, key, rest = match.group(1).lower(), match.group(2), (match.group(3) or "").lower()
    if rest.startswith(_APART):
        return None
    shelf = _shelf(request, collection)
    bare = key.removeprefix("appId=")
    if bare == key:
        return key.lower()
    found = directory.by_app_id(shelf, bare)
    return str(found["id"]) if found else None


def _shelf(request: Request, collection: str) -> Shelf:
    shelves = request.world.directory
    return shelves.applications if collection == "applications" else shelves.service_principals
