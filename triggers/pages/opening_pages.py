"""Trigger: the page on which a responder opens an incident, as by the API. To look at it begins nothing."""

import json
import uuid

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from responders.model import Json
from triggers import new_incidents, people
from triggers.hint_bodies import ServiceAccountBody
from triggers.new_incidents import NewIncident
from triggers.pages import consent_pages, failing, forms, incident_pages, rendering, visitors
from triggers.people import Person
from triggers.receiving import CONNECTION, QUEUE, Later

bp = df.Blueprint()
_ACT = "open"
_KEY = 36  # characters: a form's own id, by which one that is sent twice opens one incident
_NAMED_BY = {
    "object_id": "Object id of its service principal",
    "app_id": "Client id (application id)",
    "resource_id": "ARM id of a managed identity, or of what it belongs to",
    "role_assignment_id": "ARM id of one of its role assignments",
    "service_account": "ServiceAccount: cluster, namespace, name",
}
_MODES = {
    "plan": "Plan: ask what would be done, and touch nothing",
    "contain": "Contain: cut it off and keep the evidence; can be taken back",
    "respond": "Respond: contain, then ask for consent to rebuild it",
}
_VECTORS = {
    "": "not known",
    "credential": "a credential of its own",
    "cluster": "a workload in a cluster",
    "unknown": "looked for, and not found",
}
_NOTHING = {"named_by": "object_id", "id": "", "mode": "plan", "vector": "", "reason": ""}


@bp.route(route="open", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@failing.said
async def page_open_form(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the form."""
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.READ)
    return person if isinstance(person, func.HttpResponse) else _page(req, person)


@bp.route(route="open", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_open(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, later: Later
) -> func.HttpResponse:
    """303 to the incident that was opened or joined; 202 where the call waits; else the form, with what is wrong."""
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.RESPOND)
    if isinstance(person, func.HttpResponse):
        return person
    try:
        fields = forms.read(req, person, "", _ACT)
    except (forms.ForgedError, ValueError) as problem:
        return forms.refused(req, person, problem)
    sent = {name: " ".join(fields.get(name, [])).strip() for name in (*_NOTHING, "call")}
    try:
        wanted = _wanted(sent)
    except ValidationError as problem:
        wrong = consent_pages.bad_form(consent_pages.people_say(problem))
        return _page(req, person, sent=sent, failure=wrong)
    key = sent["call"][:_KEY] or str(uuid.uuid4())
    answered = await new_incidents.start(client, person, key, wanted, later)
    if answered.status_code != 202:
        return _page(req, person, sent=sent, failure=consent_pages.of_problem(answered))
    said: Json = json.loads(answered.get_body())
    if said["incident_id"] is None:
        return _page(req, person, waits=said["why"])
    told = "joined" if said["joined"] else "opened"
    return incident_pages.taken(req, person, said["incident_id"], told)


def _wanted(sent: dict[str, str]) -> NewIncident:
    named_by, id_ = sent["named_by"], sent["id"]
    body: Json = {"mode": sent["mode"], "reason": sent["reason"], "vector": sent["vector"] or None}
    if named_by == "service_account":
        parts = dict(
            zip(ServiceAccountBody.model_fields, map(str.strip, id_.split(",", 2)), strict=False)
        )
        return NewIncident.model_validate({**body, named_by: parts})
    return NewIncident.model_validate({**body, named_by: id_} if named_by in _NAMED_BY else body)


def _page(
    req: func.HttpRequest,
    person: Person,
    *,
    sent: dict[str, str] | None = None,
    failure: Json | None = None,
    waits: str = "",
) -> func.HttpResponse:
    browser_key, cookie = forms.key(req)
    context: Json = {
        "sent": sent or _NOTHING,
        "named_by": _NAMED_BY,
        "modes": _MODES,
        "vectors": _VECTORS,
        "token": forms.token(browser_key, person, "", _ACT),
        "call": str(uuid.uuid4()),
        "failure": failure,
        "waits": waits,
        "may": people.RESPOND in person.roles,
    }
    status = failure["status"] if failure else 202 if waits else 200
    return rendering.page(req, "open.html", status, headers=cookie, person=person, **context)
