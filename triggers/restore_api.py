"""Trigger: a responder, by HTTP: what a restore would give back, and the order to do it.

The order is bound to the hash of a plan that was shown; where the world makes another plan by now, nothing is begun.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal

import azure.durable_functions as df
import azure.functions as func
import structlog
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from pydantic import BaseModel, ConfigDict, Field, model_validator

from playbooks.orders import Order
from playbooks.restoring import RESTORE, plans, restoring_id
from playbooks.restoring.model import Requested, RestorePlan
from playbooks.steps import restorable, undo_books
from responders.cloud import Cloud
from responders.errors import RefusedError, ResponderError, TransientError
from responders.evidence import EvidenceStore, canonical, digest
from responders.model import Incident, Json
from responders.read_only import read_only
from triggers import documents, edge, instances, intake, people, status
from triggers.answers import answer, error
from triggers.edge import Call, Nothing, Operation, Said
from triggers.refusals import unknown

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.restore_api")
PLAYBOOK = "restore_identity"
_LOOK_S = 200  # the platform answers for us after 230 s
_WAITING = {"watching", "held", "awaiting_resume"}  # what of a running incident a restore may end


class RestoreOrder(BaseModel):
    """What a person sends: ask for the plan first, then order exactly this plan."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["plan", "apply"]
    reason: Annotated[str, Field(min_length=3, max_length=500)]
    plan_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    chosen: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=500)

    @model_validator(mode="after")
    def apply_names_its_plan(self) -> "RestoreOrder":
        """An order without a plan would be one to do anything."""
        if self.mode == "apply" and self.plan_hash is None:
            raise ValueError("mode apply needs the plan_hash that mode plan answered")
        return self


RESTORE_IT: Operation[RestoreOrder, Nothing] = Operation(
    name="restore_incident",
    method="POST",
    route="api/incidents/{incident_id}/restore",
    summary="See what a restore would give back, or order it",
    body=RestoreOrder,
    answers={
        200: Said("the plan", documents.RestorePlanDocument),
        202: Said("begun", documents.RestoreBegunDocument),
    },
    errors={
        400: "UnknownChoice",
        403: "RequesterMayNotApprove",
        409: "WorldChanged, NotNow, AnotherIncident, NothingToRestore",
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
    """200 with the plan, 202 when the restore was begun; 409 with what has changed, or when it is not the time."""

    async def act(call: Call[RestoreOrder, Nothing]) -> func.HttpResponse:
        return await restore(call.client, call.incident_id, call.person, call.body)

    return await edge.serve(req, client, RESTORE_IT, act)


async def restore(
    client: df.DurableOrchestrationClient,
    incident_id: str,
    person: people.Person,
    wanted: RestoreOrder,
) -> func.HttpResponse:
    """The plan, or the order that begins it, from a page or a call."""
    durable = await _durable(client, incident_id)
    if durable is None:
        return unknown(incident_id)
    incident = status.incident_of(durable)
    try:
        plan = await _look(incident)
    except ResponderError as problem:
        return _cannot_look(problem)
    if wanted.mode == "plan":
        return answer(200, _answer(plan))
    stale = await asyncio.to_thread(_stale, intake.store(), incident, wanted, plan)
    if stale is not None:
        return stale
    if (own := _own(durable, person)) is not None:
        return own
    asked = _requested(wanted, person, await asyncio.to_thread(_ended, incident))
    return await _begin(client, status.phase_of(durable), incident, asked)


@bp.route(**UNDO.binding)
@bp.durable_client_input(client_name="client")
async def read_undo(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with every step that acted, the latest first, and the commands both ways; 404 for an unknown incident."""

    async def act(call: Call[Nothing, Nothing]) -> func.HttpResponse:
        durable = await _durable(call.client, call.incident_id)
        if durable is None:
            return unknown(call.incident_id)
        incident = status.incident_of(durable)
        entries = await asyncio.to_thread(undo_books.read, intake.store(), incident)
        return answer(200, {"incident_id": call.incident_id, "undo": entries})

    return await edge.serve(req, client, UNDO, act)


async def _durable(
    client: df.DurableOrchestrationClient, incident_id: str
) -> DurableOrchestrationStatus | None:
    if not status.is_incident_id(incident_id):
        return None
    return await instances.status(client, incident_id, with_input=True)


async def _look(incident: Incident) -> RestorePlan:
    """The plan as the world is now, kept under its hash. Nothing outside can be changed meanwhile."""
    if incident["mode"] == "plan":
        raise RefusedError("this incident only planned: it took nothing away")
    store = intake.store()
    try:
        with read_only():
            async with asyncio.timeout(_LOOK_S):
                plan = await restorable.draw(await Cloud.connect(), store, incident)
    except TimeoutError as slow:
        raise TransientError(f"no answer within {_LOOK_S} s") from slow
    path = restorable.shown_path(incident, plans.plan_hash(plan))
    if not await asyncio.to_thread(store.exists, path):
        await asyncio.to_thread(store.put_json, path, plan)
    return plan


def _own(durable: DurableOrchestrationStatus, person: people.Person) -> func.HttpResponse | None:
    """Why this person may not take back what they had done themselves; None where the policy lets them."""
    requesters = {one["object_id"] for one in status.told_of(durable).get("requesters", [])}
    may = status.policy_of(durable)["consent"]["requester_may_approve"]
    if may or person.object_id not in requesters:
        return None
    reason = "whoever opened, deepened or resumed an incident does not order its restore"
    return error(403, "RequesterMayNotApprove", reason, "ask another approver")


def _answer(plan: RestorePlan) -> Json:
    return {
        "plan_hash": plans.plan_hash(plan),
        "choices": sorted(plans.choices(plan)),
        "plan": plan,
    }


def _stale(
    store: EvidenceStore, incident: Incident, wanted: RestoreOrder, plan: RestorePlan
) -> func.HttpResponse | None:
    """Why this order can't be carried out as it was given; None where it can."""
    now = plans.plan_hash(plan)
    if wanted.plan_hash == now:
        if others := sorted(set(wanted.chosen) - plans.choices(plan)):
            message = f"the plan offers no choice {', '.join(others)[:300]}"
            return error(400, "UnknownChoice", message, "choose among the plan's choices")
        return None
    path = restorable.shown_path(incident, str(wanted.plan_hash))
    diff = plans.differences(store.get_json(path), plan) if store.exists(path) else []
    return error(
        409,
        "WorldChanged",
        "the world is not the one of the plan that you ordered",
        "read the difference, ask for the plan again, and order that one",
        more={"diff": diff, **_answer(plan)},
    )


def _ended(incident: Incident) -> int:
    """How many restores of this incident have ended: the next order is another one, even for the same plan."""
    paths = intake.store().list(f"incidents/{incident['incident_id']}/restore")
    return sum(1 for one in paths if one.endswith("/outcome.json"))


def _requested(wanted: RestoreOrder, person: people.Person, ended: int) -> Requested:
    chosen = sorted(set(wanted.chosen))
    key = {"plan_hash": wanted.plan_hash, "chosen": chosen, "ended": ended}
    return {
        "restore_id": f"restore-{digest(canonical(key))[:8]}",
        "plan_hash": str(wanted.plan_hash),
        "chosen": chosen,
        "by": {"object_id": person.object_id, "name": person.name},
        "reason": wanted.reason,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


async def _begin(
    client: df.DurableOrchestrationClient, phase: str, incident: Incident, asked: Requested
) -> func.HttpResponse:
    """Within the incident while it waits, in an instance of its own once it is over. Safe to repeat."""
    incident_id, restore_id = incident["incident_id"], asked["restore_id"]
    if await intake.is_open(client, incident_id):
        if phase not in _WAITING:
            reason = f"{incident_id} is {phase}: it has to come to rest first"
            return error(409, "NotNow", reason, f"GET /api/incidents/{incident_id}, then again")
        await client.raise_event(incident_id, RESTORE, asked)
    else:
        holder = restoring_id(incident_id, restore_id)
        other = await intake.hold(client, incident["principal"]["object_id"], holder)
        if other is not None:
            reason = f"{other} is open about this principal"
            return error(409, "AnotherIncident", reason, f"GET /api/incidents/{other}")
        await _start(client, incident, asked, holder)
    _log.info("restore ordered", incident_id=incident_id, restore_id=restore_id)
    body = {"incident_id": incident_id, "restore_id": restore_id}
    return answer(202, {**body, "status_url": f"/api/incidents/{incident_id}"})


async def _start(
    client: df.DurableOrchestrationClient, incident: Incident, asked: Requested, holder: str
) -> None:
    if await intake.is_known(client, holder):
        return  # the same order again
    order: Order = {
        "incident": incident,
        "policy": intake.policy().frozen(),
        "facts": {"requested": asked, "alone": True},
        "holder": holder,
    }
    await client.start_new(PLAYBOOK, instance_id=holder, client_input=order)


def _cannot_look(problem: ResponderError) -> func.HttpResponse:
    if isinstance(problem, TransientError):
        return error(503, "TryAgain", str(problem), "nothing was begun; send it again")
    if isinstance(problem, RefusedError):
        return error(409, "NothingToRestore", str(problem), "docs/how-to/restore-an-identity.md")
    return error(500, "CannotLook", str(problem), "see the log; nothing was begun")
