"""Trigger: pages by which a person has a half-done recovery go on, or ends an incident, as by the API."""

import uuid
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from responders.model import Json
from triggers import call_traces, cancellations, people, resumptions
from triggers.pages import consent_pages, failing, forms, incident_pages, rendering
from triggers.people import Person

bp = df.Blueprint()
_CALL = 36  # characters: a form's own id, by which one that is sent twice is heard once
Hand = Callable[[df.DurableOrchestrationClient, str, Person, Json], Awaitable[func.HttpResponse]]


class Act(NamedTuple):
    """What a form is about, and in which words."""

    path: str
    title: str
    explained: str
    button: str
    look: str
    told: str  # one of `incident_pages.TOLD`
    box: str = ""  # what more a person may say by it, as a box to tick


_RESUME = Act(
    "resume",
    "Resume the recovery",
    "Pre-flight runs again, then only what is not done, by the same plan and the same consent. Where a "
    "cluster is another one than in the plan, the plan is drawn again and asked for again.",
    "Have it go on",
    "strong",
    "resumed",
    "Git holds the patches of this incident: every GitOps controller that was asked to wait goes on. Where Git does "
    "not hold them yet, it puts the old state back. An Argo CD application that is Synced goes on without this.",
)
_ASK_ANEW = _RESUME._replace(
    title="Ask for consent anew",
    explained="Nobody agreed to the plan. Every cluster is surveyed again, and people are asked by a plan as it has to "
    "be now, with a hash and a time of its own: what anybody said to the one before does not count. Nothing is done "
    "before they agree.",
    button="Have people asked",
    told="asked_anew",
    box="",
)
_CANCEL = Act(
    "cancel",
    "Cancel the incident",
    "Nothing new is begun, what was begun ends, and what is half done is said in the report. Nobody watches "
    "any more whether the containment holds. What was taken away stays away: a restore gives it back.",
    "End this incident",
    "danger",
    "cancelled",
)


@bp.route(
    route="incidents/{incident_id}/resume", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_resume_form(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the form."""
    return await _form(req, client, _RESUME)


@bp.route(
    route="incidents/{incident_id}/resume", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_resume(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """303 to the incident when the call was handed over; else the form again, with what is wrong."""
    return await _post(req, client, _RESUME, _resume)


@bp.route(
    route="incidents/{incident_id}/cancel", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_cancel_form(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the form."""
    return await _form(req, client, _CANCEL)


@bp.route(
    route="incidents/{incident_id}/cancel", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_cancel(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """303 to the incident when the word was handed over; else the form again, with what is wrong."""
    return await _post(req, client, _CANCEL, _cancel)


def _now(act: Act, found: Json) -> Act:
    """The act, in the words for how the incident stands."""
    anew = act is _RESUME and (found["resume"] or {}).get("asks_anew")
    return _ASK_ANEW if anew else act


async def _resume(
    client: df.DurableOrchestrationClient, incident_id: str, person: Person, sent: Json
) -> func.HttpResponse:
    wanted = resumptions.Resumption(reason=sent["reason"], owners_go_on=sent["box"] == "yes")
    return await resumptions.resume(client, incident_id, person, sent["call"], wanted)


async def _cancel(
    client: df.DurableOrchestrationClient, incident_id: str, person: Person, sent: Json
) -> func.HttpResponse:
    wanted = cancellations.Cancellation(reason=sent["reason"])
    return await cancellations.cancel(client, incident_id, person, wanted)


async def _form(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, act: Act
) -> func.HttpResponse:
    structlog.contextvars.clear_contextvars()
    seen = await incident_pages.opened(req, client, people.READ)
    if isinstance(seen, func.HttpResponse):
        return seen
    return _page(req, *seen, _now(act, seen[1]))


async def _post(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, act: Act, hand: Hand
) -> func.HttpResponse:
    structlog.contextvars.clear_contextvars()
    seen = await incident_pages.posted(req, client, people.RESPOND, act.path)
    if isinstance(seen, func.HttpResponse):
        return seen
    person, found, fields = seen
    act = _now(act, found)
    incident_id = found["incident_id"]
    said = {name: " ".join(fields.get(name, [])) for name in ("reason", "call", "box")}
    sent: Json = {**said, "call": said["call"][:_CALL] or str(uuid.uuid4())}
    try:
        answered = await call_traces.traced(
            f"page_{act.path}",
            incident_id,
            person.object_id,
            lambda: hand(client, incident_id, person, sent),
        )
    except ValidationError as problem:
        wrong = consent_pages.bad_form(consent_pages.people_say(problem))
        return _page(req, person, found, act, failure=wrong, sent=sent)
    if answered.status_code < 300:
        return incident_pages.taken(req, person, incident_id, act.told)
    wrong = consent_pages.of_problem(answered)
    return _page(req, person, found, act, failure=wrong, sent=sent)


def _page(
    req: func.HttpRequest,
    person: Person,
    found: Json,
    act: Act,
    *,
    failure: Json | None = None,
    sent: Json | None = None,
) -> func.HttpResponse:
    """The form of one act, with what was wrong where it was sent before."""
    browser_key, cookie = forms.key(req)
    context: Json = {
        "one": found,
        "act": act,
        "token": forms.token(browser_key, person, found["incident_id"], act.path),
        "call": str(uuid.uuid4()),
        "failure": failure,
        "sent": sent or {"reason": "", "box": ""},
    }
    status = failure["status"] if failure else 200
    return rendering.page(req, "steer.html", status, headers=cookie, person=person, **context)
