"""What a caller sees of objects that a relationship leads him to.

Faithful    objects of a kind that the caller has no permission to read are there, but with type and id only
Source      https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects
"""

from sandbox.graph import held_roles
from sandbox.graph.directory_permissions import READ_GROUPS, READ_ROLES
from sandbox.graph.exchange import Request
from sandbox.graph.permissions import DIRECTORY, READ, READ_USERS
from sandbox.world import Json

# Kinds derived from servicePrincipal are not named: they are read as it is.
_READING = {
    "directoryRole": READ_ROLES,
    "group": READ_GROUPS,
    "user": DIRECTORY | READ_USERS,
}


def as_far_as_readable(request: Request, items: list[Json]) -> list[Json]:
    """Typed objects, of those that the caller may not read only type and id."""
    return [each if _readable(request, each) else _limited(each) for each in items]


def _readable(request: Request, item: Json) -> bool:
    kind = str(item["@odata.type"]).rpartition(".")[2]
    if request.caller.kind == "user":
        return True
    return held_roles.suffices(request, _READING.get(kind, READ))


def _limited(item: Json) -> Json:
    return {name: item[name] if name in ("@odata.type", "id") else None for name in item}
