"""What Microsoft Graph answers when it says no.

Faithful    status, code, message and the innerError with date and request ids
Source      https://learn.microsoft.com/graph/errors
            https://learn.microsoft.com/graph/resolve-auth-errors
"""

from collections.abc import Mapping, Sequence
from typing import NoReturn


class GraphError(Exception):
    """A refusal: `service.py` turns it into the documented error object."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        details: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.details = [dict(each) for each in details]


def bad_request(message: str, code: str = "Request_BadRequest") -> GraphError:
    """400: the directory does not take this."""
    return GraphError(400, code, message)


def malformed(message: str) -> GraphError:
    """400: Graph's gateway could not read it, so the directory never saw it."""
    return GraphError(400, "BadRequest", message)


def unsupported_query(message: str) -> GraphError:
    """400: well-formed OData that the directory has no index for.

    https://learn.microsoft.com/graph/aad-advanced-queries
    """
    return GraphError(400, "Request_UnsupportedQuery", message)


def invalid_property(name: str) -> GraphError:
    """400: there is no such property on this resource."""
    return bad_request(f"Invalid property '{name}'.")


def read_only(name: str) -> GraphError:
    """400: the property is the directory's own."""
    return bad_request(f"Property '{name}' is read-only and cannot be set.")


def not_found(key: str) -> GraphError:
    """404: no such object, for this caller at least."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are "
        "not present.",
    )


def denied() -> GraphError:
    """403: the token's roles, or the user's ownership, do not cover it."""
    return GraphError(
        403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
    )


def duplicate(message: str) -> GraphError:
    """409: the key is taken."""
    conflict = {"code": "ConflictingObjects", "message": message}
    code = "Request_MultipleObjectsWithSameKeyValue"
    return GraphError(409, code, message, details=[conflict])


def no_application(app_id: str) -> GraphError:
    """400: none of this appId; also of one that was made a moment ago, which the details alone tell.

    https://github.com/Azure/azure-cli/blob/dev/src/azure-cli/azure/cli/command_modules/acs/tests/latest/test_custom.py
    """
    message = (
        f"The appId '{app_id}' of the service principal does not reference a valid application "
        "object."
    )
    detail = {"code": "NoBackingApplicationObject", "message": message, "target": "appId"}
    return GraphError(400, "Request_BadRequest", message, details=[detail])


def refuse_token(reason: str) -> NoReturn:
    """401 for a token that Graph does not take. Raises `GraphError`."""
    if "no bearer" in reason:
        message = "Access token is empty."
    elif "audience" in reason:
        message = "Access token validation failure. Invalid audience."
    elif "expired" in reason:
        message = "Lifetime validation failed, the token is expired."
    else:
        message = "Access token validation failure."
    challenge = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/'
        'authorize", client_id="00000003-0000-0000-c000-000000000000"'
    )
    raise GraphError(
        401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": challenge}
    )
