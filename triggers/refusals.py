"""Why a responder's call was refused, as JSON: what, and what the caller can do next."""

import azure.functions as func
import structlog
from pydantic import ValidationError

from responders.errors import ResponderError, TransientError
from responders.model import Json
from triggers import people
from triggers.answers import error
from triggers.formats.reading import said
from triggers.received import Received

_log = structlog.get_logger("firebreak.responder_api")


def unknown(incident_id: str) -> func.HttpResponse:
    """404 for an id that no incident has."""
    return error(
        404, "UnknownIncident", f"no incident {incident_id[:80]!r}", "check the id you were given"
    )


def unknown_run(run_id: str) -> func.HttpResponse:
    """404 for an id that no run has."""
    return error(404, "UnknownRun", f"no run {run_id[:80]!r}", "GET /api/runs lists them")


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


def cannot_resolve(problem: ResponderError, url: str) -> func.HttpResponse:
    """500: what is broken at our end. The call is kept, so it may still be carried out when that is mended."""
    todo = f"see the log; it is kept and tried again by itself: GET {url}"
    _log.warning("request failed", code="CannotResolve", reason=str(problem))
    return error(500, "CannotResolve", str(problem), todo)


def resolves_to_nobody(received: Received) -> func.HttpResponse:
    """404 or 409: what the directory said about the id; nothing was started, and nothing will be."""
    code = received.code or "Refused"
    status_code, todo = _UNRESOLVED.get(code, (409, "see GET /api/signals"))
    more = {"candidates": received.candidates} if received.candidates else None
    _log.warning("request refused", status=status_code, code=code, reason=received.why)
    return error(status_code, code, received.why, todo, more=more)


_UNRESOLVED = {
    "SeveralPrincipals": (409, "send the object id of the one you mean"),
    "UnknownPrincipal": (404, "send the service principal's object id"),
}
