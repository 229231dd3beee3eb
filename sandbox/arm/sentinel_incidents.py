"""Incidents of Microsoft Sentinel, and the comments on them: extension resources of a workspace.

Simulates   Microsoft.SecurityInsights/incidents, get and list; their comments, all operations (2025-09-01)
Faithful    401, 400, 404, 403 in ARM's order; unknown members refused; 30,000 characters a comment, 100 comments an
            incident; a comment that is written again keeps its author and when it was made
Left out    creating and changing incidents: detections make them; etags that are checked; `$filter`, `$orderby`
Source      https://learn.microsoft.com/rest/api/securityinsights/incidents
            https://learn.microsoft.com/rest/api/securityinsights/incident-comments
            https://learn.microsoft.com/azure/sentinel/sentinel-service-limits
"""

import uuid

from starlette.responses import JSONResponse, Response

from sandbox.arm import bodies, paths, resources
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize, client_name
from sandbox.entra.bearer import Caller
from sandbox.web import Call, Route
from sandbox.world import Json, World, timestamp

_NAMESPACE = "Microsoft.SecurityInsights"
_COMMENTS = f"{_NAMESPACE}/incidents/comments"
_SHAPE: bodies.Shape = {
    "id": None,
    "name": None,
    "type": None,
    "etag": None,
    "properties": {
        "message": None,
        "createdTimeUtc": None,
        "lastModifiedTimeUtc": None,
        "author": None,
    },
}
_MOST_CHARACTERS = 30_000
_MOST_COMMENTS = 100


def workspace_id(world: World) -> str:
    """The workspace that Sentinel is on."""
    group = f"/subscriptions/{world.subscription_id}/resourceGroups/rg-security"
    return f"{group}/providers/Microsoft.OperationalInsights/workspaces/log-security"


def make(world: World, name: str, properties: Json) -> None:
    """An analytics rule made one."""
    incident_id = f"{workspace_id(world)}/providers/{_NAMESPACE}/Incidents/{name}"
    world.sentinel_incidents[incident_id.lower()] = {
        "id": incident_id,
        "name": name,
        "etag": f'"{uuid.uuid4()}"',
        "type": f"{_NAMESPACE}/Incidents",
        "properties": properties,
    }


async def list_all(world: World, call: Call) -> Response:
    """200, 403, 404."""
    scope = _allowed(world, call, f"{_NAMESPACE}/incidents/read")[0]
    below = f"{scope}/providers/".lower()
    found = [one for key, one in world.sentinel_incidents.items() if key.startswith(below)]
    return bodies.page(call, found, size=50)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    _allowed(world, call, f"{_NAMESPACE}/incidents/read")
    return JSONResponse(_incident(world, call.path))


async def list_comments(world: World, call: Call) -> Response:
    """200, 403, 404."""
    _allowed(world, call, f"{_COMMENTS}/read")
    _incident(world, call.path.rpartition("/")[0])
    return bodies.page(call, _of(world, call.path), size=50)


async def get_comment(world: World, call: Call) -> Response:
    """200, 403, 404."""
    _allowed(world, call, f"{_COMMENTS}/read")
    _incident(world, call.path.rsplit("/", 2)[0])
    found = world.sentinel_comments.get(call.path.lower())
    if found is None:
        raise _not_found(f"Incident comment '{call.params['comment']}'")
    return JSONResponse(found)


async def put_comment(world: World, call: Call) -> Response:
    """201 made, 200 changed; 400; 403; 404 where the incident is not there."""
    _, caller = _allowed(world, call, f"{_COMMENTS}/write")
    _incident(world, call.path.rsplit("/", 2)[0])
    body = bodies.read(call, _SHAPE, "IncidentComment")
    message = (body.get("properties") or {}).get("message")
    if not isinstance(message, str) or not message:
        raise _bad_request("Incident comment 'message' is required.")
    if len(message.encode("utf-16-le")) // 2 > _MOST_CHARACTERS:
        raise _bad_request(f"Incident comment is longer than {_MOST_CHARACTERS} characters.")
    before = world.sentinel_comments.get(call.path.lower())
    siblings = _of(world, call.path.rpartition("/")[0])
    if before is None and len(siblings) >= _MOST_COMMENTS:
        raise _bad_request(f"An incident has at most {_MOST_COMMENTS} comments.")
    made = _comment(world, call, caller, message, before)
    world.sentinel_comments[call.path.lower()] = made
    return JSONResponse(made, 200 if before else 201)


async def delete_comment(world: World, call: Call) -> Response:
    """200 deleted, 204 was not there, 403."""
    _allowed(world, call, f"{_COMMENTS}/delete")
    gone = world.sentinel_comments.pop(call.path.lower(), None)
    return Response(status_code=200 if gone else 204)


def _allowed(world: World, call: Call, action: str) -> tuple[str, Caller]:
    """The workspace and the caller."""
    scope = paths.parse(call.path).scope
    caller = authorize(world, call, action, scope)
    resources.require(world, scope)
    return scope, caller


def _incident(world: World, path: str) -> Json:
    found = world.sentinel_incidents.get(path.lower())
    if found is None:
        raise _not_found(f"Incident '{path.rpartition('/')[2]}'")
    return found


def _of(world: World, collection: str) -> list[Json]:
    below = f"{collection}/".lower()
    return [one for key, one in world.sentinel_comments.items() if key.startswith(below)]


def _comment(world: World, call: Call, caller: Caller, message: str, before: Json | None) -> Json:
    now = timestamp(world.clock.now())
    kept = before["properties"] if before else {}
    author = {
        "objectId": caller.object_id,
        "name": client_name(caller),
        "email": None,
        "userPrincipalName": caller.claims.get("upn"),
    }
    return {
        "id": call.path,
        "name": call.params["comment"],
        "type": _COMMENTS,
        "etag": f'"{uuid.uuid4()}"',
        "properties": {
            "message": message,
            "createdTimeUtc": kept.get("createdTimeUtc", now),
            "lastModifiedTimeUtc": now,
            "author": kept.get("author", author),
        },
    }


def _not_found(what: str) -> ArmError:
    return ArmError(404, "NotFound", f"{what} was not found.")


def _bad_request(message: str) -> ArmError:
    return ArmError(400, "BadRequest", message)


_BASE = f"{{scope:path}}/providers/{_NAMESPACE}/incidents"
ROUTES = [
    Route("GET", _BASE, list_all),
    Route("GET", f"{_BASE}/{{incident}}", get),
    Route("GET", f"{_BASE}/{{incident}}/comments", list_comments),
    Route("GET", f"{_BASE}/{{incident}}/comments/{{comment}}", get_comment),
    Route("PUT", f"{_BASE}/{{incident}}/comments/{{comment}}", put_comment),
    Route("DELETE", f"{_BASE}/{{incident}}/comments/{{comment}}", delete_comment),
]
