"""What the topic got, held against what the incident kept and says: a contradiction misleads whoever reads events."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

from drill.options import Json
from drill.scene import Scene
from drill.verdict.facts import Check, Finding, every, none_of

_TOPIC = "incidents"
_KEPT = "events.json"  # of each notice that the topic has taken


def published(scene: Scene) -> list[Json]:
    """Events that came to the topic since the alert, in the order in which they came."""
    before = len(scene.staged["topics"].get(_TOPIC, []))
    events: list[Json] = scene.after["topics"].get(_TOPIC, [])[before:]
    return events


def _all_there(scene: Scene) -> Finding:
    """Each notice that was kept as published is on the topic once, word for word, and nothing else is."""
    kept = [
        json.loads(one.text)
        for one in scene.evidence
        if PurePosixPath(one.path).name == _KEPT and "notices" in PurePosixPath(one.path).parts
    ]
    found = published(scene)
    told = scene.status["channels"]["events"]
    return every(
        [
            *((f"{one['type']} published", _came_once(one, found)) for one in kept),
            (f"{len(kept)} kept, {len(found)} published", len(kept) == len(found)),
            (f"the incident says {told['told']}", told == {"told": len(found), "not_told": []}),
        ]
    )


def _came_once(kept: Json, found: Sequence[Json]) -> bool:
    same = [one for one in found if one["id"] == kept["id"] and one["topic"] == kept["source"]]
    return len(same) == 1 and same[0]["data"] == kept["data"]


def _true(scene: Scene) -> Finding:
    """The event of the outcome is there, and every event is about this incident, this identity, this clock."""
    status, found = scene.status, published(scene)
    outcome = [one for one in found if one["data"]["notice"] == status["outcome"]]
    wrong = [] if outcome else [f"no event says {status['outcome']}"]
    for one in found:
        data, kind = one["data"], one["eventType"]
        about = (one["subject"], data["incident_id"], data["principal"]["object_id"])
        if about != (status["incident_id"], status["incident_id"], scene.victim.object_id):
            wrong.append(f"{kind} is about {about}")
    for one in outcome[-1:]:
        said = one["data"]["facts"].get("contained")
        if said != status["contained_at"]:
            wrong.append(f"{one['eventType']}: contained {said}, not {status['contained_at']}")
    return none_of(wrong)


def _commented(scene: Scene) -> Finding:
    """Where Sentinel sent the signal, its incident has each notice; nobody else's incident has any."""
    comments = scene.after["sentinelComments"]
    if scene.status["signal"]["source"] != "sentinel":
        return none_of([one["id"] for one in comments])
    own = f"{scene.status['signal']['sentinel_incident']}/comments/".lower()
    told = scene.status["channels"]["sentinel"]
    return every(
        [
            *((one["id"][-36:], one["id"].lower().startswith(own)) for one in comments),
            (
                f"{len(comments)} comments",
                told == {"told": len(comments), "not_told": []} and len(comments) > 0,
            ),
            (f"{len(published(scene))} events", len(comments) == len(published(scene))),
        ]
    )


CHECKS = (
    Check(
        "every notice is on the Event Grid topic, once and as it is kept",
        "as many events as notices, each the same",
        _all_there,
    ),
    Check("the events say what the incident says", "no contradiction", _true),
    Check(
        "the Sentinel incident that sent the signal carries every notice",
        "as many comments as notices, and none on any other incident",
        _commented,
    ),
)
