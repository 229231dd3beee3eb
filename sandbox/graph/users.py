"""People, as far as owners and approvers need names.

Simulates   /users: list, get by id or user principal name; /me
Left out    everything but their default properties; changes
Source      https://learn.microsoft.com/graph/api/resources/user
"""

from sandbox.graph import directory, permissions, queries
from sandbox.graph.errors import malformed
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.schema import USER


def list_all(request: Request) -> Reply:
    """200 a page, from the index; 400; 403."""
    permissions.read_users(request)
    return queries.listed(request, USER, request.world.directory.users.values_as_of)


def get(request: Request) -> Reply:
    """200 it; 403; 404."""
    permissions.read_users(request)
    return queries.one(request, USER, directory.user(request, request.params["key"]))


def get_me(request: Request) -> Reply:
    """200 the caller; 400 an app is nobody."""
    if request.caller.kind != "user":
        raise malformed("/me request is only valid with delegated authentication flow.")
    return queries.one(request, USER, directory.user(request, request.caller.object_id))


ROUTES = [
    Route("GET", "/users", list_all),
    Route("GET", "/users/{key}", get),
    Route("GET", "/me", get_me),
]
