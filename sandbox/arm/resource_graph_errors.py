"""How Resource Graph says no: a general sentence outside, the reason in `details`.

Source      https://learn.microsoft.com/azure/governance/resource-graph/troubleshoot/general
"""

import uuid
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.arm.errors import ArmError
from sandbox.arm.resource_graph_queries import QueryError
from sandbox.world import Json, World, timestamp

_INVALID = (
    "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and "
    "fix the error before retrying."
)


class ResourceGraphError(ArmError):
    """An ARM error with details."""

    def __init__(self, status: int, code: str, message: str, details: list[Json]) -> None:
        super().__init__(status, code, message)
        self._details = details

    def response(self) -> Response:
        """The error as it goes over the wire."""
        inner: dict[str, Any] = {"code": self.code, "message": self.message}
        return JSONResponse({"error": {**inner, "details": self._details}}, self.status)


def invalid_query(world: World, wrong: QueryError) -> ArmError:
    """400 with the reason, and the word that it is about."""
    reason: Json = {"code": wrong.code, "message": wrong.message}
    if wrong.token:
        reason |= {"line": -1, "characterPositionInLine": -1, "token": wrong.token}
    details = [{"code": "InvalidQuery", "message": _INVALID}, reason]
    return ResourceGraphError(400, "BadRequest", _support(world), details)


def bad_request(world: World, code: str, message: str) -> ArmError:
    """400 for anything else about the request."""
    details = [{"code": code, "message": message}]
    return ResourceGraphError(400, "BadRequest", _support(world), details)


def access_denied(world: World, scopes: list[Any]) -> ArmError:
    """403 where none of the scopes that were named can be read."""
    message = (
        "Access is denied to the requested resource. The user might not have enough permission."
    )
    named = f"{message} Scopes: {', '.join(str(each) for each in scopes)}"
    details = [{"code": "AccessDenied", "message": named}]
    return ResourceGraphError(403, "AccessDenied", _support(world), details)


def _support(world: World) -> str:
    return (
        "Please provide below info when asking for support: "
        f"timestamp = {timestamp(world.clock.now())}, correlationId = {uuid.uuid4()}."
    )
