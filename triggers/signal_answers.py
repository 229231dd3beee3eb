"""What the sender of a signal hears: 202 something began, 200 it is kept, 4xx it has to change something, 503 again."""

from collections.abc import Awaitable, Callable

import azure.functions as func
import structlog

from responders.errors import ResponderError, TransientError
from responders.model import Json
from triggers.answers import answer, error
from triggers.formats.reading import UnreadableError
from triggers.people import NotAllowedError, NotSignedInError
from triggers.received import Received

_log = structlog.get_logger("firebreak.signals")


async def answered(work: Callable[[], Awaitable[func.HttpResponse]]) -> func.HttpResponse:
    """The answer, or the refusal that what went wrong deserves. Never 4xx for what time can fix."""
    structlog.contextvars.clear_contextvars()
    try:
        return await work()
    except UnreadableError as problem:
        return _refused(400, problem.code, str(problem), problem.todo)
    except NotSignedInError as problem:
        return _refused(401, "NotSignedIn", str(problem), "send a token for this app's API")
    except NotAllowedError as problem:
        return _refused(403, "NotAllowed", str(problem), "give the sender the app role")
    except TransientError as problem:
        # 503 is one of the codes that an action group tries again, and Alertmanager any 5xx.
        return _refused(503, "TryAgain", str(problem), "nothing was started; send it again")
    except ResponderError as problem:
        return _refused(500, "CannotResolve", str(problem), "see the log; nothing was started")


def said(received: Received, todo: str) -> func.HttpResponse:
    """The answer about one signal."""
    match received.status:
        case "accepted" | "queued" | "waiting":
            return answer(202, shown(received))
        case "recorded" | "received" | "poisoned":
            return answer(200, shown(received))
        case "refused":
            code = received.code or "Refused"
            more = {"candidates": received.candidates} if received.candidates else None
            _log.warning("signal refused", code=code, reason=received.why)
            return error(422, code, received.why, todo, more=more)


def shown(received: Received) -> Json:
    """What became of a signal, as its sender reads it."""
    body: Json = {
        "status": received.status,
        "incident_id": received.incident_id,
        "run_id": received.run_id,
        "joined": received.joined,
        "mode": received.mode,
        "why": received.why,
    }
    if received.code is not None:
        body |= {"code": received.code, "candidates": received.candidates}
    return body


def _refused(status: int, code: str, message: str, todo: str) -> func.HttpResponse:
    _log.warning("signal refused", status=status, code=code, reason=message)
    return error(status, code, message, todo)
