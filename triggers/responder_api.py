"""Trigger: a responder, by HTTP: open an incident, ask how it stands, answer its plan, have it go on, end it.

Who comes in is proven by Entra, and what they may do by app roles: a function key opens nothing here.
"""

import azure.durable_functions as df
import azure.functions as func

from triggers import (
    cancellations,
    consent_answers,
    documents,
    edge,
    new_incidents,
    resumptions,
    status,
    tags,
)
from triggers.answers import answer, unchanged
from triggers.cancellations import Cancellation
from triggers.consent_answers import Answer, Refusal
from triggers.edge import Call, Nothing, Operation, Said
from triggers.new_incidents import NewIncident
from triggers.receiving import CONNECTION, QUEUE, Later
from triggers.refusals import unknown
from triggers.resumptions import Resumption

bp = df.Blueprint()
_INCIDENT = "api/incidents/{incident_id}"

OPEN: Operation[NewIncident, Nothing] = Operation(
    name="open_incident",
    method="POST",
    route="api/incidents",
    summary="Open an incident about one identity",
    body=NewIncident,
    answers={202: Said("opened, joined an open one, or waits to be handled", documents.Accepted)},
    errors={404: "UnknownPrincipal", 409: "SeveralPrincipals", 500: "CannotResolve"},
    steers=True,
)
READ: Operation[Nothing, Nothing] = Operation(
    name="read_incident",
    method="GET",
    route=_INCIDENT,
    summary="How an incident stands",
    answers={
        200: Said("as it stands", documents.IncidentDocument, tagged=True),
        304: Said("nothing is new since If-None-Match", media=""),
    },
)
CONSENT: Operation[Answer, Nothing] = Operation(
    name="answer_plan",
    method="POST",
    route=f"{_INCIDENT}/consent",
    summary="Say yes or no to a plan",
    body=Answer,
    answers={202: Said("handed over", documents.AnswerDocument)},
    errors={
        400: "UnknownKey",
        403: "RequesterMayNotApprove",
        409: "NotAsked, StalePlan, Expired, OtherChoice, NotConfirmed",
    },
    steers=True,
)
REFUSE: Operation[Refusal, Nothing] = Operation(
    name="refuse_plan",
    method="POST",
    route=f"{_INCIDENT}/refuse",
    summary="Say no to a plan",
    body=Refusal,
    answers={202: Said("handed over", documents.AnswerDocument)},
    errors={409: "NotAsked, StalePlan, Expired"},
    steers=True,
)
RESUME: Operation[Resumption, Nothing] = Operation(
    name="resume_recovery",
    method="POST",
    route=f"{_INCIDENT}/resume",
    summary="Have a recovery that is half done go on",
    body=Resumption,
    answers={202: Said("handed over", documents.ResumedDocument)},
    errors={409: "NotResumable"},
    steers=True,
)
CANCEL: Operation[Cancellation, Nothing] = Operation(
    name="cancel_incident",
    method="POST",
    route=f"{_INCIDENT}/cancel",
    summary="End an incident in order",
    body=Cancellation,
    answers={202: Said("handed over", documents.CancellingDocument)},
    errors={409: "Over"},
    steers=True,
)
OPERATIONS = (OPEN, READ, CONSENT, REFUSE, RESUME, CANCEL)


@bp.route(**OPEN.binding)
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def open_incident(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, later: Later
) -> func.HttpResponse:
    """202 with the incident id, or where to look for it; 4xx and 503 with what to do next, and nothing started."""

    async def act(call: Call[NewIncident, Nothing]) -> func.HttpResponse:
        return await new_incidents.start(call.client, call.person, call.key, call.body, later)

    return await edge.serve(req, client, OPEN, act)


@bp.route(**READ.binding)
@bp.durable_client_input(client_name="client")
async def read_incident(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with phase, clock, steps and consent; 304 where nothing is new; 404 where there is none."""

    async def act(call: Call[Nothing, Nothing]) -> func.HttpResponse:
        shown = await status.of(call.client, call.incident_id)
        if shown is None:
            return unknown(call.incident_id)
        tag = tags.of(shown)
        if tags.is_known(call.headers.get("If-None-Match"), tag):
            return unchanged(tag)
        return answer(200, shown, headers={"ETag": tag})

    return await edge.serve(req, client, READ, act)


@bp.route(**CONSENT.binding)
@bp.durable_client_input(client_name="client")
async def answer_plan(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """202 when the answer was handed over; 409 when the plan is another one, or nobody asked."""

    async def act(call: Call[Answer, Nothing]) -> func.HttpResponse:
        return await consent_answers.give(call.client, call.incident_id, call.person, call.body)

    return await edge.serve(req, client, CONSENT, act)


@bp.route(**REFUSE.binding)
@bp.durable_client_input(client_name="client")
async def refuse_plan(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """The same as consent with the decision "deny"."""

    async def act(call: Call[Refusal, Nothing]) -> func.HttpResponse:
        given = call.body.answer()
        return await consent_answers.give(call.client, call.incident_id, call.person, given)

    return await edge.serve(req, client, REFUSE, act)


@bp.route(**RESUME.binding)
@bp.durable_client_input(client_name="client")
async def resume_recovery(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """202 when the call was handed over; 409 where nothing is left to do, or it is being done."""

    async def act(call: Call[Resumption, Nothing]) -> func.HttpResponse:
        return await resumptions.resume(
            call.client, call.incident_id, call.person, call.key, call.body
        )

    return await edge.serve(req, client, RESUME, act)


@bp.route(**CANCEL.binding)
@bp.durable_client_input(client_name="client")
async def cancel_incident(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """202 when the word was handed over; 409 where the incident is over."""

    async def act(call: Call[Cancellation, Nothing]) -> func.HttpResponse:
        return await cancellations.cancel(call.client, call.incident_id, call.person, call.body)

    return await edge.serve(req, client, CANCEL, act)
