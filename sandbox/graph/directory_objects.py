"""Directory objects whose type the caller does not know.

Simulates   /directoryObjects/{id}, getByIds
Faithful    ids that do not exist are left out of getByIds, at most 1000 of them
Source      https://learn.microsoft.com/graph/api/directoryobject-getbyids
"""

from sandbox.graph import bodies, directory, permissions, queries
from sandbox.graph.errors import bad_request, not_found
from sandbox.graph.exchange import Reply, Request, Route

_MOST_IDS = 1000
_KINDS = {
    "administrativeunit",
    "application",
    "device",
    "directoryobject",
    "directoryobjectpartnerreference",
    "directoryrole",
    "group",
    "orgcontact",
    "serviceprincipal",
    "user",
}


def get(request: Request) -> Reply:
    """200 it, with its type; 403; 404."""
    permissions.read_directory(request)
    found = directory.anything(request.world, request.params["key"])
    if found is None:
        raise not_found(request.params["key"])
    resource, _ = found
    item = directory.typed(*found)
    return queries.one(request, resource, item, context="directoryObjects/$entity")


def get_by_ids(request: Request) -> Reply:
    """200 those that exist; 400; 403."""
    permissions.read_directory(request)
    parameters = bodies.read_parameters(request, {"ids": "str[]", "types": "str[]"})
    ids = parameters.get("ids")
    if not ids:
        raise bad_request("'ids' collection cannot be empty.")
    if len(ids) > _MOST_IDS:
        raise bad_request(f"'ids' cannot hold more than {_MOST_IDS} values.")
    wanted = {each.lower() for each in parameters.get("types") or ["directoryObject"]}
    if unknown := sorted(wanted - _KINDS):
        raise bad_request(f"Invalid type '{unknown[0]}'.")
    found = [
        each
        for each in directory.many(request.world, ids)
        if "directoryobject" in wanted or each["@odata.type"].rpartition(".")[2].lower() in wanted
    ]
    context = f"{request.root}/$metadata#directoryObjects"
    return Reply(200, {"@odata.context": context, "value": found})


ROUTES = [
    Route("POST", "/directoryObjects/getByIds", get_by_ids),
    Route("GET", "/directoryObjects/{key}", get),
]
