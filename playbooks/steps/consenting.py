"""Step 8: what people have answered so far to the plan that they are asked about."""

import asyncio

import azure.durable_functions as df

from playbooks import consent_records
from playbooks.journaled import Work, perform
from playbooks.orders import Json, Order

bp = df.Blueprint()
_OF_AN_ANSWER = ("decision", "plan_hash", "approver", "reason", "at", "chosen", "confirmed")


@bp.activity_trigger(input_name="order")
async def read_answers(order: Order) -> Json:
    """Record: every answer to this plan that was kept, each person's yes and no once."""
    incident_id, plan_hash = order["incident"]["incident_id"], order["facts"]["plan_hash"]

    async def act(work: Work) -> Json:
        found = await asyncio.to_thread(consent_records.read, work.store, incident_id, plan_hash)
        answers = [{name: dict(one)[name] for name in _OF_AN_ANSWER} for one in found]
        return {"status": "done", "detail": f"{len(answers)} answers", "answers": answers}

    return await perform("read_answers", order, act, target=order["facts"]["wait"])
