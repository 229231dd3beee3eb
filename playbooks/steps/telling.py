"""Telling people: one notice, on every channel that is set up, each on its own."""

import asyncio

import azure.durable_functions as df

from playbooks import addresses, channels, notice_events
from playbooks.journaled import Work, perform
from playbooks.orders import Json, Order, folder
from playbooks.steps import notice_cards
from responders import cards, events, notices
from responders.cards import Card
from responders.errors import ResponderError, TransientError
from responders.model import StepResult
from responders.settings import Settings

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def tell_people(order: Order) -> Json:
    """Tell: one notice on each channel, side by side; what a channel has taken is not handed to it again."""
    names = channels.in_use(Settings.from_environ(), order)
    answers = await asyncio.gather(*(_tell(order, one) for one in names))
    return channels.joined(dict(zip(names, answers, strict=True)))


async def _tell(order: Order, channel: str) -> Json:
    """In the journal by the notice and the channel: whoever looks sees which of them did not take it."""
    key = order.get("notice_key", order["notice"])
    path = f"{folder(order['incident'])}/notices/{key}/{channel}.json"

    async def act(work: Work) -> StepResult:
        if await asyncio.to_thread(work.store.exists, path):
            return {"status": "nothing_to_do", "detail": "handed over before"}
        card = await asyncio.to_thread(notice_cards.card, work.store, order, incident_url(order))
        content = _content(order, card, channel)
        try:
            answer = await _hand_over(work, channel, content)
        except TransientError as problem:
            if not order.get("last_try"):
                raise
            raise ResponderError(f"{problem}; given up after half a day") from problem
        if answer["status"] == "done":
            await asyncio.to_thread(work.store.put_json, path, content)
        return answer

    return await perform(channels.STEP, order, act, target=channels.target(key, channel))


def _content(order: Order, card: Card, channel: str) -> Json:
    if channel == channels.EVENTS:
        return notice_events.event(order, card, incident_url(order))
    return cards.content(card)


async def _hand_over(work: Work, channel: str, content: Json) -> StepResult:
    if channel == channels.EVENTS:
        return await events.publish(work.cloud, content)
    return await notices.send(work.cloud, content)


def incident_url(order: Order) -> str:
    """The address of the incident's page; empty where the platform names no host."""
    return addresses.page_url(f"/incidents/{order['incident']['incident_id']}")
