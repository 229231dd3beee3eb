"""Trigger: a responder, by HTTP: what a restore would give back, the order to do it, a no to it; and the undo book."""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from playbooks.steps import undo_books
from triggers import documents, edge, intake, restore_orders, status
from triggers.answers import answer
from triggers.edge import Call, Nothing, Operation, Said
from triggers.refusals import unknown
from triggers.restore_orders import RestoreOrder

bp = df.Blueprint()

RESTORE_IT: Operation[RestoreOrder, Nothing] = Operation(
    name="restore_incident",
    method="POST",
    route="api/incidents/{incident_id}/restore",
    summary="See what a restore would give back, order it, or refuse it",
    body=RestoreOrder,
    answers={
        200: Said("the plan", documents.RestorePlanDocument),
        202: Said("begun, or kept until enough people ordered it", documents.RestoreBegunDocument),
    },
    errors={
        400: "UnknownChoice",
        403: "RequesterMayNotApprove",
        409: "WorldChanged, NotNow, AnotherIncident, NothingToRestore, OtherChoice, NotAsked, "
        "StalePlan, Refused",
    },
    remembered=frozenset({202}),  # a plan is of the world as it is now
    steers=True,
)
UNDO: Operation[Nothing, Nothing] = Operation(
    name="read_undo",
    method="GET",
    route="api/incidents/{incident_id}/undo",
    summary="Every step that acted, and the commands both ways",
    answers={200: Said("the undo book", documents.UndoDocument)},
)
OPERATIONS = (RESTORE_IT, UNDO)


@bp.route(**RESTORE_IT.binding)
@bp.durable_client_input(client_name="client")
async def restore_incident(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the plan, 202 when it was ordered; 409 with what has changed, or when it is not the time."""

    async def act(call: Call[RestoreOrder, Nothing]) -> func.HttpResponse:
        return await restore_orders.restore(call.client, call.incident_id, call.person, call.body)

    return await edge.serve(req, client, RESTORE_IT, act)


@bp.route(**UNDO.binding)
@bp.durable_client_input(client_name="client")
async def read_undo(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with every step that acted, the latest first, and the commands both ways; 404 for an unknown incident."""

    async def act(call: Call[Nothing, Nothing]) -> func.HttpResponse:
        durable = await restore_orders.found(call.client, call.incident_id)
        if durable is None:
            return unknown(call.incident_id)
        incident = status.incident_of(durable)
        entries = await asyncio.to_thread(undo_books.read, intake.store(), incident)
        return answer(200, {"incident_id": call.incident_id, "undo": entries})

    return await edge.serve(req, client, UNDO, act)
