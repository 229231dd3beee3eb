"""Why a responder's call was refused, as JSON: what, and what the caller can do next."""

import azure.functions as func
import structlog
from pydantic import ValidationError

from responders.errors import AmbiguousError, ResponderError, TransientError, UnresolvedError
from responders.model import Json
from triggers import people
from triggers.answers import error
from triggers.formats.reading import said

_log = structlog.get_logger("firebreak.responder_api")


def unknown(incident_id: str) -> func.HttpResponse:
    """404 for an id that no incident has."""
    return error(
        404, "UnknownIncident", f"no incident {incident_id[:80]!r}", "check the id you were given"
    )


def refuse(problem: Exception) -> func.HttpResponse:
    """401, 403 or 400: who calls, what they may, what they sent."""
    match problem:
        case people.NotSignedInError():
            code, todo = (401, "NotSignedIn"), "sign in with Entra and send the bearer token"
        case people.NotAllowedError():
            code, todo = (403, "NotAllowed"), "ask an owner of the Firebreak app for the role"
        case _:
            code, todo = (400, "BadRequest"), "correct the body; docs/reference/api.md has it"
    message, more = str(problem), None
    if isinstance(problem, ValidationError):
        message, more = said(problem), {"errors": fields(problem)}
    _log.warning("request refused", status=code[0], code=code[1], reason=message)
    return error(*code, message, todo, more=more)


def fields(problem: ValidationError) -> list[Json]:
    """Each field that is wrong, and how; what was sent is not repeated."""
    found = problem.errors(include_input=False, include_url=False)
    return [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in found[:20]]


def cannot_tell_who(problem: ResponderError) -> func.HttpResponse:
    """503 or 500: nobody could say who calls. That is no proof against them, and none for them."""
    _log.warning("caller unknown", reason=str(problem))
    if isinstance(problem, TransientError):
        return error(503, "TryAgain", str(problem), "nothing was done; send it again")
    return error(500, "CannotTellWho", str(problem), "see docs/how-to/give-people-access.md")


def cannot_resolve(problem: ResponderError) -> func.HttpResponse:
    """404, 503 or 500: what the directory said about the principal."""
    more = None
    match problem:
        case AmbiguousError():
            status_code, code = 409, "SeveralPrincipals"
            todo, more = (
                "send the object id of the one you mean",
                {"candidates": problem.candidates},
            )
        case UnresolvedError():
            status_code, code, todo = (
                404,
                "UnknownPrincipal",
                "send the service principal's object id",
            )
        case TransientError():
            status_code, code, todo = 503, "TryAgain", "nothing was started; send it again"
        case _:
            status_code, code, todo = 500, "CannotResolve", "see the log; nothing was started"
    _log.warning("request refused", status=status_code, code=code, reason=str(problem))
    return error(status_code, code, str(problem), todo, more=more)
