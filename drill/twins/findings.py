"""What a rehearsal found out, for people: how long, what stood still, what they would have done by hand."""

import json
from pathlib import Path
from typing import TypedDict

from drill.options import Json
from drill.scene import Scene
from drill.states import pods_of
from drill.twins.outages import Outage, Outages, Runner
from drill.verdict.judgement import Verdict
from drill.verdict.times import Times

MODELLED = (
    "These are the sandbox's seconds. Modelled: how late replicas of the directory, of role assignments and of "
    "trusts are, how long pods take to start and stop, what Graph allows in a second. Not modelled: networks, images "
    "that are pulled, programs that start, more than one node, schedules, and the minutes that people take."
)


class StoodStill(TypedDict):
    """A workload, in seconds after the call."""

    workload: str
    pods: int
    no_tokens_from_s: float | None  # it gets no new one any more
    stopped_s: float | None
    back_s: float | None
    without_s: float | None  # from the first to the last
    why: str  # where it did not come back


class Findings(TypedDict):
    """All of it, as it is written beside the verdict."""

    times: Times
    modelled: str
    figures: Json  # of the sandbox, in seconds
    workloads: list[StoodStill]
    by_hand: list[str]
    gaps: list[str]


def of(export: Json, scene: Scene, verdict: Verdict, outages: Outages, modelled: Json) -> Findings:
    """Put together when it is over."""
    times = verdict["times"]
    cut = times["disabled_s"] if times["disabled_s"] is not None else times["contained_s"]
    return {
        "times": times,
        "modelled": MODELLED,
        "figures": modelled,
        "workloads": [
            _stood_still(runner, one, cut, scene, export) for runner, one in outages.found.items()
        ],
        "by_hand": _by_hand(scene, export),
        "gaps": list(scene.seed["left_out"]),
    }


def write(found: Findings, folder: Path) -> None:
    """Beside the verdict."""
    (folder / "rehearsal.json").write_text(json.dumps(found, indent=2) + "\n")


def _stood_still(
    runner: Runner, one: Outage, cut: float | None, scene: Scene, export: Json
) -> StoodStill:
    """What runs again and gets no token is not back."""
    refused = _refused(runner, scene) if one.back_s is not None else ""
    back = None if refused else one.back_s
    without = back - cut if back is not None and cut is not None else None
    return {
        "workload": str(runner),
        "pods": one.pods,
        "no_tokens_from_s": cut,
        "stopped_s": _rounded(one.stopped_s),
        "back_s": _rounded(back),
        "without_s": _rounded(without),
        "why": "" if back is not None else refused or _why(runner, one, scene, export),
    }


def _refused(runner: Runner, scene: Scene) -> str:
    """What its pods were told when they asked for a token; "" where each of them got one."""
    mine = {
        (runner.cluster, pod["metadata"]["name"])
        for pod in pods_of(scene.after, runner.as_workload(0))
    }
    said = [
        str(one.reply)
        for one in scene.workload_reads
        if (one.cluster, one.pod) in mine and one.reply.status != 200
    ]
    return f"its pods run with the new identity, and get no token: {said[0]}" if said else ""


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _why(runner: Runner, one: Outage, scene: Scene, export: Json) -> str:
    """By what the incident says of its cluster; else what the plan did."""
    if not one.pods:
        return "it had no pod that ran"
    said = (scene.status.get("clusters") or {}).get(runner.cluster)
    if said is not None and said.get("detail"):
        return str(said["detail"])
    plan = export["plan"] or {"clusters": []}
    planned = [
        one for one in plan["clusters"] if one["survey"]["cluster"]["name"] == runner.cluster
    ]
    if planned and planned[0]["reason"]:
        return str(planned[0]["reason"])
    return "nothing was rebuilt" if scene.consented_at is None else "it did not come back"


def _by_hand(scene: Scene, export: Json) -> list[str]:
    """Commands that the incident names, and what else the plan leaves to a person."""
    plan = export["plan"] or {"clusters": [], "choices": []}
    said: list[str] = list(scene.status.get("by_hand", []))
    consumers = [
        f"{one['cluster']} {one['kind']}/{one['name']}: {one['by_hand']}"
        for cluster in plan["clusters"]
        for one in cluster["survey"].get("consumers", [])
        if one["by_hand"] and one["by_hand"] not in "\n".join(said)
    ]
    choices = [
        f"decide: {one['what']} {one['name']} comes back only where a person chooses it"
        for one in plan["choices"]
        if scene.consented_at is None  # else the incident says what was not chosen
    ]
    return list(dict.fromkeys([*said, *consumers, *choices]))
