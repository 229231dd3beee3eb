"""Steps of troubleshooting: which ServiceAccounts it is about, what is so, and the verdict."""

import asyncio

import azure.durable_functions as df

from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import conclude, keep, perform
from playbooks.runs.model import RunOrder
from playbooks.troubleshooting import judging, looking
from playbooks.troubleshooting.targets import asked_about

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def look_at_workload(order: RunOrder) -> Json:
    """Read: everything that says why these pods get a token, or none."""

    async def act(work: Work) -> Json:
        targets, unread = await asked_about(work, order["run"]["parameters"])
        seen = await looking.look(work, order, targets)
        path = await keep(work, order, "facts", {"seen": seen, "unread": unread})
        return {"status": "done", "detail": f"{len(seen)} ServiceAccounts", "path": path}

    return await perform("look_at_workload", order, act)


@bp.activity_trigger(input_name="order")
async def judge_workload(order: RunOrder) -> Json:
    """Judge: each check, the first cause, and the exact fix."""

    async def act(work: Work) -> Json:
        kept = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
        return await conclude(work, order, judging.judged(kept["seen"], kept["unread"]))

    return await perform("judge_workload", order, act)
