"""Two Teams workflows: "When a Teams webhook request is received", then "Post card in a channel".

Simulates   Power Automate's request trigger behind a signed URL
Faithful    it accepts at once with 202 and an empty body; what is wrong with the message makes the run fail
            later, where the caller never learns of it; the one flow takes a message with the card attached, the other
            the card itself; more than four requests a second are throttled with 429, and more than the channel's
            connector takes in 30 seconds, an hour, two hours and a day with a 429 in the body of a 200
Source      https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""

import hmac
import uuid
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.settings import API_VERSION, CARD_WORKFLOW_ID, WORKFLOW_ID, pretend_secret
from sandbox.web import Call, Route, Router
from sandbox.world import Json, World, timestamp

CARD = "application/vnd.microsoft.card.adaptive"
# "The message size limit is 28 KB", counted with what Teams wraps around it: a body of 24,453 bytes was seen to
# fail. https://github.com/MicrosoftDocs/msteams-docs/issues/11274
MOST_BYTES = 24_000


async def serve(world: World, call: Call) -> Response:
    """The one path there is, else 404 or 405."""
    found = _ROUTER.find(call)
    if found is None:
        return Response(status_code=405 if _ROUTER.methods(call.path) else 404)
    handler, routed = found
    return await handler(world, routed)


async def invoke(world: World, call: Call) -> Response:
    """202 accepted; 400 no JSON or no api-version; 401 without the signature; 404 no such workflow; 429."""
    workflow = call.params["workflow"]
    if workflow not in {WORKFLOW_ID, CARD_WORKFLOW_ID}:
        return _error(404, "WorkflowNotFound", "The workflow could not be found.")
    if call.query.get("api-version") != API_VERSION:
        return _error(
            400, "MissingApiVersionParameter", "The api-version query parameter is missing."
        )
    if not hmac.compare_digest(call.query.get("sig", ""), pretend_secret("teams")):
        return _error(
            401,
            "DirectApiAuthorizationRequired",
            "The request must be authenticated only by Shared Access scheme.",
        )
    if (throttled := _throttled(world, workflow)) is not None:
        return throttled
    try:
        message = call.json()
    except ValueError:
        return _error(400, "InvalidRequestContent", "The request content is not valid JSON.")
    _run(world, message, len(call.body), wrapped=workflow == WORKFLOW_ID)
    return Response(status_code=202, headers={"x-ms-workflow-run-id": uuid.uuid4().hex.upper()})


# The limits that Teams itself keeps for a channel's connector, beyond the one of a second.
# https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors
_WINDOWS = (
    (timedelta(seconds=30), "teams_messages_30s"),
    (timedelta(hours=1), "teams_messages_hour"),
    (timedelta(hours=2), "teams_messages_2h"),
    (timedelta(days=1), "teams_messages_day"),
)
_CONNECTOR = (
    "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId "
    "tcid=0,server=SANDBOX"
)


def _throttled(world: World, workflow: str) -> Response | None:
    """Count a request; the answer where it is one too many. What was refused does not count."""
    posted: dict[str, list[datetime]] = world.caches.setdefault("teams requests", {})
    now = world.clock.now()
    longest = _WINDOWS[-1][0]
    taken = [one for one in posted.get(workflow, []) if now - one < longest]
    posted[workflow] = taken

    def within(span: timedelta) -> int:
        return sum(now - one < span for one in taken)

    if within(timedelta(seconds=1)) >= world.limits.teams_messages:
        answer = _error(429, "TooManyRequests", "Rate limit is exceeded. Try again later.")
        answer.headers["Retry-After"] = "1"
        return answer
    if any(within(span) >= getattr(world.limits, limit) for span, limit in _WINDOWS):
        return Response(_CONNECTOR, status_code=200, media_type="text/plain")
    taken.append(now)
    return None


def _run(world: World, message: Any, size: int, *, wrapped: bool) -> None:
    """Post the card, or note why the run failed."""
    wrong = _what_is_wrong(message, size) if wrapped else _what_is_wrong_with_card(message, size)
    if wrong is None:
        world.teams_messages.append(message)
        return
    failed: list[Json] = world.caches.setdefault("failed teams runs", [])
    failed.append({"at": timestamp(world.clock.now()), "reason": wrong})


def _what_is_wrong(message: Any, size: int) -> str | None:
    match message:
        case {"type": "message", "attachments": [*attachments]} if attachments:
            pass
        case {"type": "message"}:
            return "ExpressionEvaluationFailed: the input of 'foreach' is of type 'Null'"
        case _:
            return "Property 'type' must be 'message'"
    for attachment in attachments:
        match attachment:
            case {"contentType": str(kind), "content": {"type": "AdaptiveCard"}} if kind == CARD:
                continue
            case _:
                return "BotFrameworkError: the attachment is no adaptive card"
    return _too_long(size)


def _what_is_wrong_with_card(message: Any, size: int) -> str | None:
    """https://github.com/MicrosoftDocs/msteams-docs/issues/11302."""
    match message:
        case {"type": "AdaptiveCard"}:
            return _too_long(size)
        case _:
            return "Property 'type' must be 'AdaptiveCard'"


def _too_long(size: int) -> str | None:
    return "RequestEntityTooLarge: the message exceeds 28 KB" if size > MOST_BYTES else None


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


ROUTES = [Route("POST", "/workflows/{workflow}/triggers/manual/paths/invoke", invoke)]
_ROUTER = Router(ROUTES)
