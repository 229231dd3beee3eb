"""A person turns the kill switch, from a page or a call, or looks how it stands.

Whoever responds may pull it: in the night in which Firebreak harms somebody, nobody should have to look for an
administrator. To let it act again is an administrator's alone: that is the dangerous direction.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import BaseModel, ConfigDict, Field

from playbooks import policy as policies
from playbooks.policy import PolicyError
from responders import kill_switch
from responders.errors import ConflictError
from responders.kill_switch import Switch
from responders.model import Json
from responders.settings import Settings
from triggers import announcements, intake, people, tags
from triggers.answers import answer, error
from triggers.people import Person

_log = structlog.get_logger("firebreak.responder_api")


class Turned(BaseModel):
    """How the switch is to stand."""

    model_config = ConfigDict(extra="forbid")

    acting: bool = Field(strict=True, description="false pulls it: nothing acts.")
    reason: Annotated[str, Field(min_length=3, max_length=500)]


async def show() -> func.HttpResponse:
    """200 with whether anything acts, and which of the three says no."""
    switch = await asyncio.to_thread(kill_switch.read, intake.store())
    return answer(200, _document(switch), headers={"ETag": kill_switch.tag(switch)})


async def turn(
    person: Person, wanted: Turned, expected: str | None, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 when it stands as wanted; 403 where only an administrator may; 412 where somebody turned it meanwhile."""
    if wanted.acting:
        try:
            person.must_be(people.ADMIN)
        except people.NotAllowedError as problem:
            todo = "ask an administrator of Firebreak; to pull it, send acting: false"
            return error(403, "NotAllowed", f"to let Firebreak act again: {problem}", todo)
    store = intake.store()
    now = await asyncio.to_thread(kill_switch.read, store)
    if expected is not None and not tags.stands(expected, kill_switch.tag(now)):
        return _moved_on(now)
    change: kill_switch.Turn = {
        "acting": wanted.acting,
        "reason": wanted.reason,
        "by": {"object_id": person.object_id, "name": person.name},
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    seen = None if expected is None else now["number"]
    try:
        switch = await asyncio.to_thread(lambda: kill_switch.turn(store, change, expected=seen))
    except ConflictError:
        return _moved_on(await asyncio.to_thread(kill_switch.read, store))
    _log.warning("kill switch", acting=wanted.acting, by=person.object_id, reason=wanted.reason)
    body = {**_document(switch), "told": await _tell(switch, client)}
    return answer(200, body, headers={"ETag": kill_switch.tag(switch)})


def _moved_on(switch: Switch) -> func.HttpResponse:
    said = f"the switch was turned since you saw it: this is turn {switch['number']}"
    more = {"etag": kill_switch.tag(switch), "now": switch}
    return error(412, "MovedOn", said, "GET /api/kill-switch, then decide again", more=more)


def _document(switch: Switch) -> Json:
    """All three switches. A policy that can't be read lets nothing act."""
    settings = Settings.from_environ()
    try:
        policy: bool | None = policies.load(settings.policy).guards.acting
    except PolicyError:
        policy = None
    return {
        "acting": bool(switch["acting"] and settings.acting and policy),
        "switch": switch,
        "setting": settings.acting,
        "policy": policy,
    }


async def _tell(switch: Switch, client: df.DurableOrchestrationClient) -> str:
    """A card to the channel. The switch stands, whether anybody could be told or not."""
    pulled = not switch["acting"]
    title = "Kill switch pulled: nothing acts" if pulled else "Kill switch released: acting again"
    return await announcements.begin(
        client,
        {
            "key": f"kill-switch-{switch['number']}",
            "event": "KillSwitchPulled" if pulled else "KillSwitchReleased",
            "title": title,
            "mood": "bad" if pulled else "asking",
            "do_now": "",
            "facts": [
                ("By", switch["by"]["name"]),
                ("Reason", switch["reason"]),
                ("At", switch["at"]),
            ],
            "path": "/incidents",
        },
    )
