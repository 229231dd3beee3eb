"""Step of misconfigured_federation: trusts freed of a slip, each read back."""

import asyncio

import azure.durable_functions as df

from playbooks.alerts import repairs
from playbooks.alerts.repairs import Repair
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import must_be_free, perform
from playbooks.runs.model import RunOrder
from playbooks.troubleshooting.model import counted
from responders import trust_repairs
from responders.errors import RefusedError
from responders.model import Change

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def mend_trusts(order: RunOrder) -> Json:
    """Act: each trust that differs by case, white space or a last slash, one after the other."""

    async def act(work: Work) -> Json:
        kept = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
        wanted = [one for facts in kept["seen"] for one in repairs.possible(facts)]
        changes: list[Change] = []
        refused: list[str] = []
        items: list[Json] = []
        for one in wanted:
            try:
                done = await _mend(work, order, one)
            except RefusedError as problem:
                refused.append(str(problem))
                continue
            changes += done.get("changes", [])
            items += done.get("items", [])
        return {
            "status": "done" if changes or not refused else "refused",
            "detail": f"{counted(len(changes), 'trust')} mended, {len(refused)} refused",
            "changes": changes,
            "refused": refused,
            "items": items,  # before and after of each: the way back
        }

    return await perform("mend_trusts", order, act, acts=True)


async def _mend(work: Work, order: RunOrder, one: Repair) -> Json:
    await must_be_free(work, order, one["principal"])
    done = await trust_repairs.mend(work.cloud, one["principal"], one["before"], one["after"])
    return dict(done)
