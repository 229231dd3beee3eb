"""What people are told that is about no incident, or that no playbook tells: by every channel, for as long as it takes.

It is handed to Durable first, so it outlives a crash and an outage of the channel. The same is told once.
"""

import asyncio
from datetime import UTC, datetime
from typing import NotRequired, TypedDict, cast

import azure.durable_functions as df
import structlog

from playbooks import addresses, channels, notice_events
from playbooks.journaled import as_data
from playbooks.orders import Order
from playbooks.telling_later import TELL_LATER
from responders import cards, events, notices, signal_records
from responders.cloud import Cloud
from responders.evidence import digest
from responders.model import Json, Signal, StepResult
from responders.settings import Settings
from responders.signal_records import Record
from triggers import intake

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.announcements")


class Announcement(TypedDict):
    """Plain JSON, because it waits in Durable."""

    key: str  # what is announced once
    event: str  # the last part of its event's type: one of `notice_events.OPERATIONS`
    title: str
    mood: cards.Mood
    do_now: str
    facts: list[tuple[str, str]]
    path: str  # of the app's page
    at: NotRequired[str]
    signal: NotRequired[Signal]  # whose record says whether people were told


async def begin(client: df.DurableOrchestrationClient, announcement: Announcement) -> str:
    """Have people told. Returns what whoever asked for it is told of that: it waits for no channel."""
    told: Announcement = {**announcement, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    instance = f"told-{told['key']}"
    if await intake.is_known(client, instance):
        return "people were told of this before"
    order: Json = {"announcement": told, "facts": {}}
    try:
        await client.start_new(TELL_LATER, instance_id=instance, client_input=order)
    except Exception as problem:  # noqa: BLE001 - Durable's client raises nothing narrower
        _log.error("nobody tells later", title=told["title"], reason=str(problem))
        return str((await _on_every_channel(order))["detail"])
    names = channels.in_use(Settings.from_environ(), cast(Order, order), [])
    return f"people are being told: {', '.join(names)}"


async def about_signal(
    client: df.DurableOrchestrationClient, signal: Signal, title: str, why: str
) -> str:
    """A signal that started nothing and should have."""
    facts = [
        ("Signal", signal["title"]),
        ("From", f"{signal['source']} {signal['kind']} {signal['severity']}".rstrip()),
        ("Id", signal["signal_id"]),
        ("Why", why),
    ]
    key = digest("\n".join((signal["source"], signal["signal_id"])).encode())[:24]
    now = "Nothing was started. Look at it, and open an incident about the identity by hand."
    told: Announcement = {
        "key": key,
        "event": "SignalNeedsPerson",
        "title": title,
        "mood": "bad",
        "do_now": now,
        "facts": facts,
        "path": "/signals",
    }
    return await begin(client, told)


@bp.activity_trigger(input_name="order")
async def announce(order: dict) -> Json:  # type: ignore[type-arg]  # the worker wants it bare
    """Tell: what concerns no incident, on each channel; what one has taken it is not given again."""
    structlog.contextvars.clear_contextvars()
    return await _on_every_channel(order)


async def _on_every_channel(order: Json) -> Json:
    told: Announcement = order["announcement"]
    names = channels.in_use(Settings.from_environ(), cast(Order, order), [])
    answers = await asyncio.gather(*(as_data(_tell(told, one)) for one in names))
    if order.get("last_try"):
        answers = [{k: v for k, v in one.items() if k != "retry"} for one in answers]
    answer = channels.joined(dict(zip(names, answers, strict=True)))
    if answer["status"] not in {"done", "nothing_to_do"}:
        _log.warning("nobody was told", title=told["title"], reason=answer["detail"])
    if "signal" in told:
        await asyncio.to_thread(_note, told["signal"], answer)
    return answer


async def _tell(told: Announcement, channel: str) -> StepResult:
    store, path = intake.store(), f"announcements/{told['key']}/{channel}.json"
    if await asyncio.to_thread(store.exists, path):
        return {"status": "nothing_to_do", "detail": "handed over before"}
    url = addresses.page_url(told["path"])
    facts = [(name, value) for name, value in told["facts"]]
    card = cards.Card(
        told["title"], told["mood"], told["do_now"], facts, links=[("Open Firebreak", url)]
    )
    cloud = await Cloud.connect()
    if channel == channels.EVENTS:
        content = notice_events.of_operations(
            told["key"], told["event"], told.get("at", ""), cloud.tenant_id, card
        )
        answer = await events.publish(cloud, content)
    else:
        content = cards.content(card)
        answer = await notices.send(cloud, content)
    if answer["status"] == "done":
        await asyncio.to_thread(store.put_json, path, content)
    return answer


def _note(signal: Signal, answer: Json) -> None:
    """Whoever looks at a signal that was given up sees whether anybody knows."""
    said = "yes" if answer["status"] in {"done", "nothing_to_do"} else "no"
    said = "not yet" if answer.get("retry") else said

    def mark(now: Record) -> Record:
        if now["status"] != "poisoned":  # it came again, and was handled
            return now
        return {**now, "told": f"{said}: {answer['detail']}"[:300]}

    signal_records.change(intake.store(), signal, mark)
