"""How deep an incident is to go: what it is asked for beyond what it was opened for, and by whom."""

import asyncio

import azure.durable_functions as df

from playbooks.journaled import Work, perform
from playbooks.orders import Json, Order
from responders import claims
from responders.claims import Claim, Raised
from responders.untrusted import visible

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def read_depth(order: Order) -> Json:
    """Record: what the incident is asked for by now, and who asked."""
    incident = order["incident"]

    async def act(work: Work) -> Json:
        object_id = incident["principal"]["object_id"]
        held = await asyncio.to_thread(claims.current, work.store, object_id)
        if held is None or not (raised := claims.raised_beyond(held, incident)):
            return {"status": "nothing_to_do", "detail": "nothing more is asked for"}
        return asked_for(held, raised)

    # A line of its own for each depth: who deepened it stays to be read.
    return await perform("read_depth", order, act, target=f"beyond {incident['mode']}")


def asked_for(held: Claim, raised: list[Raised]) -> Json:
    """The claim as an answer of a step: how deep, on whose word, and who asked for it when."""
    mode, source = claims.depth(held)
    return {
        "status": "done",
        "detail": "; ".join(
            f"{one['mode']}: {one['source']} at {one['at']}, {visible(one['title'])}"
            for one in raised
        ),
        "mode": mode,
        "source": source,
        "raised": raised,
    }
