"""Where people are told: which channels an incident has, and what each of them has taken. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from playbooks.orders import Json, Order
from responders.journal import Step
from responders.settings import Settings

TEAMS, EVENTS, SENTINEL = "teams", "events", "sentinel"
STEP = "tell_people"
_WORST_FIRST = ("failed", "refused", "done", "nothing_to_do")


def in_use(settings: Settings, order: Order, sentinel: Sequence[str]) -> list[str]:
    """The channels of this notice. Where none is set up, the one that says so. `sentinel`: the incidents to comment."""
    if (named := order.get("channel")) is not None:
        return [named]
    found = [TEAMS] if settings.teams_webhook_url else []
    if settings.event_grid_topic:
        found.append(EVENTS)
    if sentinel:
        found.append(SENTINEL)
    return found or [TEAMS]


def target(key: str, channel: str) -> str:
    """What the journal calls one notice on one channel."""
    return f"{key}/{channel}"


def notice_of(target: str) -> tuple[str, str]:
    """A notice and its channel, out of what the journal calls it."""
    key, _, channel = target.partition("/")
    return key, channel or TEAMS


def joined(answers: Mapping[str, Json]) -> Json:
    """One answer of all channels: as bad as the worst; `channels` has each."""
    found = sorted((one["status"] for one in answers.values()), key=_WORST_FIRST.index)
    again = [one for one in answers.values() if one.get("retry")]
    soonest = [int(one["after_s"]) for one in again if "after_s" in one]
    joint: Json = {
        "status": found[0],
        "detail": "; ".join(f"{name}: {one.get('detail', '')}" for name, one in answers.items()),
        "channels": dict(answers),
    }
    if again:
        joint["retry"] = True
    if soonest:
        joint["after_s"] = min(soonest)
    return joint


def told(steps: Iterable[Step]) -> dict[str, Any]:
    """Channel by channel: how many notices it has taken, and which it has not, with the last answer."""
    found: dict[str, Any] = {}
    for step in steps:
        if step["step"] != STEP:
            continue
        key, channel = notice_of(step["target"])
        one = found.setdefault(channel, {"told": 0, "not_told": []})
        if step["status"] in {"done", "nothing_to_do"}:
            one["told"] += 1
        else:
            said = {"notice": key, "status": step["status"], "detail": step["detail"]}
            one["not_told"].append(said)
    return found
