"""Trigger: the page of the kill switch: how it stands, who turned it, and the one button that stops every act.

To pull it is one form and one sentence: nobody who stops everything has to look anything up first. To release it is a
form of its own, for administrators, and it counts only while the switch stands as that page showed it.
"""

import asyncio
import json

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from responders import kill_switch
from responders.model import Json
from triggers import intake, kill_switches, people
from triggers.kill_switches import Turned
from triggers.pages import consent_pages, failing, forms, rendering, visitors
from triggers.people import Person

bp = df.Blueprint()
_ABOUT, _ACT = "kill-switch", "turn"  # what the form's token is bound to
_ACTING = {"pull": False, "release": True}
_SHOWN = 50  # turns


@bp.route(route="kill-switch", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@failing.said
async def page_switch(req: func.HttpRequest) -> func.HttpResponse:
    """200 with how it stands and what this person may do about it."""
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.READ)
    return person if isinstance(person, func.HttpResponse) else await _page(req, person)


@bp.route(route="kill-switch", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_turn_switch(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """303 to the page when it stands as wanted; else the page again, with what is wrong."""
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.RESPOND, people.ADMIN)
    if isinstance(person, func.HttpResponse):
        return person
    try:
        fields = forms.read(req, person, _ABOUT, _ACT)
    except (forms.ForgedError, ValueError) as problem:
        return forms.refused(req, person, problem)
    sent = {one: " ".join(fields.get(one, [])) for one in ("to", "reason", "seen")}
    if sent["to"] not in _ACTING:
        wrong = consent_pages.bad_form("it says neither to pull nor to release")
        return await _page(req, person, failure=wrong, sent=sent)
    try:
        wanted = Turned(acting=_ACTING[sent["to"]], reason=sent["reason"])
    except ValidationError as problem:
        wrong = consent_pages.bad_form(consent_pages.people_say(problem))
        return await _page(req, person, failure=wrong, sent=sent)
    # A release without what was seen is taken for one of an older page.
    expected = (sent["seen"] or '"nothing"') if wanted.acting else None
    answered = await kill_switches.turn(person, wanted, expected, client)
    if answered.status_code == 200:
        return rendering.see_other(req, "/kill-switch")
    wrong = consent_pages.of_problem(answered)
    return await _page(req, person, failure=wrong, sent=sent)


async def _page(
    req: func.HttpRequest,
    person: Person,
    *,
    failure: Json | None = None,
    sent: dict[str, str] | None = None,
) -> func.HttpResponse:
    answered = await kill_switches.show()
    turns = await asyncio.to_thread(kill_switch.history, intake.store())
    browser_key, cookie = forms.key(req)
    context: Json = {
        "stands": json.loads(answered.get_body()),
        "seen": answered.headers["ETag"],
        "turns": turns[:_SHOWN],
        "more": max(len(turns) - _SHOWN, 0),
        "may_pull": bool(person.roles & {people.RESPOND, people.ADMIN}),
        "may_release": people.ADMIN in person.roles and not person.is_application,
        "token": forms.token(browser_key, person, _ABOUT, _ACT),
        "failure": failure,
        "sent": sent or {"to": "", "reason": ""},
    }
    status = failure["status"] if failure else 200
    return rendering.page(req, "switch.html", status, headers=cookie, person=person, **context)
