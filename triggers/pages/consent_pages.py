"""Trigger: the page of a plan, whole, and a person's answer to exactly that plan.

To look changes nothing, so that a link preview can't consent; only the page's own form does, by POST, through the same
function as the API.
"""

import asyncio
import json

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from playbooks import consent_records
from responders.evidence import EvidenceStore
from responders.model import Json
from triggers import call_traces, consent_answers, consent_status, intake, people
from triggers.consent_answers import Answer
from triggers.pages import failing, forms, incident_pages, plan_view, rendering, words
from triggers.people import Person

bp = df.Blueprint()
_GRANT, _DENY = "grant", "deny"
_SILENCE = "Silence is a no: the identity stays contained and nothing is rebuilt."
_NOTHING: Json = {"confirmed": [], "chosen": [], "reason": ""}


@bp.route(
    route="incidents/{incident_id}/consent", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_consent(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the whole plan, and the form where a person is asked; 404 where nothing is planned."""
    structlog.contextvars.clear_contextvars()
    seen = await incident_pages.opened(req, client, people.READ)
    if isinstance(seen, func.HttpResponse):
        return seen
    return await _page(req, *seen)


@bp.route(
    route="incidents/{incident_id}/consent", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_answer(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """303 to the incident when the yes was handed over; else the plan again, with what is missing."""
    structlog.contextvars.clear_contextvars()
    return await _answer(req, client, _GRANT)


@bp.route(
    route="incidents/{incident_id}/refuse", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_refuse(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """303 to the incident when the no was handed over; else the plan again, with what is wrong."""
    structlog.contextvars.clear_contextvars()
    return await _answer(req, client, _DENY)


async def _answer(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, decision: str
) -> func.HttpResponse:
    seen = await incident_pages.posted(req, client, people.APPROVE, decision)
    if isinstance(seen, func.HttpResponse):
        return seen
    person, found, read = seen
    incident_id, fields = found["incident_id"], dict(read)
    sent: Json = {
        "confirmed": fields.pop("confirmed", []),
        "chosen": fields.pop("chosen", []),
        **{name: " ".join(values) for name, values in fields.items()},
    }
    try:
        given = Answer.model_validate({**sent, "decision": decision})
    except ValidationError as problem:
        wrong = bad_form(people_say(problem))
        return await _page(req, person, found, sent=sent, failure=wrong)
    answered = await call_traces.traced(
        f"page_{decision}",
        incident_id,
        person.object_id,
        lambda: consent_answers.give(client, incident_id, person, given),
    )
    if answered.status_code < 300 or _was_heard(found, person, given):
        told = "consented" if decision == _GRANT else "refused"
        return incident_pages.taken(req, person, incident_id, told)
    return await _page(req, person, found, sent=sent, failure=of_problem(answered))


async def _page(
    req: func.HttpRequest,
    person: Person,
    found: Json,
    *,
    sent: Json | None = None,
    failure: Json | None = None,
) -> func.HttpResponse:
    plan = await asyncio.to_thread(plan_view.shown, intake.store(), found["incident_id"])
    if plan is None:
        return incident_pages.unknown(req, person, found["incident_id"])
    agreed = await asyncio.to_thread(_agreed, intake.store(), plan)
    browser_key, cookie = forms.key(req)
    asked = found["consent"] if found["phase"] == "awaiting_consent" else None
    if asked and asked["plan_hash"] != plan["plan_hash"]:
        asked = None  # another plan is being drawn: its own page asks
    tokens = {
        f"{act}_token": forms.token(browser_key, person, found["incident_id"], act)
        for act in (_GRANT, _DENY)
    }
    context = {
        **plan,
        **tokens,
        "one": found,
        "phase": words.phase(found["phase"]),
        "asked": asked,
        **_rules(found["consent"] or {}),
        "irreversible": plan["plan"].get("irreversible", []),
        "may_refuse": people.APPROVE in person.roles,
        "why_not": _why_not(person, found["consent"] or {}),
        "agreed": agreed,
        "sent": {**_NOTHING, "chosen": agreed or [], **(sent or {})},
        "failure": failure,
    }
    status = failure["status"] if failure else 200
    return rendering.page(req, "consent.html", status, headers=cookie, person=person, **context)


def _agreed(store: EvidenceStore, plan: Json) -> list[str] | None:
    """What those chose who said yes already: whoever agrees with them has to choose the same. None before the first."""
    answers = consent_records.read(store, plan["plan"]["incident_id"], plan["plan_hash"])
    return consent_status.chosen_before(answers)


def _rules(asked: Json) -> Json:
    """What the playbook says about this consent: how many are needed, who said yes, what silence means."""
    return {
        "approvals": asked.get("approvals", []),
        "needed": asked.get("needs", 1),
        "expiry": asked.get("on_expiry", _SILENCE),
        "requesters": [one["name"] for one in asked.get("requesters", [])],
    }


def _why_not(person: Person, asked: Json) -> str:
    """Why this person's yes would not count, so that the page offers none; nothing where it would."""
    if people.APPROVE not in person.roles:
        return f"To answer you need the app role {people.APPROVE}."
    if person.object_id in {one["approver"]["object_id"] for one in asked.get("approvals", [])}:
        return "You have agreed to this plan. Another person has to agree as well."
    requesters = {one["object_id"] for one in asked.get("requesters", [])}
    if person.object_id in requesters and not asked.get("requester_may_approve", False):
        return "You had this done, so that somebody else has to agree. You can refuse."
    return ""


def _was_heard(found: Json, person: Person, given: Answer) -> bool:
    """Whether this is the answer that stands already: a form that was sent twice was taken once."""
    kept = found["consent"] or {}
    said = [one["approver"] for one in kept.get("approvals", [])]
    if given.decision == "deny":
        said = [kept["approver"]] if kept.get("decision") == "deny" else []
    agreed = person.object_id in {one["object_id"] for one in said}
    return agreed and kept.get("plan_hash") == given.plan_hash


def of_problem(answered: func.HttpResponse) -> Json:
    """The API's refusal as a page says it."""
    said = json.loads(answered.get_body())
    return _failure(answered.status_code, said["code"], said["detail"], said["next"])


def _failure(status: int, code: str, said: str, todo: str) -> Json:
    titles = {
        "NotConfirmed": "Not taken: a confirmation is missing",
        "StalePlan": "Not taken: this is no longer the plan",
        "NotAsked": "Not taken: nobody is asked now",
        "Expired": "Not taken: the time is over",
        "OtherChoice": "Not taken: others chose otherwise",
        "RequesterMayNotApprove": "Not taken: somebody else has to agree",
        "BadForm": "Not taken: something is missing",
    }
    title = titles.get(code, "Not taken")
    return {"status": status, "title": title, "said": said, "todo": todo}


def bad_form(said: str) -> Json:
    """What was filled in makes no sense."""
    return _failure(400, "BadForm", said, "Correct it and send it again.")


def people_say(problem: ValidationError) -> str:
    """Which field, and what is wrong with it."""
    return "; ".join(
        f"{'.'.join(str(part) for part in one['loc']) or 'form'}: {one['msg']}"
        for one in problem.errors(include_url=False, include_input=False)
    )
