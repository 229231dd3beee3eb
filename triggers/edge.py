"""Where a person's call comes in: who, whether they may, whether it makes sense, whether it came before; then the act.

Everything that calls have in common is here and nowhere else, in the order in which it is asked: nobody who may not
call learns whether a body made sense, and nothing is begun for one that does not.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from responders import tracing
from responders.errors import ResponderError, TransientError
from triggers import access, call_traces, idempotency, intake, people, status, tags
from triggers.answers import error
from triggers.people import Person
from triggers.refusals import cannot_tell_who, refuse, unknown

MOST_BYTES = (
    256 * 1024
)  # of a body; the longest that makes sense is a policy, or a consent to hundreds of choices
_JSON = "application/json"
_KEY_OF_THE_PLATFORM = (
    "code"  # a function key in the URL, as it is passed to functions that need one
)
NOBODY = Person(object_id="", name="nobody", roles=frozenset())  # where anybody may call
_log = structlog.get_logger("firebreak.responder_api")

Body = TypeVar("Body", bound=BaseModel)
Query = TypeVar("Query", bound=BaseModel)


class Nothing(BaseModel):
    """No body, or no query."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Said:
    """One kind of answer."""

    what: str
    body: Any = None  # a pydantic model; None: a document that has no schema here
    media: str = _JSON
    also: tuple[str, ...] = ()  # other forms that can be asked for
    tagged: bool = False  # comes with an ETag


@dataclass(frozen=True, slots=True)
class Operation(Generic[Body, Query]):
    """One function of the API: how it is called, and what it answers."""

    name: str  # of the function, as it is registered; `access.RULES` says who may
    method: str
    route: str
    summary: str
    answers: Mapping[int, Said]
    errors: Mapping[int, str] = field(default_factory=dict)  # beyond those that every call may meet
    body: type[Body] = Nothing  # type: ignore[assignment]
    query: type[Query] = Nothing  # type: ignore[assignment]
    remembered: frozenset[int] = frozenset({200, 202})  # answers that the same key gets again
    steers: bool = False  # begins or changes something: takes Idempotency-Key, and If-Match where there is a state

    @property
    def binding(self) -> dict[str, Any]:
        """What `bp.route` takes."""
        methods = ["GET", "HEAD"] if self.method == "GET" else [self.method]
        level = func.AuthLevel.ANONYMOUS  # people prove themselves by Entra, see `access`
        return {"route": self.route, "methods": methods, "auth_level": level}


@dataclass(frozen=True, slots=True)
class Call(Generic[Body, Query]):
    """A call that makes sense, of somebody who may."""

    person: Person
    client: df.DurableOrchestrationClient
    incident_id: str  # empty where the route names none
    named: Mapping[str, str]  # everything that the route names
    body: Body
    query: Query
    key: str  # the Idempotency-Key, or one of our own
    headers: Mapping[str, str]


class _BadCallError(Exception):
    """Carries the answer that refuses it."""

    def __init__(self, refusal: func.HttpResponse) -> None:
        super().__init__()
        self.refusal = refusal


async def serve(
    req: func.HttpRequest,
    client: df.DurableOrchestrationClient | None,
    operation: Operation[Body, Query],
    act: Callable[[Call[Body, Query]], Awaitable[func.HttpResponse]],
    *,
    roles: frozenset[str] | None = None,
) -> func.HttpResponse:
    """The answer to a person's call. Whatever is refused here has begun nothing.

    `roles`: who may, where that hangs on how it is called.
    """
    structlog.contextvars.clear_contextvars()
    try:
        rule = access.RULES[operation.name]
        asked = rule.roles if roles is None else roles
        person = NOBODY if rule.who == "anyone" and not asked else await _admitted(req, asked)
        call = _understood(req, client, operation, person)
        if not operation.steers:
            return await act(call)
        tracing.came_from(req.headers)
        to = " ".join((operation.name, *call.named.values()))
        sent = idempotency.Sent(call.person.object_id, to, call.key, req.get_body())
        return await _steered(operation, call, sent, act)
    except _BadCallError as bad:
        return bad.refusal
    except TransientError as problem:
        return error(503, "TryAgain", str(problem), "send it again, with the same Idempotency-Key")
    except ResponderError as problem:
        _log.error("call failed", operation=operation.name, reason=str(problem))
        return error(500, "CannotAnswer", str(problem), "see the log; GET /api/health?deep=true")


async def _steered(
    operation: Operation[Body, Query],
    call: Call[Body, Query],
    sent: idempotency.Sent,
    act: Callable[[Call[Body, Query]], Awaitable[func.HttpResponse]],
) -> func.HttpResponse:
    """Once, and in the trace of the incident or run that it is about; one that opens some is traced as its signal."""
    remembered = operation.remembered

    async def once() -> func.HttpResponse:
        return await idempotency.once(intake.store(), sent, remembered, lambda: _unmoved(call, act))

    about = call.incident_id or call.named.get("run_id", "")
    if not about:
        return await once()
    return await call_traces.traced(operation.name, about, call.person.object_id, once)


def _understood(
    req: func.HttpRequest,
    client: df.DurableOrchestrationClient | None,
    operation: Operation[Body, Query],
    person: Person,
) -> Call[Body, Query]:
    incident_id = req.route_params.get("incident_id", "")
    if "{incident_id}" in operation.route and not status.is_incident_id(incident_id):
        raise _BadCallError(unknown(incident_id))
    return Call(
        person=person,
        client=client,
        incident_id=incident_id,
        named=dict(req.route_params),
        query=query_of(req, operation.query),
        body=_body_of(req, operation),
        key=_key_of(req),
        headers=req.headers,
    )


async def _admitted(req: func.HttpRequest, roles: frozenset[str]) -> Person:
    """Who holds one of the roles. `_BadCallError` with 401, 403 or 503 for anybody else."""
    try:
        person = await people.caller(req)
        person.must_be(*sorted(roles))
    except (people.NotSignedInError, people.NotAllowedError) as problem:
        raise _BadCallError(refuse(problem)) from problem
    except ResponderError as problem:
        raise _BadCallError(cannot_tell_who(problem)) from problem
    return person


def query_of(req: func.HttpRequest, form: type[Query]) -> Query:
    """The query, where all of it is known and makes sense."""
    given = {name: value for name, value in req.params.items() if name != _KEY_OF_THE_PLATFORM}
    known = sorted(form.model_fields)
    if strange := sorted(set(given) - set(known)):
        said = f"no query parameter {strange[0][:40]!r} is known here"
        todo = f"known are: {', '.join(known)}" if known else "send none"
        raise _BadCallError(error(400, "UnknownParameter", said, todo, more={"known": known}))
    try:
        return form.model_validate(given)
    except ValidationError as problem:
        raise _BadCallError(refuse(problem)) from problem


def _body_of(req: func.HttpRequest, operation: Operation[Body, Query]) -> Body:
    content = req.get_body()
    if operation.body is Nothing:
        return operation.body()
    if len(content) > MOST_BYTES:
        said = f"{len(content)} bytes: {MOST_BYTES} are the most that this takes"
        raise _BadCallError(error(413, "TooLarge", said, "send less"))
    media = req.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media != _JSON:
        said = f"the body is {media[:80]!r}" if media else "nothing says what the body is"
        raise _BadCallError(error(415, "NotJson", said, f"send it with Content-Type: {_JSON}"))
    try:
        return operation.body.model_validate_json(content)
    except ValidationError as problem:
        raise _BadCallError(refuse(problem)) from problem


def _key_of(req: func.HttpRequest) -> str:
    key: str | None = req.headers.get("Idempotency-Key")
    if not key:
        return str(uuid.uuid4())
    if not idempotency.KEY.fullmatch(key):
        said = "an Idempotency-Key has 1 to 200 visible ASCII characters"
        raise _BadCallError(error(400, "BadKey", said, "send a UUID, a new one for every new call"))
    return key


async def _unmoved(
    call: Call[Body, Query], act: Callable[[Call[Body, Query]], Awaitable[func.HttpResponse]]
) -> func.HttpResponse:
    """The act, unless the incident has moved on since the caller saw it."""
    expected = call.headers.get("If-Match")
    if expected is not None and call.incident_id:
        shown = await status.of(call.client, call.incident_id)
        if shown is None:
            return unknown(call.incident_id)
        tag = tags.of(shown)
        if not tags.stands(expected, tag):
            said = f"{call.incident_id} has moved on since you saw it: it is {shown['phase']}"
            now = {name: shown[name] for name in ("phase", "outcome", "mode")}
            todo = f"GET /api/incidents/{call.incident_id}, then decide again"
            return error(412, "MovedOn", said, todo, more={"etag": tag, "now": now})
    return await act(call)
