"""Telling people: one notice, on every channel that is set up, each on its own."""

import asyncio

import azure.durable_functions as df

from playbooks import addresses, channels, notice_comments, notice_events
from playbooks.journaled import Work, open_store, perform
from playbooks.orders import Json, Order, folder
from playbooks.steps import notice_cards
from responders import cards, events, incident_traces, notices, sentinel_comments
from responders.cards import Card
from responders.errors import ResponderError, TransientError
from responders.model import StepResult
from responders.settings import Settings

bp = df.Blueprint()
# As `breaking.told` tells of an incident whose own playbook broke: no step closes that one.
_FAILED, _WHOLE = "failed", "compromised identity"


@bp.activity_trigger(input_name="order")
async def tell_people(order: Order) -> Json:
    """Tell: one notice on each channel, side by side; what a channel has taken is not handed to it again."""
    sentinel = await asyncio.to_thread(notice_comments.targets, open_store(), order)
    names = channels.in_use(Settings.from_environ(), order, sentinel)
    answers = await asyncio.gather(*(_tell(order, one, sentinel) for one in names))
    if order["notice"] == _FAILED and order["facts"].get("Broken") == _WHOLE:
        incident_traces.close(open_store(), order["incident"], _FAILED, {})  # nothing else will
    return channels.joined(dict(zip(names, answers, strict=True)))


async def _tell(order: Order, channel: str, sentinel: list[str]) -> Json:
    """In the journal by the notice and the channel: whoever looks sees which of them did not take it."""
    key = order.get("notice_key", order["notice"])
    path = f"{folder(order['incident'])}/notices/{key}/{channel}.json"

    async def act(work: Work) -> StepResult:
        if await asyncio.to_thread(work.store.exists, path):
            return {"status": "nothing_to_do", "detail": "handed over before"}
        card = await asyncio.to_thread(notice_cards.card, work.store, order, _url(order))
        content = _content(order, card, channel, sentinel)
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


def _content(order: Order, card: Card, channel: str, sentinel: list[str]) -> Json:
    match channel:
        case channels.EVENTS:
            return notice_events.event(order, card, _url(order))
        case channels.SENTINEL:
            return notice_comments.comment(order, card, sentinel)
        case _:
            return cards.content(card)


async def _hand_over(work: Work, channel: str, content: Json) -> StepResult:
    match channel:
        case channels.EVENTS:
            return await events.publish(work.cloud, content)
        case channels.SENTINEL:
            return await _comment(work, content)
        case _:
            return await notices.send(work.cloud, content)


async def _comment(work: Work, content: Json) -> StepResult:
    """On every Sentinel incident; one that is gone keeps the comment from no other. Raises what time can fix first."""
    problems: list[ResponderError] = []
    done: StepResult = {"status": "done"}
    for one in content["incidents"]:
        try:
            done = await sentinel_comments.put(
                work.cloud, one, content["comment_id"], content["message"]
            )
        except ResponderError as problem:
            problems.append(problem)
    if problems:
        raise next((one for one in problems if isinstance(one, TransientError)), problems[0])
    return done


def _url(order: Order) -> str:
    """The address of the incident's page; empty where the platform names no host."""
    return addresses.page_url(f"/incidents/{order['incident']['incident_id']}")
