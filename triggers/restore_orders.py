"""A person looks at what a restore would give back, orders exactly that, or says no to it: from a page or a call.

An order is bound to the hash of a plan that was shown; where the world makes another plan by now, nothing is begun. As
many people as the policy wants have to give the same order in time: the first one's is kept, the last one's begins it.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from pydantic import BaseModel, ConfigDict, Field, model_validator

from playbooks.restoring import consents, plans
from playbooks.restoring.consents import Asking
from playbooks.restoring.model import Requested, RestorePlan
from playbooks.steps import restorable
from responders.cloud import Cloud
from responders.errors import RefusedError, ResponderError, TransientError
from responders.evidence import EvidenceStore
from responders.model import Incident, Json
from responders.read_only import read_only
from triggers import consent_answers, instances, intake, restore_asking, restore_starts, status
from triggers.answers import answer, error
from triggers.consent_answers import Answer
from triggers.people import Person
from triggers.refusals import unknown

_LOOK_S = 200  # the platform answers for us after 230 s


class RestoreOrder(BaseModel):
    """What a person sends: ask for the plan first, then order exactly this plan, or refuse it."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["plan", "apply", "refuse"]
    reason: Annotated[str, Field(min_length=3, max_length=500)]
    plan_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    chosen: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=500)

    @model_validator(mode="after")
    def an_order_names_its_plan(self) -> "RestoreOrder":
        """An order without a plan would be one to do anything."""
        if self.mode != "plan" and self.plan_hash is None:
            raise ValueError(f"mode {self.mode} needs the plan_hash that mode plan answered")
        return self

    def said(self) -> Answer:
        """As any other answer to a plan."""
        decision: Literal["grant", "deny"] = "grant" if self.mode == "apply" else "deny"
        return Answer(
            plan_hash=str(self.plan_hash),
            decision=decision,
            reason=self.reason,
            chosen=self.chosen,
        )


async def restore(
    client: df.DurableOrchestrationClient, incident_id: str, person: Person, wanted: RestoreOrder
) -> func.HttpResponse:
    """The plan, or the order that begins it where enough people gave it, or a no."""
    durable = await found(client, incident_id)
    if durable is None:
        return unknown(incident_id)
    incident = status.incident_of(durable)
    if wanted.mode == "refuse":
        given = consent_answers.given_by(person, wanted.said(), datetime.now(UTC))
        return await asyncio.to_thread(restore_asking.refuse, intake.store(), incident, given)
    try:
        plan = await _look(incident)
    except ResponderError as problem:
        return _cannot_look(problem)
    if wanted.mode == "plan":
        return answer(200, _shown(plan))
    stale = await asyncio.to_thread(_stale, intake.store(), incident, wanted, plan)
    not_now = stale or restore_starts.too_early(durable)
    return not_now or await _order(client, durable, person, wanted)


async def found(
    client: df.DurableOrchestrationClient, incident_id: str
) -> DurableOrchestrationStatus | None:
    """What Durable knows of an incident; None where there is none."""
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


def _shown(plan: RestorePlan) -> Json:
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
        more={"diff": diff, **_shown(plan)},
    )


async def _order(
    client: df.DurableOrchestrationClient,
    durable: DurableOrchestrationStatus,
    person: Person,
    wanted: RestoreOrder,
) -> func.HttpResponse:
    """Keep this person's order, and begin the restore where that makes enough."""
    incident, store = status.incident_of(durable), intake.store()
    runs = durable.runtime_status.name not in instances.OVER
    policy = status.policy_of(durable) if runs else intake.policy().frozen()
    requesters = [one["object_id"] for one in status.told_of(durable).get("requesters", [])]
    given = consent_answers.given_by(person, wanted.said(), datetime.now(UTC))
    asking = await asyncio.to_thread(restore_asking.put, store, incident, given, policy, requesters)
    if (unfit := restore_asking.unfit(asking, given)) is not None:
        return unfit
    news = await asyncio.to_thread(restore_asking.keep, store, incident, asking, given)
    decided = await asyncio.to_thread(consents.judge, store, incident, asking)
    shown = await asyncio.to_thread(restore_asking.shown, store, incident, asking)
    said = restore_asking.told(incident, shown)
    if decided is None:
        heard = (
            await restore_asking.tell(client, incident, shown)
            if news
            else "the channel was told before"
        )
        return answer(202, {**said, "begun": False, "told": heard})
    if not decided["granted"]:
        reason = f"{decided['approver']['name']} said no in this moment"
        return error(409, "Refused", reason, "talk to them, then order it again")
    refused = await restore_starts.begin(client, durable, _requested(asking, shown))
    return refused or answer(202, {**said, "begun": True})


def _requested(asking: Asking, shown: Json) -> Requested:
    """As the playbook takes it."""
    return {
        "restore_id": asking["restore_id"],
        "plan_hash": asking["plan_hash"],
        "chosen": asking["chosen"],
        "by": asking["by"],
        "reason": asking["reason"],
        "at": asking["at"],
        "order": asking["number"],
        "approvals": shown["approvals"],
    }


def _cannot_look(problem: ResponderError) -> func.HttpResponse:
    if isinstance(problem, TransientError):
        return error(503, "TryAgain", str(problem), "nothing was begun; send it again")
    if isinstance(problem, RefusedError):
        return error(409, "NothingToRestore", str(problem), "docs/how-to/restore-an-identity.md")
    return error(500, "CannotLook", str(problem), "see the log; nothing was begun")
