"""Trigger: pages by which a person has a half-done recovery go on, by the same function as the API."""

import uuid
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from responders.model import Json
from triggers import people, resumptions
from triggers.pages import consent_pages, forms, incident_pages, rendering
from triggers.people import Person

bp = df.Blueprint()
_CALL = 36  # characters: a form's own id, by which one that is sent twice is heard once
_RESUME: Json = {
    "path": "resume",
    "title": "Resume the recovery",
    "explained": "Pre-flight runs again, then only what is not done, by the same plan and the same consent. Where a "
    "cluster is another one than in the plan, the plan is drawn again and asked for again.",
    "button": "Have it go on",
    "look": "strong",
}


@bp.route(
    route="incidents/{incident_id}/resume", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
async def page_resume_form(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the form."""
    structlog.contextvars.clear_contextvars()
    seen = await incident_pages.opened(req, client, people.READ)
    return seen if isinstance(seen, func.HttpResponse) else form_page(req, *seen, _RESUME)


@bp.route(
    route="incidents/{incident_id}/resume", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
async def page_resume(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """303 to the incident when the call was handed over; else the form again, with what is wrong."""
    structlog.contextvars.clear_contextvars()
    seen = await incident_pages.opened(req, client, people.RESPOND)
    if isinstance(seen, func.HttpResponse):
        return seen
    person, found = seen
    try:
        fields = forms.read(req, person, found["incident_id"], "resume")
    except (forms.ForgedError, ValueError) as problem:
        return forms.refused(req, person, problem)
    reason = " ".join(fields.get("reason", []))
    try:
        wanted = resumptions.Resumption(reason=reason)
    except ValidationError as problem:
        said = consent_pages.people_say(problem)
        return form_page(req, person, found, _RESUME, failure=bad_form(said), reason=reason)
    call = " ".join(fields.get("call", []))[:_CALL] or str(uuid.uuid4())
    answered = await resumptions.resume(client, found["incident_id"], person, call, wanted)
    return after(req, person, found, _RESUME, answered, told="resumed", reason=reason)


def form_page(
    req: func.HttpRequest,
    person: Person,
    found: Json,
    act: Json,
    *,
    failure: Json | None = None,
    reason: str = "",
) -> func.HttpResponse:
    """The form of one act, with what was wrong where it was sent before."""
    browser_key, cookie = forms.key(req)
    context: dict[str, Any] = {
        "one": found,
        "act": act,
        "token": forms.token(browser_key, person, found["incident_id"], act["path"]),
        "call": str(uuid.uuid4()),
        "failure": failure,
        "reason": reason,
    }
    status = failure["status"] if failure else 200
    return rendering.page(req, "steer.html", status, headers=cookie, person=person, **context)


def after(  # noqa: PLR0913 - as above
    req: func.HttpRequest,
    person: Person,
    found: Json,
    act: Json,
    answered: func.HttpResponse,
    *,
    told: str,
    reason: str,
) -> func.HttpResponse:
    """To the incident when it was taken; else the form again."""
    if answered.status_code < 300:
        return rendering.see_other(req, f"/incidents/{found['incident_id']}?told={told}")
    failure = consent_pages.of_problem(answered)
    return form_page(req, person, found, act, failure=failure, reason=reason)


def bad_form(said: str) -> Json:
    """What was sent makes no sense."""
    return {"status": 400, "title": "Not taken", "said": said, "todo": "Correct it and send again."}
